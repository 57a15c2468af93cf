local transcript = require "jig.testing.transcript"

local function line(kind, fields)
  fields.kind, fields.at = kind, fields.at or 1.5
  return transcript.line(fields)
end

describe("jig.testing.transcript", function()
  it("has a line for each kind of effect, with its time", function()
    local cases = {
      { "the port is opened", "open", {} },
      { "the port is closed", "close", {} },
      { "write 12 bytes", "write", { size = 12 } },
      { "set dtr = 1", "set", { what = "dtr", value = 1 } },
      { "the device sends 3 bytes, sha256 ba7816bf8f01", "read", { bytes = "abc" } },
      { "the device answers 3 bytes, sha256 ba7816bf8f01, status 17", "read",
        { bytes = "…", frame = { payload = "abc", status = 17 } } },
      { "the device answers 0 bytes, sha256 e3b0c44298fc", "read", { bytes = "…", frame = {} } },
      { "wait in port:read, at most 5 s (limit exchange)", "wait",
        { what = "port:read", limit = "exchange", seconds = 5 } },
      { "wait in clock.sleep, at most 0.1 s", "wait", { what = "clock.sleep", limit = "", seconds = 0.1 } },
      { "the journal takes 'opening'", "record", { what = "opening" } },
      { "the hook prepare begins", "hook", { what = "prepare" } },
    }
    for _, case in ipairs(cases) do assert.equal("    1.500  " .. case[1], line(case[2], case[3])) end
  end)

  it("says what the CLI was called with and did", function()
    local cases = {
      { "new_device: exit 0", { command = "new_device", played = {} } },
      { "new_device: exit 3", { command = "new_device", played = { exit = 3 } } },
      { "new_device: ended by signal 9", { command = "new_device", played = { signal = 9 } } },
      { "new_device: hangs", { command = "new_device", played = { after = math.huge } } },
      { "new_device: cannot be started", { command = "new_device", played = { missing = true } } },
      { "new_device: cannot be started", { command = "new_device", played = { error = "denied" } } },
      { "new_device", { command = "new_device" } }, -- a real one
      { "handle_device_response (3 bytes, sha256 ba7816bf8f01): exit 0",
        { command = "handle_device_response", response = "abc", played = {} } },
      { 'report_error 311 "no memory": exit 0',
        { command = "report_error", code = 311, reason = "no memory", played = {} } },
    }
    for _, case in ipairs(cases) do
      assert.equal("    1.500  factory_tool " .. case[1], line("call", { call = case[2] }))
    end
  end)

  it("marks what was injected, and the recipe's line", function()
    assert.equal("    0.000  the port is opened   [recipe.lua:7]   <- busy: it is taken",
      line("open", { at = 0, injected = "busy", means = "it is taken", line = "recipe.lua:7" }))
  end)

  it("gives all lines or the last ones, and says how many are before", function()
    local trail = {}
    for i = 1, 3 do trail[i] = { kind = "hook", what = "h" .. i, at = i } end
    assert.equal(3, select(2, transcript.text(trail):gsub("hook h", "")))
    assert.equal(transcript.text(trail), transcript.text(trail, 3))
    assert.equal(transcript.text(trail), transcript.text(trail, 4))
    assert.equal("           … 2 before\n    3.000  the hook h3 begins", transcript.text(trail, 1))
    assert.equal("", transcript.text {})
  end)
end)
