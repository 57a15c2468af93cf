--- The recording of one unit, from its head to its seal: what the worker asks for.
--
-- What is recorded goes to a file, or, in a replay, as events `tape` to whoever compares it. Trouble with the file is
-- told by an event `cassette` when the unit is over; the unit's result stands.

local place = require "jig.cassette.place"
local record = require "jig.record"
local recorder = require "jig.cassette.recorder"
local slot = require "jig.slot"
local tape = require "jig.cassette.tape"

---@class jig.cassette.Recording
---@field recorder jig.cassette.Recorder
---@field tape? jig.cassette.Tape
local recording = {}
recording.__index = recording

-- The last name in a path.
local function last(path)
  return path:gsub("/+$", ""):match("([^/]*)$")
end

local function folder_name(folder)
  local name = last(folder)
  return name ~= "." and name ~= ".." and name or ""
end

-- What of the CLI's settings decides how a unit goes.
local function cli_fields(service)
  local fields = { accept = service.accept and table.concat(service.accept, ",") or nil }
  for name, seconds in pairs(service.limits or {}) do fields["limit_" .. name] = seconds end
  for name, value in pairs(service.report or {}) do fields["report_" .. name] = value end
  fields.tries = (service.token or {}).tries
  for _, name in ipairs { "grace", "stop", "hurry" } do fields[name] = service[name] end
  return fields
end

local function write_head(to, config, plan, number)
  to:head("recipe", {
    name = plan.name, version = plan.version, file = last(config.file), folder = folder_name(config.folder),
    sha256 = record.digest(plan.files, config.folder),
  })
  to:head("unit", {
    slot = config.slot, number = number, retries = config.retries, serial = plan.serial, lot = config.lot,
    operator = config.operator,
  })
  to:head("cli", cli_fields(config.service))
end

--- Begins. Does not yield.
---@param config table   of the worker; its `recording`: { file = pattern | live = true, keep, by_hand = boolean }
---@param plan table     name, version, recipe, files, serial
---@param number integer of the unit
---@return jig.cassette.Recording
function recording.new(config, plan, number)
  local o, self = config.recording, setmetatable({ number = number }, recording)
  local function sink(line) slot.emit { event = "tape", line = line } end
  if o.file then
    self.tape = tape.new(place.of(o.file, config.slot, number), o.keep)
    sink = function(line) self.tape:line(line) end
  end
  self.recorder = recorder.new(sink, plan.recipe, { keep = o.keep, live = o.live, by_hand = o.by_hand })
  write_head(self.recorder, config, plan, number)
  return self
end

--- Ends it; says what went wrong with the file.
---@param emit fun(event: table)
function recording:finish(emit)
  local trouble = self.recorder.trouble
  if self.tape then
    if not trouble then self.tape:finish() end -- a cassette without a seal is known as one that has no end
    trouble = self.tape.trouble or trouble
  end
  if trouble then emit { event = "cassette", path = self.tape and self.tape.path or "", trouble = trouble } end
end

return recording
