--- jig ports: lists the devices that could be opened, one a line, the address to use first.

local cjson = require "cjson.safe"
local options = require "jig.commands.options"
local port = require "jig.port"

local function line(info)
  local parts = { info.address }
  if info.name and not info.address:find(info.name, 1, true) then parts[#parts + 1] = info.name end
  if info.vid then parts[#parts + 1] = ("%04x:%04x"):format(info.vid, info.pid) end
  for _, key in ipairs { "serial", "manufacturer", "product", "description" } do
    if info[key] then parts[#parts + 1] = (info[key]:gsub("%c", "?")) end
  end
  return table.concat(parts, "  ")
end

return function(words)
  local p = options.parser("ports", "List the devices that could be opened.")
  p:flag("--json", "One JSON object per line.")
  local o, status = options.parse(p, words)
  if not o then return status end
  local list, message = port.list()
  if not list then
    io.stderr:write("jig ports: ", message, "\n")
    return 1
  end
  for _, info in ipairs(list) do
    print(o.json and cjson.encode(info) or line(info))
  end
  if #list == 0 and not o.json then io.stderr:write("no devices found\n") end
  return 0
end
