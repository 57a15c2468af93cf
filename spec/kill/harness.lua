--- Kills jig at a point and looks at what is left: what spec/kill/kill.lua (all points) and
-- spec/kill/kill_spec.lua (some of them) share. See README.md.
--
--     local bench <close> = harness.bench(harness.scenarios[1])
--     local points = bench:trace()
--     local death = bench:kill(17)

local clock = require "jig.clock"
local judge = require "spec.kill.judge"
local ledger = require "jig.ledger"
local proc = require "jig.proc"
local station = require "spec.support.station"
local strace = require "spec.kill.strace"
local task = require "jig.task"

local harness = {}

harness.tracer = station.jig:gsub("[^/]*$", "kill/tracer")

--- The journal's states of a session that has not ended.
harness.STATES = { "opening", "opened", "configured", "finishing", "owing", "reporting" }

-- Seconds that recovery may take to find the dead process's CLI gone, and between two tries; how often
-- it may fail to report.
local PATIENCE <const>, PAUSE <const>, REFUSALS <const> = 60, 0.005, 8

-- A CLI that is still at work when recovery looks.
local SLOW <const> = "any:slow=300"

local SERIAL <const> = "K100"

-- No pulse on DTR, whose time would be most of a unit's.
local RECIPE <const> = [[
function base.prepare(unit)
  unit.serial = unit.port:expect("SN=(%w+)\r\n")
  unit.port:expect("ready\r\n")
end
]]

local FINISH <const> = [[
function base.finish(unit) unit:fail("thermostat.label", { code = 377, reason = "no label" }) end
]]

---@class kill.Scenario
---@field name string
---@field listen? "pty"|"tcp"
---@field faults? string[]  of the device
---@field changes? string   of the recipe
---@field tool? string      SIM_TOOL_FAULT
---@field exit integer      of a run that nobody kills

---@type kill.Scenario[]
harness.scenarios = {
  { name = "a unit that passes", exit = 0 },
  { name = "a unit that fails at the device", faults = { "cannot-decrypt@provision" }, exit = 1 },
  { name = "a unit that fails behind its fingerprint", changes = FINISH, exit = 1 },
  {
    name = "a unit whose report is refused once",
    listen = "tcp",
    faults = { "cannot-decrypt@provision" },
    tool = "report_error:exit=7#1",
    exit = 6,
  },
  { name = "a unit whose CLI is slow", tool = "any:slow=30,any:slow=30@after", exit = 0 },
}

-- ---- points ----

---@class kill.Point
---@field number integer
---@field thread "main"|"other"
---@field name string    of the call
---@field target string  what it works on

---@param path string
---@return kill.Point[] points, string last  the last line: "end exit 0", "end signal 9"
local function read_points(path)
  local points, last = {}, ""
  for line in station.read(path):gmatch("[^\n]+") do
    local number, thread, name, target = line:match("^(%d+) (%a+) (.-) ([^ ]*)$")
    if number then
      points[#points + 1] = { number = math.tointeger(number), thread = thread, name = name, target = target }
    else
      last = line
    end
  end
  return points, last
end

--- How often each call stands in a list of points, by name.
---@param points kill.Point[]
---@return table<string, integer>
function harness.names(points)
  local found = {}
  for _, point in ipairs(points) do found[point.name] = (found[point.name] or 0) + 1 end
  return found
end

--- Numbers of the points at which a program is started.
---@param points kill.Point[]
---@return integer[]
function harness.starts(points)
  local numbers = {}
  for number, point in ipairs(points) do
    if point.target == "process" then numbers[#numbers + 1] = number end
  end
  return numbers
end

-- ---- the place of one death ----

---@class kill.Ground a service's directory and a journal of their own; closing removes it
---@field path string
---@field tool string|false        SIM_TOOL_FAULT
---@field reporting table<string, integer>  deaths that found a session's report without an outcome
local ground = {}
ground.__index = ground

local function new_ground(place, tool)
  return setmetatable({ path = place:fresh("ground"), tool = tool or false, reporting = {} }, ground)
end

-- The same again, as a copy in a place.
function ground:copy(place)
  local copy = new_ground(place, self.tool)
  for id, times in pairs(self.reporting) do copy.reporting[id] = times end
  station.execute("cp", "-a", self.path, copy.path)
  return copy
end

function ground:close()
  station.execute("rm", "-rf", self.path)
end

ground.__close = ground.close

-- Runs a program at this place: exit or signal, stdout, stderr.
function ground:execute(words)
  words.env = { SIM_DIR = self.path .. "/service", SIM_TOOL_FAULT = self.tool }
  local child <close> = assert(proc.start(words))
  return assert(child:wait(station.PATIENCE))
end

function ground:jig(words)
  return self:execute { station.jig, table.unpack(words) }
end

-- Runs jig under the tracer and kills it at a point (nil = nowhere), or behind it.
function ground:trace(words, number, behind)
  local list = self.path .. "/points"
  local all = { harness.tracer, "--out", list, behind and "--behind" or "--kill", tostring(number or 0), station.jig }
  local result = self:execute(table.move(words, 1, #words, #all + 1, all))
  local points, last = read_points(list)
  result.points, result.killed = points, last == "end signal 9"
  return result
end

-- Runs jig under strace: what it shows of jig and its threads.
function ground:strace(words)
  local list = self.path .. "/strace"
  local all = { "strace", "-f", "-qq", "-o", list, station.jig }
  self:execute(table.move(words, 1, #words, #all + 1, all))
  return strace.names(station.read(list))
end

-- Writes this place's station file.
function ground:station()
  local path = self.path .. "/station.lua"
  local file <close> = assert(io.open(path, "w"))
  file:write(([[
return {
  journal = { path = %q },
  cli = { path = %q, env = { SIM_DIR = true, SIM_TOOL_FAULT = true }, token = { folder = %q } },
}
]]):format(self.path .. "/journal", station.factory_tool, self.path .. "/jig"))
  return path
end

function ground:run_words(recipe, address)
  return { "run", recipe, "--port", address, "--station", self:station() }
end

-- Reports that failed are tried again at once: nobody waits here.
function ground:recover_words()
  return { "recover", "--station", self:station(), "--now", "--json" }
end

-- Sessions by id; none while no jig came so far as to make the journal.
---@return table<string, kill.Session>
function ground:sessions()
  local found, from <close> = {}, (ledger.open(self.path .. "/journal"))
  if from then
    for row in from:rows("SELECT id, state, ended, fingerprint, claim FROM session") do found[row.id] = row end
  end
  return found
end

function ground:audit()
  return station.audit(self.path .. "/service")
end

-- Ids of the CLI's processes that live.
function ground:left()
  return station.left(self.path .. "/service")
end

-- ---- after a death ----

-- Reports that the service did not accept.
function ground:refusals()
  local count = 0
  for _, call in ipairs(self:audit():ends("report_error")) do
    if call.outcome ~= "accepted" then count = count + 1 end
  end
  return count
end

-- Recovers until nothing is unreported. While a call of the dead process's CLI runs, its session is left
-- alone, and the next try is due. A report that the service refuses is tried again until jig gives it up;
-- nothing else may stay unreported.
function ground:recover(troubles)
  local deadline, tries = clock.now() + PATIENCE, 0
  repeat
    local before = self:refusals()
    local result = self:jig(self:recover_words())
    local busy = result.stdout:find("still runs", 1, true)
    if result.exit == 0 and not busy then return end
    if busy and result.exit ~= 6 then
      return judge.note(troubles, "a CLI still runs, and jig recover ended with %s", result.exit or result.signal)
    end
    if result.exit ~= 0 and result.exit ~= 6 or not busy and self:refusals() == before then
      return judge.note(troubles, "jig recover ended with %s: %s%s", result.exit or result.signal, result.stdout,
        result.stderr)
    end
    if busy then clock.sleep(PAUSE) else tries = tries + 1 end
  until clock.now() > deadline or tries > REFUSALS
  judge.note(troubles, "jig recover left something, %d times", tries)
end

function ground:verify(troubles)
  local from <close> = assert(ledger.open(self.path .. "/journal"))
  local found = assert(from:verify())
  if not found.sound then judge.note(troubles, "the journal is not sound: %s", found.text) end
end

-- ---- a station that dies ----

---@class kill.Bench devices and recipe of a scenario; closing ends and removes them
---@field scenario kill.Scenario
local bench = {}
bench.__index = bench

---@param scenario kill.Scenario
---@return kill.Bench  Yields.
function harness.bench(scenario)
  local place = station.place()
  local function device(faults)
    return station.device(place, {
      wire = "length",
      listen = scenario.listen,
      faults = faults,
      arguments = { "--serial", SERIAL, "--boot", "open" },
    })
  end
  return setmetatable({
    scenario = scenario,
    place = place,
    device = device(scenario.faults or {}),
    healthy = device({}),
    recipe = place:recipe("thermostat", RECIPE .. (scenario.changes or "")),
    plain = place:recipe("thermostat", RECIPE),
  }, bench)
end

function bench:close()
  self.device:close()
  self.healthy:close()
  self.place:close()
end

bench.__close = bench.close

-- A new ground, or a copy of a corpse's; and what is to be traced there: a run, or that corpse's recovery.
function bench:prepare(corpse)
  if corpse then
    local here = corpse.ground:copy(self.place)
    return here, here:recover_words()
  end
  local here = new_ground(self.place, self.scenario.tool)
  station.execute("mkdir", here.path)
  return here, here:run_words(self.recipe, self.device.address)
end

-- The same device, which is well now: it passes unless it was or may have been made; then the service is
-- not called.
function bench:run_again(here, troubles)
  local made, calls = false, #here:audit()
  for _, session in pairs(here:sessions()) do made = made or session.claim ~= nil end
  here.tool = false
  local result = here:jig(here:run_words(self.plain, self.healthy.address))
  if result.exit ~= (made and 1 or 0) or made and #here:audit() > calls then
    judge.note(troubles, "the next run, of a unit that was%s made, ended with %s: %s%s", made and "" or " not",
      result.exit or result.signal, result.stdout, result.stderr)
  end
end

--- Points of a run, or of a recovery, that nobody kills.
---@param corpse? kill.Corpse
---@return kill.Point[]  Yields.
function bench:trace(corpse)
  local here <close>, words = self:prepare(corpse)
  local run = here:trace(words)
  assert(corpse and run.exit % 6 == 0 or run.exit == self.scenario.exit, run.stdout .. run.stderr)
  return run.points
end

--- The calls that strace shows of such a run: how often each was made, by name.
---@param corpse? kill.Corpse
---@return table<string, integer>  Yields.
function bench:strace(corpse)
  local here <close>, words = self:prepare(corpse)
  return here:strace(words)
end

---@class kill.Death one death and what came of it
---@field point? kill.Point    where it died; nil = it ended by itself
---@field troubles string[]    what must not be; empty = all is well

---@class kill.Options
---@field corpse? kill.Corpse      its recovery is killed; nil = a run
---@field corpses? kill.Corpses    keeps what it lacks
---@field behind? boolean          behind the point: the CLI that was started there runs, and takes its time

--- Kills a run, or a recovery, at a point, and judges what is left.
---@param number integer
---@param options? kill.Options
---@return kill.Death  Yields.
function bench:kill(number, options)
  local o, troubles = options or {}, {}
  local here <close>, words = self:prepare(o.corpse)
  local tool = here.tool
  if o.behind then here.tool = (tool and tool .. "," or "") .. SLOW end
  local run = here:trace(words, number, o.behind)
  here.tool = tool
  if o.corpses then o.corpses:look(here, self.scenario) end
  local sessions = here:sessions()
  judge.said(run.stdout, sessions, troubles)
  for id, session in pairs(sessions) do
    if session.state == "reporting" then here.reporting[id] = (here.reporting[id] or 0) + 1 end
  end
  -- every second time the line goes on at once: jig run recovers by itself, as far as it can
  if number % 2 == 0 then here:jig(here:run_words(self.plain, self.healthy.address)) end
  here:recover(troubles)
  judge.sessions(here:audit(), here:sessions(), here.reporting, troubles)
  here:verify(troubles)
  self:run_again(here, troubles)
  for _, id in ipairs(here:left()) do judge.note(troubles, "process %s is left", id) end
  return { point = run.killed and run.points[1] or nil, troubles = troubles }
end

-- ---- corpses ----

---@class kill.Corpse a run that died with its session in some state, for recovery
---@field state string    of the session in the journal
---@field service string  the last that the service did for it
---@field scenario kill.Scenario
---@field ground kill.Ground

---@class kill.Corpses one for each pair of states; closing removes them
local corpses = {}
corpses.__index = corpses

---@return kill.Corpses  Yields.
function harness.corpses()
  return setmetatable({ place = station.place() }, corpses)
end

function corpses:close()
  self.place:close()
end

corpses.__close = corpses.close

function corpses:find(state, service)
  for _, corpse in ipairs(self) do
    if corpse.state == state and corpse.service == service then return corpse end
  end
end

-- The corpse that a ground would be; nil when its session has ended, or there is one already.
function corpses:lacks(here)
  local id, session = next(here:sessions())
  if not id or session.ended then return end
  local moves = here:audit():commits()
  local service = moves[1] and moves[#moves].state or "nothing"
  return not self:find(session.state, service) and { state = session.state, service = service, id = id } or nil
end

--- Keeps a copy of a dead run's ground when there is none of its kind. Its CLI has ended then. Yields.
---@param here kill.Ground
---@param scenario kill.Scenario
function corpses:look(here, scenario)
  if not self:lacks(here) then return end
  station.eventually("the CLI is gone", function() return #here:left() == 0 end)
  local corpse = self:lacks(here)
  if not corpse then return end
  self[#self + 1] = corpse
  corpse.scenario, corpse.ground = scenario, here:copy(self.place)
  if corpse.state == "reporting" then corpse.ground.reporting[corpse.id] = 1 end
end

-- ---- many deaths ----

--- Calls fn(bench, number) for numbers, `width` at a time, each worker with a bench of its own.
---@param width integer
---@param scenario kill.Scenario
---@param numbers integer[]
---@param fn fun(bench: kill.Bench, number: integer)
function harness.spread(width, scenario, numbers, fn)
  local at, workers, failed = 0, {}, nil
  local function work()
    local own <close> = harness.bench(scenario)
    while numbers[at + 1] do
      at = at + 1
      fn(own, numbers[at])
    end
  end
  for i = 1, width do workers[i] = task.spawn(work) end
  for _, worker in ipairs(workers) do
    local ok, thrown = worker:join()
    failed = failed or not ok and thrown
  end
  if failed then error(failed, 0) end
end

return harness
