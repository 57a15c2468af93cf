--- `jig run --json`: one object per line on stdout. The schema stands in scripts/README.md.

local cjson = require "cjson.safe"

local json = {}
json.__index = json

-- JSON is text: in a string that is no UTF-8, bytes above ASCII become "?".
local function printable(value)
  if type(value) == "string" then
    if not utf8.len(value) then value = value:gsub("[\128-\255]", "?") end
    return value
  end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, element in pairs(value) do
    copy[key] = printable(element)
  end
  return copy
end

---@return table
function json.new()
  return setmetatable({}, json)
end

function json.tick()
end

function json.close()
end
json.__close = json.close

--- One object as a line of text, without its end.
---@param object table
---@return string
function json.line(object)
  return assert(cjson.encode(printable(object)))
end

function json.show(_, event)
  io.stdout:write(json.line(event), "\n")
  io.stdout:flush()
end

return json
