--- The wires of a unit: its port, further ones of the same device, and the device that leaves and comes back.
--
-- What stands in a unit's truth (jig.unit): address and pacing of the port, port (the jig.Wire), handle (of jig.port,
-- behind it), wires (further ones), moved (bytes of those that are closed), about (what is known of a device that has
-- left and is not back).

local addresses = require "jig.address"
local reopen = require "jig.reopen"
local task = require "jig.task"
local wire = require "jig.wire"

local wires = {}

-- Further wires of one device.
local MOST <const> = 8

--- Raises when these are no options of an address.
---@param options any
---@param method string  of the unit
function wires.check_options(options, method)
  if type(options) ~= "table" then error(("unit:%s takes a table: { option = value… }"):format(method), 0) end
  for key, value in pairs(options) do
    local fits = type(value) == "string" or type(value) == "boolean" or math.type(value) == "integer"
    if type(key) ~= "string" or not fits then
      error(("unit:%s: an option of the address is a string, a whole number, true or false; %s is a %s"):format(method,
        tostring(key), math.type(value) or type(value)), 0)
    end
  end
end

-- Options that say where a device is, or which one.
local WHICH <const> = { "path", "vid", "pid", "serial" }

local function check_same_device(options)
  for _, key in ipairs(WHICH) do
    if options[key] ~= nil then
      error(("unit:open: a further wire is one of the unit's own device: %s says which device, and cannot be given")
        :format(key), 0)
    end
  end
end

-- That a device has only just come is so of the first opening alone.
local function begin(truth, address, pacing)
  truth.address, truth.pacing = address, { chunk = pacing and pacing.chunk, gap = pacing and pacing.gap }
  truth.wires, truth.moved = {}, { received = 0, sent = 0 }
end

--- Opens the port. Yields; throws connectivity.*.
---@param truth table
---@param address string
---@param pacing? table
---@param opener? function  in place of jig.port.open
---@return jig.Wire
function wires.connect(truth, address, pacing, opener)
  begin(truth, address, pacing)
  truth.port = wire.open(address, truth.slot, truth.recipe.limits, pacing, opener)
  truth.handle = wire.handle(truth.port)
  wire.lend(truth.port)
  return truth.port
end

--- Takes over a port that somebody else has opened, and closes: a shell. Further wires are of that before, and closed.
---@param truth table
---@param port jig.Wire
---@param handle any
---@param address string
---@param pacing? table
function wires.adopt(truth, port, handle, address, pacing)
  wires.close_further(truth)
  begin(truth, address, pacing)
  truth.port, truth.handle = port, handle
  wire.lend(port)
end

--- Closes the further wires. Does not yield.
---@param truth table
function wires.close_further(truth)
  for _, further in ipairs(table.move(truth.wires or {}, 1, MOST, 1, {})) do wire.close(further.wire) end
end

local function count(truth, handle)
  local received, sent = handle:counts()
  truth.moved.received, truth.moved.sent = truth.moved.received + received, truth.moved.sent + sent
end

local function close(truth, handle)
  count(truth, handle)
  handle:close()
end

-- The recipe closes it itself.
local function let_go_of(truth, further)
  for i, one in ipairs(truth.wires) do
    if one == further then
      table.remove(truth.wires, i)
      return count(truth, further.handle)
    end
  end
end

--- Opens a further wire. Raises for options that say which device it is of. Yields; throws connectivity.*.
---@param truth table
---@param options table
---@return jig.Wire
function wires.open(truth, options)
  check_same_device(options)
  if #truth.wires == MOST then error(("unit:open: %d wires are open already"):format(MOST), 0) end
  local made = wire.open(addresses.with(truth.address, options), truth.slot, truth.recipe.limits, truth.pacing)
  local further = { wire = made, handle = wire.handle(made) }
  table.insert(truth.wires, further)
  wire.on_close(made, function() let_go_of(truth, further) end)
  return made
end

--- Closes all that is open. Does not yield.
---@param truth table
---@return integer received, integer sent
function wires.disconnect(truth)
  for _, further in ipairs(truth.wires) do close(truth, further.handle) end
  close(truth, truth.handle)
  return truth.moved.received, truth.moved.sent
end

-- From now on there is no device, until it is back.
local function let_go(truth)
  for _, further in ipairs(truth.wires) do
    close(truth, further.handle)
    wire.on_close(further.wire, nil)
    wire.take(further.wire, reopen.absent(truth.slot))
  end
  truth.wires = {}
  close(truth, truth.handle)
  truth.handle = reopen.absent(truth.slot)
  wire.take(truth.port, truth.handle)
end

local function check_same_place(truth, options)
  if options.path == nil or not (truth.about.path or addresses.has(truth.address, "path")) then return end
  error("unit:reopen: the device is looked for where it was: path is known, and cannot be given", 0)
end

-- Where the address says not where the device is plugged in, that is known from before.
local function address_after(truth, options, about)
  local made = addresses.with(truth.address, options)
  if not about.path or addresses.has(made, "path") then return made end
  return addresses.with(made, { path = about.path })
end

--- Waits until the device has left and is back, within limits.reopen, and puts the port over the new wire. Raises for
-- another place than the one that is known. Yields; throws connectivity.*, tool.serial.
---@param truth table
---@param options table
function wires.reopen(truth, options)
  local limits, slot = truth.recipe.limits, truth.slot
  local limit <close> = task.limit("reopen", limits.reopen)
  truth.about = truth.about or truth.handle:about() -- of the device that is meant, until it is back
  check_same_place(truth, options)
  reopen.departure(truth.handle, truth.address, slot, limits.reopen)
  let_go(truth)
  truth.address = address_after(truth, options, truth.about)
  local handle = reopen.arrival(truth.address, slot, limits.reopen, function()
    return wire.open_port(truth.address, slot, limits, truth.pacing)
  end)
  local same, thrown = pcall(reopen.check_same, truth.about, handle:about(), slot)
  if not same then
    handle:close()
    error(thrown, 0)
  end
  truth.handle, truth.about = handle, nil
  wire.take(truth.port, handle)
end

return wires
