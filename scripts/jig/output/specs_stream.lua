--- The output of a spec file that runs in a process of its own, for the one that started it: on stdout, among
-- whatever the specs print, a line per test, from RS to a line feed, as RFC 7464 has it.

local cjson = require "cjson.safe"
local collect = require "jig.output.specs_collect"

local RS <const> = "\x1e"

local specs_stream = {}

--- Reads what such a process printed.
---@param text string
---@return jig.SpecCase[] cases
---@return string rest    what specs printed themselves
---@return boolean ended  the run came to its end
function specs_stream.read(text)
  local cases, ended = {}, false
  local rest = text:gsub(RS .. "([^\n]*)\n", function(line)
    local value = cjson.decode(line)
    if type(value) ~= "table" then return nil end
    if value.ended then ended = true else cases[#cases + 1] = value end
    return ""
  end)
  return cases, rest, ended
end

--- Busted's output handler.
return setmetatable(specs_stream, { __call = function(_, options)
  local busted = require "busted"
  local to = options.to or io.stdout
  local function put(value)
    to:write(RS, cjson.encode(value), "\n")
    to:flush()
  end
  local handler = collect(put)
  busted.subscribe({ "suite", "end" }, function()
    put { ended = true }
    return nil, true
  end)
  return handler
end })
