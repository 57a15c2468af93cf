--- Options of framings, where a recipe makes one.

local common = require "jig.framing.common"
local nearest = require "jig.check.nearest"
local source = require "jig.check.source"
local stand_in = require "jig.check.stand_in"

local framings = {}

-- What is wrong and what to write, from a framing's own sentence.
local function split(name, text)
  local option, known = text:match('unknown option "?(.-)"? %(known: (.-)%)')
  if not option then
    local what, expected = text:match("^(.-: )(expected .*)$")
    if not what then return name .. ": " .. text, "see the head of scripts/jig/framing/" .. name .. ".lua" end
    local wanted, got = expected:match("^(.*), got (.*)$")
    if not wanted then return name .. ": " .. text, expected end
    return ("%s: %sis %s"):format(name, what:gsub(": $", " "), got), wanted
  end
  local words = {}
  for word in known:gmatch("[^, ]+") do words[#words + 1] = word end
  local where = text:match("^(%w+): unknown")
  return ("%s has no %soption '%s'"):format(name, where and where .. " " or "", option), nearest.advice(option, words)
end

-- The line of the recipe's innermost call on the stack, and its file.
local function caller(folder)
  local level = 2
  local info = debug.getinfo(level, "Sl")
  while info do
    local file = info.source:match("^@(.*)")
    if file and file:sub(1, #folder) == folder then return file, info.currentline end
    level = level + 1
    info = debug.getinfo(level, "Sl")
  end
end

--- Whether a framing is one of jig's. What a recipe brings itself is not called by a check.
---@param framing any
---@return boolean
function framings.is_known(framing)
  local host = type(framing) == "table" and framing.host
  local encode = type(host) == "table" and host.encode
  return type(encode) == "function" and debug.getinfo(encode, "S").source:find("^@scripts/jig/") ~= nil
end

--- The line of an option in the call of a framing on a line.
---@param self jig.check.Source
---@param line integer
---@param key string
---@return integer
function framings.line(self, line, key)
  local found = line
  self:each("call", function(node)
    local kind = self:kind(node.of)
    local fields = kind and kind:match("^module jig%.framing%.") and source.constructor(node.args[1])
    if fields and line >= node.line and line <= node.last then found = source.place(fields, tostring(key)) end
  end)
  return found
end

-- All mistakes that the rules know; else the one that the framing raises.
local function mistakes_of(module, name, given)
  if type(given) ~= "table" then return nil, { { key = "", text = "options: expected table, got " .. type(given) } } end
  local found = common.mistakes(common.rules(module), given)
  if #found > 0 then return nil, found end
  local ok, made = pcall(module, given)
  if ok then return made, {} end
  local text = tostring(made):gsub("^.-:%d+: ", ""):gsub("^" .. name .. ": ", "")
  return nil, { { key = text:match("^([%w_]+): ") or "", text = text } }
end

--- A module of a framing that reports what is wrong with its options, and then gives what stands for a framing.
---@param module table   as required
---@param name string    "slip"
---@param folder string  of the recipe
---@param report fun(path: string, line: integer, what: string, instead: string, key: string)  the line of the call
---@return table
function framings.watched(module, name, folder, report)
  return setmetatable({}, {
    __call = function(_, given)
      if given == nil then given = {} end
      if rawequal(given, stand_in.value) or next(stand_in.paths(given)) then return stand_in.value end
      local made, mistakes = mistakes_of(module, name, given)
      if made then return made end
      local file, line = caller(folder)
      for _, mistake in ipairs(mistakes) do
        local what, instead = split(name, mistake.text)
        report(file or folder, line or 1, what, instead, tostring(mistake.key))
      end
      return stand_in.value
    end,
    __index = function() return stand_in.value end,
  })
end

return framings
