--- Payloads leave no trace: a canary goes through units of the real program, and is then looked for in all that came
-- out, in what was kept, and in the memory of the process itself.

local canary = require "spec.support.canary"
local carrier = require "spec.support.carrier"
local cjson = require "cjson"
local hex = require "jig.hex"
local lfs = require "lfs"
local port = require "jig.port"
local scratch = require "spec.support.scratch"
local station = require "spec.support.station"

local SIGTERM <const> = 15

-- Under a sanitizer or valgrind a process keeps blocks that were freed, and has memory of its own.
local WATCHED <const> = (os.getenv("JIG_BUILD") or ""):find("san", 1, true)
  or (os.getenv("LD_PRELOAD") or ""):find("vgpreload", 1, true)

local SECRET <const> = "\x00\xc3\xa9 ca/nary\\\"\n\x1b\xff\x7f\x81-0123"

describe("a canary", function()
  it("is found in each form, so that its absence means something", function()
    local ways = { SECRET, ("%q"):format(SECRET), hex.encode(SECRET), hex.encode(SECRET):upper(), cjson.encode(SECRET) }
    for _, way in ipairs(ways) do assert.is_string(canary.find("before" .. way .. "behind", SECRET)) end
    for _, form in ipairs(canary.forms(SECRET)) do
      local name, at = canary.find("..." .. form.bytes, SECRET)
      assert.same({ form.name, 4 }, { name, at })
    end
    assert.is_nil(canary.find(SECRET:sub(2) .. "." .. SECRET:sub(1, -2), SECRET))
  end)

  it("is found in base64 wherever its group begins", function()
    local path <const> = os.tmpname()
    for skip = 0, 2 do
      local file = assert(io.open(path, "wb"))
      file:write(("x"):rep(skip), SECRET, "and more")
      file:close()
      assert.matches("^base64", (canary.find(station.execute("base64", "-w0", path), SECRET)))
    end
    os.remove(path)
  end)

  it("is found in the memory of a process that holds it", function()
    if WATCHED then return pending("the memory of a program that is watched is not its own") end
    local place <close> = station.place()
    local script = place:write("holder.lua", [[
      local half, other = "a canary that ", "is made late"
      kept = half .. other
      print("held by " .. io.open("/proc/self/stat"):read("n"))
      io.read()]])
    local holder <close> = assert(port.open("exec:" .. station.jig .. " " .. script .. "?pty=1"))
    local pid = math.tointeger(assert(holder:read_until("\n", station.PATIENCE)):match "%d+")
    local hits, bytes = canary.memory(pid, "a canary that is made late")
    if not hits then return pending("the memory of another process cannot be read: " .. bytes) end
    assert.matches("^raw at %x+", hits[1])
    assert.is_true(bytes > 1 << 20)
    assert.same({}, (canary.memory(pid, "a canary that nobody holds")))
  end)

  it("is looked for in no process that is gone", function()
    local hits, message = canary.memory(2 ^ 22 // 1 | 0, SECRET)
    assert.is_nil(hits)
    assert.matches("No such file", message)
  end)
end)

-- ---- a unit whose messages are canaries ----

-- What is in a process's memory of the messages, or nil, and why it cannot be seen.
local function held(pid)
  local found = {}
  for i, secret in ipairs(carrier.secrets) do
    local hits, why = canary.memory(pid, secret)
    if not hits then return nil, why end
    for _, hit in ipairs(hits) do found[#found + 1] = ("message %d: %s"):format(i, hit) end
  end
  return found
end

-- Leaves copies of a message in buffers of Lua's library, far down on the stack of C, and one where the recipe's chunk
-- has its locals.
local DEEP <const> = [[
  run = function(unit)
    local request = unit:new_device()
    local function descend(depth)
      if depth == 0 then return #("%s, %s"):format(request.payload, request.payload:reverse()) end
      return (("x"):gsub("x", function() return descend(depth - 1) end))
    end
    descend(12)
    local response = unit:exchange(request)
    length = response.payload
    unit:handle_device_response(unit:exchange(unit:get_device_configuration(response)))
  end,
]]

-- Waits until jig waits for something.
local function await_waiting(run, what)
  station.eventually("it waits", function()
    for _, event in ipairs(run:events()) do
      if event["for"] == what then return true end
    end
  end)
end

-- Units whose station goes on, and what it is like.
local AFTER <const> = {
  ["passed"] = { recipe = DEEP },
  ["was refused by the device"] = { statuses = { 0, 6 } },
  ["was refused by the CLI, which printed the response"] = { cli = {
    get_device_configuration = ("{ exit = 7, stderr = %q }"):format(hex.encode(carrier.messages[2])) } },
  ["threw a message"] = { recipe = [[
  run = function(unit)
    unit:new_device()
    error(unit:exchange({ scp = 1, payload = "mine" }).payload)
  end,
]] },
}

describe("messages are not in the memory of a station that waits, nor in its files, after a unit that", function()
  for what, about in pairs(AFTER) do
    it(what, function()
      if WATCHED then return pending("the memory of a program that is watched is not its own") end
      local unit <close> = carrier.new(about)
      local run <close> = unit:start { "--watch", "--json", "--trace", json = true }
      await_waiting(run, "removal")
      local found, why = held(run.child:pid())
      local leak = unit:leak_on_disk() -- the journal's write-ahead log, too, which goes with the last connection
      run:signal(SIGTERM)
      local result = run:finish()
      assert.equal(what == "passed" and 0 or 1, result.exit, result.stdout .. result.stderr)
      assert.is_nil(leak)
      if not found then return pending("the memory of another process cannot be read: " .. why) end
      assert.same({}, found)
    end)
  end
end)

describe("messages of a unit", function()
  it("are not in memory while the next one of the same run begins", function()
    if WATCHED then return pending("the memory of a program that is watched is not its own") end
    local unit <close> = carrier.new { recipe = DEEP, cli = {
      new_device = ("{ { stdout = %q }, { hang = 3600 } }"):format(carrier.printed(1)) } }
    local run <close> = unit:start { "--count", "2", "--json", json = true }
    station.eventually("the second unit waits for the CLI", function()
      for _, event in ipairs(run:events()) do
        if event.unit == 2 and event.phase == "new_device" then return next(unit:calls()) end
      end
    end)
    local found, why = held(run.child:pid())
    run:signal(SIGTERM)
    run:signal(SIGTERM)
    run:finish()
    if not found then return pending("the memory of another process cannot be read: " .. why) end
    assert.same({}, found)
  end)
end)

describe("while the CLI has a response", function()
  it("no other process has it in its arguments or environment", function()
    local unit <close> = carrier.new { cli = { handle_device_response = "{ hang = 3600 }" } }
    local run <close> = unit:start { "--json", json = true }
    run:await("phase", "handle_device_response")
    station.eventually("the CLI has it", function()
      local _, words = next(unit:calls())
      return words and carrier.leak(words)
    end)
    local calls, others = unit:calls(), {}
    for pid in lfs.dir "/proc" do
      local words = pid:find "^%d+$" and station.read("/proc/" .. pid .. "/cmdline") or ""
      local environment = pid:find "^%d+$" and station.read("/proc/" .. pid .. "/environ") or ""
      if not calls[pid] and carrier.leak(words) then others[#others + 1] = words end
      if carrier.leak(environment) then others[#others + 1] = words .. ": environment" end
    end
    run:signal(SIGTERM)
    run:signal(SIGTERM)
    run:finish()
    assert.same({}, others)
  end)
end)

-- ---- a crash ----

-- A jig that may have a core as far as its limits go, in a folder of its own, with a session open; it is no child of
-- the specs, whose children may have none. Gives its id.
local function start_with_cores(unit, folder)
  local words = unit:words { "--json" }
  table.insert(words, 1, station.jig)
  for i, word in ipairs(words) do words[i] = "'" .. word .. "'" end
  local pipe <close> = assert(io.popen(("cd '%s' && ulimit -c unlimited && { %s >out 2>err </dev/null & echo $!; }")
    :format(folder, table.concat(words, " "))))
  return math.tointeger(pipe:read "n")
end

-- Whether a process is gone, or nobody has asked for its end.
local function is_over(pid)
  local state = station.read(("/proc/%d/stat"):format(pid)):match "^.*%) (%a)"
  return state == nil or state == "Z" or state == "X"
end

local function has_core(folder)
  for name in lfs.dir(folder) do
    if name:find "core" then return name end
  end
end

-- Whether a program that does nothing against it leaves a core in its folder.
local function leaves_cores(folder)
  local pipe = io.popen(("cd '%s' && ulimit -c unlimited && sh -c 'kill -ABRT $$' 2>&1"):format(folder))
  if pipe then pipe:close() end
  return has_core(folder) ~= nil
end

describe("a jig that crashes in a session", function()
  for _, signal in ipairs { "ABRT", "SEGV" } do
    it("leaves no core: " .. signal, function()
      local place <close> = station.place()
      if WATCHED then return pending("a sanitizer takes the signal") end
      if not leaves_cores(place.path) then return pending("this system leaves no cores in the folder of a program") end
      local unit <close> = carrier.new { cli = { get_device_configuration = "{ hang = 3600 }" } }
      local folder = place:fresh "crash"
      station.execute("mkdir", folder)
      local pid = start_with_cores(unit, folder)
      local _ <close> = setmetatable({}, { __close = function()
        local words = station.read(("/proc/%d/cmdline"):format(pid))
        if words:find(unit.recipe, 1, true) then scratch.run { "kill", "-KILL", tostring(pid) } end
        for call in pairs(unit:calls()) do scratch.run { "kill", "-KILL", call } end
      end })
      station.eventually("it has a response", function()
        return station.read(folder .. "/out"):find("get_device_configuration", 1, true)
      end)
      local limits = station.read(("/proc/%d/limits"):format(pid))
      station.execute("kill", "-" .. signal, tostring(pid))
      station.eventually("it is over", function() return is_over(pid) end)
      assert.is_nil(has_core(folder))
      assert.matches("Max core file size +0 +unlimited", limits)
      assert.is_nil(unit:leak_on_disk())
    end)
  end
end)

-- ---- what comes out of a unit ----

-- A run whose line does something with what `response` and the like hold, once the session is open.
local function leaking(line)
  return ([[
  run = function(unit)
    local request = unit:new_device()
    local response = unit:exchange(request)
    local provisioning = unit:get_device_configuration(response)
    local secret, bytes = provisioning.payload, provisioning.payload:sub(1, 64)
    %s
    unit:handle_device_response(unit:exchange(provisioning))
  end,
]]):format(line)
end

-- What happens, how the unit ends (nil: PASS), what the station, its device and its CLI are like, and the exit status
-- where it is another than the unit's: 4 when there is no cassette.
local CASES <const> = {
  { "a unit passes", nil, {} },
  { "the device refuses the first message", "lamp.dark", { statuses = { 5 } } },
  { "the device refuses the second message", "lamp.broken", { statuses = { 0, 6 } } },
  { "the CLI refuses and prints the response", "cli.refused", { cli = {
    get_device_configuration = ("{ exit = 7, stderr = 'refused: ' .. %q .. '\\n' }"):format(
      hex.encode(carrier.messages[2])) } } },
  { "the CLI refuses and prints the response as bytes", "cli.refused", { cli = {
    handle_device_response = ("{ exit = 7, stderr = 'refused: ' .. %q .. '\\n' }"):format(carrier.messages[4]) } } },
  { "the CLI prints what cannot be read", "cli.output", { cli = {
    get_device_configuration = ("{ stdout = 'SCP 2\\nPAYLOAD ' .. %q .. 'x\\n' }"):format(
      hex.encode(carrier.messages[3])) } } },
  { "the recipe logs a message", "tool.recipe", { recipe = leaking "unit:log(bytes)" } },
  { "the recipe throws a message", "tool.recipe", { recipe = leaking "error(secret)" } },
  { "the recipe throws a message with no line", "tool.recipe", { recipe = leaking "error(secret, 0)" } },
  { "the recipe throws a table that holds one", "tool.recipe", { recipe = leaking "error({ secret })" } },
  { "the recipe throws one through tostring", "tool.recipe", { recipe = leaking
    "error(setmetatable({}, { __tostring = function() return secret end }))" } },
  { "the recipe gives a message as a reason", "lamp.own", { recipe = leaking
    "unit:fail('lamp.own', { code = 60, reason = 'it said ' .. secret, advice = secret })" } },
  { "the recipe gives a message as a fault's name", "tool.recipe", { recipe = leaking
    "unit:fail('lamp.' .. bytes:sub(1, 40), { code = 60, reason = 'own' })" } },
  { "the recipe writes into a fault", "tool.recipe", { recipe = leaking [[
    local made = require("jig.fault").new("lamp.own", { code = 60, reason = "own" })
    made.name, made.reason, made.phase, made.line = bytes, secret, secret, secret
    made.traceback, made.advice, made.limit, made.slot, made.session = secret, secret, secret, secret, secret
    error(made)]] } },
  { "the recipe enters a phase", "tool.recipe", { recipe = leaking
    "unit:exchange({ scp = 9, payload = 'x' }, bytes)" } },
  { "the recipe waits for a message as text", "connectivity.timeout", { recipe = leaking
    "unit.port:expect(bytes:gsub('%W', '%%%0'), 0.1)" } },
  { "the recipe opens a wire with it", "connectivity.open",
    { recipe = leaking "unit:open { [bytes] = bytes }" }, 4 },
  { "the recipe's reset throws it", "lamp.dark", { statuses = { 0, 5 }, recipe = leaking "unit.data.secret = secret"
    .. "  reset = function(unit) if unit.data.secret then error(unit.data.secret) end end,\n" } },
  { "the recipe takes it for a serial number", "tool.recipe", { recipe = leaking
    "unit.serial = bytes", } },
}

local function ended_of(events)
  for _, event in ipairs(events) do
    if event.event == "ended" then return event end
  end
end

-- What `jig journal` says of the unit.
local function told_by_journal(unit, session)
  local told = {}
  for _, words in ipairs {
    { "list" }, { "show", session }, { "show", session, "--json" }, { "export", "--format", "csv" },
    { "export", "--format", "jsonl" }, { "export", "--format", "junit" }, { "stats" },
  } do
    local line = { station.jig, "journal", words[1], "--journal", unit.journal, table.unpack(words, 2) }
    local result = scratch.run(line)
    assert.equal(0, result.exit, table.concat(line, " ") .. "\n" .. result.stderr)
    told[#told + 1] = result.stdout .. result.stderr
  end
  return table.concat(told)
end

local function check_case(name, fault, about, exit)
  for _, json in ipairs { true, false } do
    local unit <close> = carrier.new(about)
    local words = { "--trace", "--junit", unit.place.path .. "/junit", "--record", unit.place.path .. "/a.cassette" }
    if json then words[#words + 1] = "--json" end
    words.json = json
    local run <close> = unit:start(words)
    local result = run:finish()
    assert.equal(exit or fault and 1 or 0, result.exit, result.stdout .. result.stderr)
    if json then
      local ended = ended_of(result.events)
      assert.equal(fault, ended.fault and ended.fault.name, result.stdout)
      assert.equal(fault and true, ended.reported, result.stdout)
      assert.is_nil(carrier.leak(told_by_journal(unit, ended.session)), name)
    end
    local what, files = unit:leak_on_disk()
    assert.is_nil(what, name)
    assert.is_true(files >= 5, files) -- what it printed, the journal, the cassette, JUnit
  end
end

describe("nothing that comes out of jig holds a message:", function()
  for _, case in ipairs(CASES) do
    it(case[1], function() check_case(table.unpack(case, 1, 4)) end)
  end
end)
