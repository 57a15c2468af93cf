--- What luacheck says of a recipe's files, where it is installed: unused and overwritten values, shadowed names, code
--- that is never reached. Of globals it is not asked, for a recipe's are known here; nor of spaces.

local proc = require "jig.proc"
local syntax = require "jig.check.syntax"

local luacheck = {}

-- Seconds that it may take, and bytes that are read of what it says.
local LIMIT <const>, CAP <const> = 20, 1 << 20

local INSTEAD <const> = {
  ["2"] = "use it, or leave it out",
  ["3"] = "use the value, or leave it out",
  ["4"] = "give it a name of its own",
  ["5"] = "leave it out, or mend the condition",
}

-- Lines on which something is declared that is there to be closed.
local function closed_lines(source)
  local lines = {}
  syntax.walk(source.tree, function(node)
    for _, var in ipairs(node.vars or {}) do
      if var.attribute == "close" then lines[var.line] = true end
    end
  end)
  return lines
end

--- Reads what luacheck's plain formatter writes of a file.
---@param output string
---@param path string
---@return { line: integer, code: string, text: string }[]
function luacheck.read(output, path)
  local found = {}
  for entry in output:gmatch("[^\n]+") do
    if entry:sub(1, #path + 1) == path .. ":" then
      local line, code, text = entry:sub(#path + 2):match("^(%d+):%d+: %([WE](%d+)%) (.*)$")
      if line then found[#found + 1] = { line = math.tointeger(tonumber(line)), code = code, text = text } end
    end
  end
  return found
end

--- Asks luacheck about a file, which must not begin with "-", and reports. Yields. nil, message when it is installed
--- and does not answer.
---@param source jig.check.Source
---@param report fun(line: integer, what: string, instead: string)
---@return true|nil, string? message
return setmetatable(luacheck, {
  __call = function(_, source, report)
    local child <close> = proc.start {
      "luacheck", "--no-config", "--no-cache", "--std", "lua54", "--codes", "--no-color", "--formatter", "plain",
      "--no-unused-args", "--ignore", "1..", "6..", "--", source.path, limit = LIMIT, cap = CAP,
    }
    if not child then return true end -- it is not installed
    local result, message = child:wait()
    if not result then return nil, message end
    if result.exit == 127 then return true end -- likewise, where the system tells it so
    if result.exit ~= 0 and result.exit ~= 1 then
      return nil, ("luacheck ended with %s"):format(result.exit or "signal " .. tostring(result.signal))
    end
    local closed = closed_lines(source)
    for _, entry in ipairs(luacheck.read(result.stdout, source.path)) do
      if not (entry.code == "211" and closed[entry.line]) then
        report(entry.line, entry.text, INSTEAD[entry.code:sub(1, 1)] or "see luacheck, W" .. entry.code)
      end
    end
    return true
  end,
})
