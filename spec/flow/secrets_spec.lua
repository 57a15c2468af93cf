-- Messages are carried, not shown. The transcript's messages go through units that pass and through units
-- that fail in every phase, and then nothing that came out may hold 8 bytes of them in a row: stdout, stderr
-- with its trace, JSON, JUnit, tracebacks, and what was reported.

local peer = require "spec.peer"
local replay = require "spec.support.replay"
local secrets = require "spec.support.secrets"
local station = require "spec.support.station"
local task = require "jig.task"
local transcript = require "spec.support.transcript"

-- Runs at a time: most of them wait.
local WIDTH <const> = 6

local SIGINT <const> = 2

local WINDOWS <const> = secrets.windows(replay.messages)

local scenarios = {}

-- What happens (what, phase) and how: changes to the recipe, trouble of the device, fault of the tool.
local function scenario(phase, what, fields)
  fields.phase, fields.what = phase, what
  scenarios[#scenarios + 1] = fields
end

-- ---- the device and the CLI fail ----

local EXCHANGES <const> = { factory_init = 2, factory_provisioning = 4 }

for _, phase in ipairs { "factory_init", "factory_provisioning" } do
  for _, how in ipairs { "gone", "short", "cut", "crc", "status", "unknown", "junk" } do
    scenario(phase, how, { trouble = { message = EXCHANGES[phase], how = how } })
  end
  scenario(phase, "silence", { trouble = { message = EXCHANGES[phase], how = "silence" },
    changes = "base.limits.first = 0.5" })
  scenario(phase, "SIGINT", { trouble = { message = EXCHANGES[phase], how = "silence" }, signal = phase })
end

for _, command in ipairs { "new_device", "get_device_configuration", "handle_device_response" } do
  for _, how in ipairs { "refuse", "refuse-with-answer", "bad-hex", "repeated", "no-key", "glued" } do
    scenario(command, how, { tool = command .. ":" .. how })
  end
  scenario(command, "hang", { tool = command .. ":hang", service = { limits = { [command] = 0.5 } } })
  scenario(command, "SIGINT", { tool = command .. ":hang", service = { stop = 0.1 }, signal = command })
end
scenario("factory_provisioning", "report refused", {
  trouble = { message = 4, how = "status" }, tool = "report_error:refuse", exit = 6,
})

scenario("connect", "no device", { absent = true })

-- ---- the recipe has a bug while it holds messages ----

local STEPS <const> = {
  { "new_device", "local init = unit:new_device()" },
  { "factory_init", "local key = unit:exchange(init)" },
  { "get_device_configuration", "local provisioning = unit:get_device_configuration(key)" },
  { "factory_provisioning", "local acknowledgement = unit:exchange(provisioning)" },
  { "handle_device_response", "unit:handle_device_response(acknowledgement)" },
}

-- A run with a line behind the step with this number.
local function run_with(step, line)
  local lines = {}
  for i, words in ipairs(STEPS) do
    lines[#lines + 1] = words[2]
    if i == step then lines[#lines + 1] = line end
  end
  return ("function base.run(unit)\n%s\nend"):format(table.concat(lines, "\n"))
end

local function bug(step, what, line, phase)
  scenario(phase or STEPS[step][1], what, { changes = run_with(step, line) })
end
for step, frame in ipairs { "init", "key", "provisioning", "acknowledgement", "acknowledgement" } do
  bug(step, "index of a payload", ("local bug = %s.payload.nothing.here"):format(frame))
end
bug(4, "arithmetic on a payload", "local bug = provisioning.payload + 1")
bug(4, "comparison of payloads", "local bug = key.payload < 1")
bug(4, "call of a payload", "provisioning.payload()")
bug(4, "payload as a number", "local bug = ('%d'):format(provisioning.payload)")
bug(4, "payload as a count", "local bug = ('x'):rep(provisioning.payload)")
bug(4, "payload as a name", "unit[provisioning.payload](unit)")
bug(4, "a frame thrown", "error(provisioning)")
bug(2, "a frame for a response twice", "unit:get_device_configuration(key) unit:get_device_configuration(key)",
  "get_device_configuration")
bug(1, "a message handed over twice", "unit:exchange(init) unit:exchange(init)", "factory_init")
bug(4, "bytes for a note", "unit:log(provisioning.payload)")

local function exchange_hook(body)
  return ([[
    function base.exchange(unit, request)
      unit.port:write(base.framing.host.encode(request))
      %s
    end]]):format(body)
end
scenario("factory_init", "text awaited where the response comes", {
  changes = exchange_hook('return unit.port:expect("never like this\\n", 0.5)'),
})
for _, size in ipairs { 8, 60, 1984 } do
  scenario("factory_provisioning", ("an echo of %d bytes awaited"):format(size), {
    changes = ([[
      function base.exchange(unit, request)
        unit.port:write(base.framing.host.encode(request))
        if request.scp == 256 then return unit:read_frame(base.framing.host.decoder()) end
        return unit.port:expect(request.payload:sub(1, %d):gsub("%%W", "%%%%%%0"), 0.5)
      end]]):format(size),
  })
end
scenario("factory_init", "a delimiter that never comes", {
  changes = exchange_hook('return unit.port:read_until("never like this\\n", 0.5)'),
})
scenario("factory_init", "a response of the wrong type", {
  changes = exchange_hook("return { payload = { unit.port:read(90) } }"),
})
scenario("prepare", "a bug", { changes = "function base.prepare(unit) return unit.data.nothing.here end" })
scenario("finish", "a bug", {
  changes = run_with(5, "unit.data.last = acknowledgement") .. [[

    function base.finish(unit) return unit.data.last.payload.nothing.here end]],
})

-- ---- runs ----

local function absent()
  local listener = assert(peer.listen())
  local address = "tcp:127.0.0.1:" .. listener:port()
  listener:close()
  return { address = address }
end

-- Gives all that came out of one run.
local function run(case, arguments, json)
  local place <close> = station.place()
  local device <close> = case.absent and setmetatable(absent(), { __close = function() end })
    or replay.device(case.trouble)
  local service = case.service or {}
  service.env = { REPLAY_FAULT = case.tool or false }
  local junit = place:fresh("junit")
  local child <close> = station.start(place, {
    recipe = place:write("recipe.lua", ("%s\n%s\nreturn base\n"):format(replay.recipe, case.changes or "")),
    port = device.address,
    cli = replay.tool(place),
    service = service,
    json = json,
    arguments = { "--session-id", transcript.session, "--junit", junit, table.unpack(arguments) },
  })
  if case.signal then
    child:await("phase", case.signal)
    child:signal(SIGINT)
  end
  local result = child:finish()
  result.junit, result.calls = station.read(junit), station.read(place.path .. "/calls")
  return result
end

local function run_all(results)
  local at = 0
  local function work()
    while at < 2 * #scenarios do
      at = at + 1
      local index = (at + 1) // 2
      -- a signal is sent when JSON tells the phase
      local json = at % 2 == 0 or scenarios[index].signal ~= nil
      results[at] = table.pack(pcall(run, scenarios[index], { "--trace" }, json))
    end
  end
  local workers = {}
  for i = 1, WIDTH do workers[i] = task.spawn(work) end
  for _, worker in ipairs(workers) do assert(worker:join()) end
end

local OUTPUTS <const> = { "stdout", "stderr", "junit", "calls" }

local function check_unseen(result)
  for _, output in ipairs(OUTPUTS) do
    local number, how = secrets.find(WINDOWS, result[output])
    if number then
      error(("message %d stands in %s, %s:\n%s"):format(number, output, how, result[output]), 0)
    end
  end
end

describe("payloads and responses", function()
  local results = {}

  setup(function() run_all(results) end)

  it("are found in each way of writing them, so that their absence means something", function()
    local part = replay.messages[3]:sub(1001, 1008)
    local function each(format)
      return (part:gsub(".", function(c) return format:format(c:byte()) end))
    end
    local ways = {
      part, each "%02x", each "%02X", each "0x%02x, ", each "%02X ", each "%02x:", each "\\x%02x", each "\\%03d",
      each "\\%d", each "\\u%04x", each "\\u{%x}", ("%q"):format(part),
      (part:gsub(".", function(c) return utf8.char(c:byte()) end)),
    }
    for _, way in ipairs(ways) do
      assert.equal(3, secrets.find(WINDOWS, "text before " .. way .. " and behind"))
      assert.equal(3, secrets.find(WINDOWS, "odd" .. way .. "\n"))
    end
    local path = os.tmpname()
    for skip = 0, 2 do
      local file = assert(io.open(path, "wb"))
      file:write(("x"):rep(skip), part, "and more")
      file:close()
      assert.equal(3, secrets.find(WINDOWS, station.execute("base64", path)))
    end
    os.remove(path)
    assert.is_nil(secrets.find(WINDOWS, "0123456789abcdef0123456789 \\0\\1\\2\\3\\4\\5\\6\\7 QUJDREVGR0hJSktM"))
  end)

  it("are seen nowhere when a unit passes, with a trace that tells their lengths and digests", function()
    for _, json in ipairs { false, true } do
      local result = run({}, { "--trace" }, json)
      assert.equal(0, result.exit, result.stdout .. result.stderr)
      assert.matches("1990 bytes", result.stderr) -- 1984 in a frame
      assert.matches("cli get_device_configuration " .. transcript.session .. ": ok, ", result.stderr)
      check_unseen(result)
    end
  end)

  it("are shown by --trace=payload, which warns", function()
    local result = run({}, { "--trace=payload" }, false)
    assert.equal(0, result.exit, result.stdout .. result.stderr)
    assert.matches("WARNING", result.stderr)
    for number = 2, 4 do
      local windows = secrets.windows { replay.messages[number] }
      assert.equal(1, secrets.find(windows, result.stderr), "message " .. number)
    end
    for _, output in ipairs { "stdout", "junit" } do
      assert.is_nil(secrets.find(WINDOWS, result[output]))
    end
  end)

  for index, case in ipairs(scenarios) do
    it(("are seen nowhere: %s in %s"):format(case.what, case.phase), function()
      for at = 2 * index - 1, 2 * index do
        local ok, result = table.unpack(results[at])
        assert.is_true(ok, tostring(result))
        assert.equal(case.exit or case.signal and 5 or 1, result.exit, result.stdout .. result.stderr)
        assert.matches("phase " .. case.phase, result.junit)
        check_unseen(result)
      end
    end)
  end
end)
