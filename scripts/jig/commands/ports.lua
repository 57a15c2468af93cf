--- jig ports: lists the devices that are plugged in, one a line, the address to use first; or those that come and go.

local clean = require "jig.output.clean"
local cjson = require "cjson.safe"
local options = require "jig.commands.options"
local port = require "jig.port"
local system = require "jig.system"
local task = require "jig.task"

-- Seconds until a look without a cause, in case that a change was not told.
local UNTOLD <const> = 2

local function holders(list)
  local names = {}
  for i, holder in ipairs(list) do names[i] = ("%s (%d)"):format(holder.program or "?", holder.pid) end
  return "held by " .. table.concat(names, ", ")
end

local function line(info)
  local parts = { info.address }
  if info.name and not info.address:find(info.name, 1, true) then parts[#parts + 1] = info.name end
  if info.vid then parts[#parts + 1] = ("%04x:%04x"):format(info.vid, info.pid) end
  for _, key in ipairs { "serial", "manufacturer", "product", "description" } do
    if info[key] then parts[#parts + 1] = clean(info[key]) end
  end
  if info.driver then parts[#parts + 1] = "driver " .. clean(info.driver) end
  if info.held_by then parts[#parts + 1] = clean(holders(info.held_by)) end
  return table.concat(parts, "  ")
end

local function fail(message)
  io.stderr:write("jig ports: ", message, "\n")
  return 1
end

local function list(o)
  local found, message = port.list()
  if not found then return fail(message) end
  for _, info in ipairs(found) do
    print(o.json and cjson.encode(info) or line(info))
  end
  if #found == 0 and not o.json then io.stderr:write("no devices found\n") end
  return 0
end

-- ---- those that come and go ----

-- What tells a device from another at the same address.
local function identity(info)
  return table.concat({ info.address, info.name, info.vid or "", info.pid or "", info.serial or "" }, "\0")
end

-- Nil when stdout is gone: who read it has had enough.
local function show(info, came, o)
  local text
  if o.json then
    info.event = came and "plugged" or "unplugged"
    text = cjson.encode(info)
  else
    text = (came and "+ " or "- ") .. line(info)
  end
  return io.stdout:write(text, "\n") and io.stdout:flush()
end

-- The devices by their identity, and in their order. nil, message.
local function devices()
  local found, message = port.list()
  if not found then return nil, message end
  local known, order = {}, {}
  for i, info in ipairs(found) do
    order[i] = identity(info)
    known[order[i]] = info
  end
  return known, order
end

-- Those of the first that the second does not have. False when nobody reads them.
local function show_new(order, known, before, came, o)
  for _, key in ipairs(order) do
    if not before[key] and not show(known[key], came, o) then return false end
  end
  return true
end

-- Until it is interrupted, or nobody reads it. Gives the exit status.
local function follow(o)
  local before, order_before, seen = {}, {}, port.change(0)
  while seen do
    local known, order = devices()
    if not known then return fail(order) end
    if not show_new(order_before, before, known, false, o) or not show_new(order, known, before, true, o) then break end
    before, order_before = known, order
    seen = port.change(UNTOLD, seen)
  end
  return 0
end

-- Ends by SIGINT or SIGTERM.
local function watch(o)
  system.catch_signals()
  local follower = task.spawn(follow, o)
  task.spawn(function()
    system.wait_signal()
    follower:interrupt()
  end)
  local ok, status = follower:join()
  if not ok then error(status, 0) end
  return status
end

return function(words)
  local p = options.parser("ports", "List the serial ports and USB devices that are plugged in.")
  p:flag("--json", "One JSON object per line.")
  p:flag("--watch", "Show those that are there, then those that come (+) and go (-), until SIGINT.")
  local o, status = options.parse(p, words)
  if not o then return status end
  return (o.watch and watch or list)(o)
end
