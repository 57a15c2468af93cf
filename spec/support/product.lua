-- One attempt at one device, inside the spec: a recipe, a device that is a task at the other end of a
-- `pair:` wire, and the fake CLI.
--
--     local run <close> = product.attempt { recipe = { exchange = f }, device = product.echo() }
--     assert.equal("cli.refused", run.result.fault.name)

local attempt = require "jig.attempt"
local length = require "jig.framing.length"
local port = require "jig.port"
local recipe = require "jig.recipe"
local scratch = require "spec.support.scratch"
local session = require "jig.session"
local task = require "jig.task"
local unit = require "jig.unit"

local product = {}

--- What the fake CLI prints when it is asked nothing else.
product.fingerprint = "e603eb9d1cb55d2288cb639fccf30e1687f5bb90"

--- The framing of the products here: requests without a status, replies with one.
product.framing = length {
  header = ">I2 scp I2 length",
  reply = ">I2 scp I2 length B status",
  crc = "CRC-16/IBM-3740",
  max = 4096,
}

-- Seconds for what is under no test, on a machine that may be slow.
local PATIENCE <const> = 60

--- A device that keeps the messages that it gets in `received` and answers each by `answer(frame, n)`: a
-- frame, bytes as they are, or nil for silence. Default: status 0 and "ok", with the request's SCP.
---@param answer? fun(frame: jig.Frame, n: integer): jig.Frame|string|nil
---@return fun(wire: any, received: jig.Frame[])
function product.device(answer)
  answer = answer or function(frame) return { scp = frame.scp, status = 0, payload = "ok" } end
  return function(wire, received)
    local codec = product.framing.device
    local decoder = codec.decoder()
    while true do
      local bytes = wire:read_some()
      if not bytes then return end
      local frame = decoder:feed(bytes)
      while frame do
        received[#received + 1] = frame
        local reply = answer(frame, #received)
        if type(reply) == "table" then reply = codec.encode(reply) end
        if reply then wire:write(reply) end
        frame = decoder:feed("")
      end
    end
  end
end

local numbers = 0

local function fill(fields)
  local made = {
    name = "lamp",
    port = "pair:lamp",
    framing = product.framing,
    limits = { exchange = PATIENCE, between = PATIENCE, prepare = PATIENCE, reset = PATIENCE, unit = PATIENCE },
  }
  for key, value in pairs(fields or {}) do
    if key == "limits" then
      for name, seconds in pairs(value) do made.limits[name] = seconds end
    else
      made[key] = value
    end
  end
  return recipe.new(made, "lamp")
end

--- Runs an attempt in the spec's own task. Gives a value to be closed: result, unit, events (messages
-- of the unit), phases (names, joined), received (by the device), folder (of the fake CLI).
---@param t table  recipe (fields), device, cli (plan as text), service (further settings), address,
---   fields (of the unit), serial, folder (of the recipe; default: the specs')
function product.attempt(t)
  numbers = numbers + 1
  local run = { events = {}, received = {}, folder = scratch.folder() }
  local address = ("pair:product%d"):format(numbers)
  local wire = assert(port.open(address))
  local device = task.spawn(t.device or product.device(), wire, run.received)
  local settings = run.folder:cli(t.cli)
  for key, value in pairs(t.service or {}) do settings[key] = value end
  local fields = { slot = "A", number = 1, attempt = 1 }
  for key, value in pairs(t.fields or {}) do fields[key] = value end
  run.unit = unit.new(fields, fill(t.recipe), {
    service = session.service(settings),
    new_id = function() return ("sid%d"):format(numbers) end,
    emit = function(event) run.events[#run.events + 1] = event end,
    folder = t.folder or "spec/",
  })
  run.result = attempt.run(run.unit, {
    address = (t.address or "%s"):format(address),
    pacing = t.pacing,
    serial = t.serial,
  })
  wire:close()
  run.device = table.pack(device:join(PATIENCE))
  local phases = {}
  for i, phase in ipairs(run.result.phases) do phases[i] = phase.name end
  run.phases = table.concat(phases, " ")
  return setmetatable(run, { __close = function() run.folder:__close() end })
end

return product
