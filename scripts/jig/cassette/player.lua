--- Plays a cassette to a recipe, in a world of its own and on virtual time, and stops at the first step that is
-- another than it was.
--
-- The recipe is recorded while it runs, by the same means (jig.cassette.recorder), and each line that tells what jig
-- does must be the next such line of the cassette. What the device and the CLI did behind a line they do again once
-- jig has done that line, as long after it as then. For payloads there are fillers of the same size: the CLI prints
-- them, the device's frames carry them, and what is made of them is compared by what they stand for.

local difference = require "jig.cassette.difference"
local format = require "jig.cassette.format"
local noise = require "jig.cassette.noise"
local rig = require "jig.testing.rig"
local rubbish = require "jig.cassette.rubbish"
local veil = require "jig.cassette.veil"
local wired = require "jig.cassette.wired"

---@class jig.cassette.Player
---@field cassette jig.cassette.Cassette
---@field events jig.cassette.Event[]
---@field at integer                  the next of them
---@field run jig.testing.Rig
---@field difference? jig.cassette.Difference
local player = {}
player.__index = player

--- Seconds by which a step may be earlier or later where times count.
player.TOLERANCE = 0.05

-- ---- what the device and the CLI do ----

-- Words behind the first line of what a CLI printed: by them it says what its token lacks.
local TROUBLE <const> = {
  token_missing = "jig replay: the token is missing", token_busy = "jig replay: the token is busy",
  pin = "jig replay: the PIN is wrong",
}

-- What the CLI does for an answer.
local function as_answer(event)
  local fields = event.fields
  return {
    scp = fields.scp, payload = fields.payload and veil.filler(fields.payload), fingerprint = fields.fingerprint,
  }
end

local function text_of(value)
  return type(value) == "string" and value or ""
end

-- What the CLI does where it does not answer. nil where it was no doing of the CLI.
local function as_refusal(event)
  local fields = event.fields
  local code, message = fields.code, text_of(fields.message)
  if code == "killed" then return { signal = fields.signal or 9 } end
  if code == "timeout" then return { after = math.huge } end
  if code == "limit" then return { out = ("k"):rep(1 << 20) .. "\n" } end
  if code == "invalid" then return { out = rubbish.output(message) } end
  if code == "not_found" then return { missing = true } end
  if code == "refused" or TROUBLE[code] then
    return {
      exit = fields.exit or 1, out = fields.opened and "PAYLOAD\n" or nil,
      err = ("%s\n%s\n"):format(message, TROUBLE[code] or ""),
    }
  end
end

-- The message behind the name of the port, which is put before it again.
local function without_name(self, message)
  local name = self.cassette.unit.slot .. ": "
  message = text_of(message)
  return message:sub(1, #name) == name and message:sub(#name + 1) or message
end

-- Steps by which a unit ends that has failed before: why it has is told by its verdict.
local function is_end(found)
  return type(found) == "table" and (found.kind == "close" or found.kind == "verdict"
    or found.kind == "call" and found.fields.command == "report_error")
end

local function differ(self, what, expected, found)
  self.difference = { what = what, expected = expected, found = found, line = expected and expected.line }
  self.failing, self.cannot_write, self.differed_at = {}, nil, self.heard
  if not self.over and not is_end(found) then self.run:kill() end
end

-- The framing makes the device's frames here: one that was changed would read what it made itself.
local function check_wired(self, event)
  local was, is = event.fields.wired, wired(self.plan.recipe.framing, "<", event.fields)
  if was == nil or was == is or self.difference then return end
  local now = { at = event.at, side = "<", kind = "frame", fields = {} }
  for key, value in pairs(event.fields) do now.fields[key] = value end
  now.fields.wired = is
  differ(self, difference.FRAMED, event, now)
end

local function frame_bytes(self, event)
  local frame = {}
  for key, value in pairs(event.fields) do frame[key] = value end
  frame.wired = nil
  frame.payload = veil.filler(event.fields.payload)
  local ok, bytes = pcall(self.plan.recipe.framing.device.encode, frame)
  if not ok then
    error(("%s: line %d: the recipe's framing cannot make this frame: %s"):format(
      self.cassette.path, event.line, tostring(bytes)), 0)
  end
  check_wired(self, event)
  return bytes
end

-- Whether nobody read it.
local function is_dropped(event)
  return event.kind ~= "frame" and event.fields.dropped == true
end

-- Bytes that the device sent.
local function wire_bytes(self, event)
  if event.kind == "frame" then return frame_bytes(self, event) end
  if event.kind == "text" then return event.fields.bytes end
  if event.kind == "bytes" then
    if not is_dropped(event) then self.rough = "all" end
    return noise.bytes(self.plan.recipe.framing, event.fields.like or "filler", event.fields.payload)
  end
end

local function send(self, delay, bytes)
  self.run:after(delay, function()
    if not self.run.world:dead() and self.run.lines[0].is_open then self.run.device:write(bytes) end
  end)
end

local play = {}

function play.lost(self, event, delay)
  local why = without_name(self, event.fields.message)
  if event.fields.during == "write" then self.cannot_write = why end
  self.run:after(delay, function()
    if not self.run.world:dead() then self.run.device.wire.lose(why) end
  end)
end

function play.failed(self, event)
  self.failing[event.fields.during] = event
end

function play.interrupt(self, _, delay)
  self.run:after(delay, function() self.run:interrupt() end)
end

-- How long the CLI was at work: what its call waited for the token is nobody's wait now.
local function at_work(event, delay)
  return math.max(0, delay - (event.fields.waited or 0))
end

function play.answer(self, event, delay)
  self.answer = as_answer(event)
  self.answer.after = at_work(event, delay)
end

function play.refusal(self, event, delay)
  if event.fields.code == "invalid" then self.rough = self.rough or "numbers" end
  self.answer = as_refusal(event)
  if not self.answer then
    error(("%s: line %d: what failed there is the station's, and is not played again: %s"):format(
      self.cassette.path, event.line, event.fields.code), 0)
  end
  self.answer.after = self.answer.after or at_work(event, delay)
end

function play.opened() end

-- Counts what came from the device as the recipe read it.
local function count(tally, event)
  local fields = event.fields
  if event.kind == "frame" then tally.frames = tally.frames + 1 end
  if event.kind == "text" then tally.bytes = tally.bytes + #fields.bytes end
  if event.kind == "bytes" then tally.bytes = tally.bytes + fields.payload.size end
end

-- What came at one time came in one piece.
local function bytes_at_once(self)
  local parts, first = {}, self.events[self.at]
  local event = first
  repeat
    parts[#parts + 1] = wire_bytes(self, event)
    count(self.wanted, event)
    self.at = self.at + 1
    event = self.events[self.at]
    local more = event and event.side == "<" and not play[event.kind] and event.at == first.at
      and is_dropped(event) == is_dropped(first)
  until not more
  return table.concat(parts)
end

-- All that happened behind the line that jig has just done. Bytes that were dropped had come before they were: at
-- once, but behind those before them.
local function play_on(self, since)
  local wire = 0
  self.answer, self.failing, self.cannot_write = nil, {}, nil
  while self.events[self.at] and self.events[self.at].side == "<" do
    local event = self.events[self.at]
    local delay = math.max(0, event.at - since)
    if play[event.kind] then
      play[event.kind](self, event, math.max(delay, wire))
      self.at = self.at + 1
    else
      wire = is_dropped(event) and wire or math.max(wire, delay)
      send(self, wire, bytes_at_once(self))
    end
  end
end

-- ---- what jig does ----

-- Whether the recipe has read by now what it had read then.
local function has_read(self)
  return self.read.frames >= self.wanted.frames and self.read.bytes >= self.wanted.bytes
end

-- Where the cassette has it later, what is between is missing now, or comes later.
local function is_later(self, found)
  for i = self.at + 1, #self.events do
    local event = self.events[i]
    if event.side ~= "<" and difference.compare(event, found, self.fillers, self.rough) then return event end
  end
end

local function explain(self, found, what)
  local later = is_later(self, found)
  if later then
    return ("missing, or in another order: what is done now comes only on line %d"):format(later.line)
  end
  if what ~= "another step" then return what end
  return found.kind == "verdict" and "the unit ends before it" or "another step, or one more"
end

local function check_time(self, expected, found)
  local then_after, now_after = expected.at - self.then_at, found.at - self.now_at
  local allowed = math.max(self.options.tolerance, then_after / 10)
  if math.abs(then_after - now_after) <= allowed then return true end
  differ(self, ("at another time: %.3f s after the step before, and not %.3f s"):format(now_after, then_after),
    expected, found)
  return false
end

local function done(self, expected, found)
  self.then_at, self.now_at = expected.at, found.at
  self.at = self.at + 1
  self.typed = nil
  if expected.kind == "attempt" then self.rough = nil end
  play_on(self, expected.at)
end

-- Text may come in other pieces. True while more of it is to come; then `found` has all of it.
local function typing(self, expected, found)
  local is_text = expected.kind == "text" and found.kind == "text" and found.side == ">" and not self.options.strict
  if not is_text then return false end
  local typed = self.typed or { size = 0 }
  local bytes, wanted = found.fields.bytes, expected.fields.bytes
  local is_right = wanted:sub(typed.size + 1, typed.size + #bytes) == bytes
  self.typed, typed.size, typed[#typed + 1] = typed, typed.size + #bytes, bytes
  if is_right and typed.size < #wanted then return true end
  found.fields.bytes = table.concat(typed)
  return false
end

-- One more line of the recipe that runs.
local function meet(self, found)
  if self.difference and found.kind == "attempt" then self.run:kill() end
  if self.difference or self.enough then return end
  local expected = self.events[self.at]
  if not expected then
    if self.cassette.finished then return differ(self, "one step more", nil, found) end
    self.enough = true -- what was recorded ends here, in the middle
    return self.run:kill()
  end
  if typing(self, expected, found) then return end
  if self.typed and found.kind ~= "text" then return differ(self, "less was written", expected, found) end
  local same, what = difference.compare(expected, found, self.fillers, self.rough)
  if not same then return differ(self, explain(self, found, what), expected, found) end
  if not has_read(self) then
    return differ(self, "in another order: it is done before the lines above it were read", expected, found)
  end
  if self.options.strict and not check_time(self, expected, found) then return end
  done(self, expected, found)
end

-- Hears what the recorder told since the last time.
local function listen(self)
  local told = self.run.events
  while self.heard < #told do
    self.heard = self.heard + 1
    local event = told[self.heard]
    local line = event.event == "tape" and assert(format.event(event.line))
    if line and line.side == "<" then
      count(self.read, line)
    elseif line and line.side then
      meet(self, line)
    end
  end
end

-- What goes wrong with an effect of the world.
local function action_for(self, effect)
  local failing = self.failing[effect.kind]
  if effect.kind == "write" and self.cannot_write then return { lose = self.cannot_write } end
  if not failing then return end
  local code, message = failing.fields.code, without_name(self, failing.fields.message)
  if effect.kind == "open" then return code == "timeout" and "later" or { code, message } end
  if effect.kind == "write" then return code == "timeout" and { block = true } or { lose = message } end
  return { code, message }
end

-- ---- a run ----

local function answer_next(self)
  local answer = self.answer
  self.answer = nil
  return answer or { after = math.huge } -- it was never heard of again
end

local function cli_of(self)
  local told = {}
  for _, command in ipairs { "new_device", "get_device_configuration", "handle_device_response", "report_error" } do
    told[command] = function() return answer_next(self) end
  end
  return told
end

-- The CLI's settings that the cassette names, and the words for its token.
local function service_of(cassette, journal)
  local service = { limits = {}, report = {}, cli = "factory_tool" }
  for key, value in pairs(cassette.cli) do
    local group, name = key:match("^(%l+)_(.+)$")
    if group == "limit" then service.limits[name] = value end
    if group == "report" then service.report[name] = value end
    if key == "grace" or key == "stop" or key == "hurry" then service[key] = value end
  end
  if type(cassette.cli.accept) == "string" then
    service.accept = {}
    for status in cassette.cli.accept:gmatch("%d+") do
      table.insert(service.accept, math.tointeger(tonumber(status)))
    end
  end
  local token = { folder = journal.folder .. "/locks", tries = cassette.cli.tries }
  for code, words in pairs(TROUBLE) do token[code:gsub("^token_", "")] = { patterns = { words } } end
  service.token = token
  return service
end

local function worker_config(self, journal)
  local unit, plan = self.cassette.unit, self.plan
  local first
  for _, event in ipairs(self.events) do first = first or event.kind == "call" and event.fields.session or nil end
  return {
    slot = unit.slot, file = plan.file, folder = plan.folder, address = "stage:device", count = 1,
    retries = unit.retries, serial = unit.serial, lot = unit.lot, operator = unit.operator, session_id = first,
    service = service_of(self.cassette, journal), journal = journal:config(),
    recording = { live = true, keep = self.cassette.keep },
  }
end

---@param cassette jig.cassette.Cassette
---@param plan { file: string, folder: string, recipe: jig.Recipe }
---@param options { strict?: boolean, tolerance?: number }
---@return jig.cassette.Player
function player.new(cassette, plan, options)
  local strict = options.strict or false
  return setmetatable({
    cassette = cassette, plan = plan, events = strict and cassette.events or difference.joined(cassette.events),
    options = { strict = strict, tolerance = options.tolerance or player.TOLERANCE },
    fillers = difference.fillers(cassette.events), at = 1, heard = 0,
    read = { frames = 0, bytes = 0 }, wanted = { frames = 0, bytes = 0 }, then_at = 0, now_at = 0, failing = {},
  }, player)
end

-- Why a run that came to no end did not.
local ENDLESS <const> = {
  stuck = "the run waits for ever", limit = "the run does not end", busy = "the run spins, and no time passes",
}

-- The fault of the attempt that ended behind a difference.
local function fault_of(self)
  for i = self.differed_at, #self.run.events do
    local event = self.run.events[i]
    if event.event == "ended" then return event.fault end
  end
end

local function conclude(self, outcome)
  self.over = true
  listen(self)
  if self.difference then self.difference.fault = fault_of(self) end
  if self.difference or self.enough then return end
  for _, event in ipairs(self.run.events) do
    if event.event == "refused" or event.event == "crashed" then error(event.message, 0) end
    if event.event == "cassette" then error(event.trouble, 0) end
  end
  local expected = self.events[self.at]
  if outcome ~= "ended" then
    differ(self, ENDLESS[outcome], expected, ENDLESS[outcome])
  elseif expected then
    differ(self, "missing", expected, nil)
  end
end

--- Runs the recipe, once. Does not yield; raises where the recipe is refused, and where the cassette cannot be
-- played.
---@return jig.cassette.Difference|nil
function player:play()
  local journal <close> = require("jig.testing.journal").new()
  local plan = {
    file = self.plan.file, folder = self.plan.folder, recipe = self.plan.recipe,
    device = { firmware = function() end, latency = 0 }, cli = cli_of(self), record = journal.record,
    watch = function(effect)
      listen(self)
      return action_for(self, effect)
    end,
  }
  local run <close> = rig.new(plan)
  self.run = run
  local outcome = run:work("jig.worker", worker_config(self, journal))
  run.outcome = outcome
  conclude(self, outcome)
  return self.difference
end

return player
