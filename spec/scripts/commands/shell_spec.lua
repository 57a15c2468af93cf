-- jig shell without a terminal: what comes on stdin is a script. With one: spec/flow/shell_spec.lua.

local scratch = require "spec.support.scratch"
local station = require "spec.support.station"

-- Runs `jig shell` with these words of a command line and this input.
local function shell(folder, words, text)
  local input = folder:write("input", text)
  return scratch.run { "sh", "-c", ("cat %s | %s shell %s"):format(input, scratch.program, words),
    env = { XDG_STATE_HOME = folder.path .. "/state", XDG_RUNTIME_DIR = folder.path } }
end

local function words(folder, address, more)
  return ("%s --port '%s' %s"):format(folder.path, address, more or "")
end

describe("jig shell with a script", function()
  it("runs its lines, shows the traffic and the values, and ends with 0", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local result = shell(folder, words(folder, scratch.device(0)),
      'answer = unit:exchange{scp=256, payload=hex.decode"00ff"}\nanswer.payload\nfor i = 1, 2 do\nprint(i)\nend\n')
    assert.equal(([[
* open: ADDRESS
> 00000000  01 00 00 02 00 ff 3b 20                           |......; |
< frame scp=256, status=0, 2 bytes of payload
<   00000000  6f 6b                                             |ok|
"ok"
1
2
]]):gsub("ADDRESS", (scratch.device(0):gsub("%%", "%%%%"))), result.stdout)
    assert.same({ "", 0 }, { result.stderr, result.exit })
    assert.is_nil(io.open(folder.path .. "/state/jig/shell_history")) -- nobody typed
  end)

  it("works at a wire that sends back what it gets, and at the end of it shows what is left", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local result = shell(folder, words(folder, "exec:cat"), 'port:write("AT\\r\\n")\nport:expect("AT")')
    assert.equal([[
* open: exec:cat
> 00000000  41 54 0d 0a                                       |AT..|
| AT
"AT"
]], result.stdout)
    assert.equal(0, result.exit)
  end)

  it("ends at the first line that fails, with 1", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local cases = {
      { 'port:read(1, 0.01)\nprint "on"\n', "connectivity.timeout: .*the limit 'read' of 0.01 s passed" },
      { 'unit:exchange{scp=1, payload=""}\nprint "on"', "lamp.dark: dark" },
      { "x = = 1\nprint 'on'", "unexpected symbol" },
      { "for i = 1, 2 do\n", "the input ended in the middle" },
      { "unit:new_device()", "unit:new_device calls .* start the shell with %-%-cli PATH" },
    }
    for _, case in ipairs(cases) do
      local result = shell(folder, words(folder, scratch.device(5)), case[1])
      assert.equal(1, result.exit, case[1])
      assert.matches("^jig shell: " .. case[2], result.stderr)
      assert.is_nil(result.stdout:find("on\n", 1, true))
    end
  end)

  it("says what was typed wrong without a line of its own", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    for line, message in pairs {
      ["port:write(1)"] = "port:write: expected a string, got number",
      ["port:write()"] = "port:write: expected a string, got nil",
      ['port.write("x")'] = "it is port:write(…), with a colon",
      ['port:read("a")'] = "port:read: expected a number, got string",
      ["port:expect()"] = "port:expect: expected a string, got nil",
      ["send{}"] = "length: payload: expected string, got nil",
      ['frame{scp="a",payload="x"}'] = "length: scp: expected integer, got string",
      ["dump(5)"] = "dump: expected a string, got number",
      ["unit.exchange{}"] = "it is unit:…(…), with a colon",
    } do
      local result = shell(folder, words(folder, "exec:cat"), line)
      assert.equal(1, result.exit)
      assert.matches(message .. "\n", result.stderr, 1, true)
      assert.is_nil(result.stderr:find("scripts/jig", 1, true), result.stderr)
    end
  end)

  it("ends with 1 when nobody reads what it says", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local line = ("{ yes 'print(1)' | %s shell %s; echo $? >%s/status; } | head -2"):format(scratch.program,
      words(folder, "exec:cat"), folder.path)
    local result = scratch.run { "sh", "-c", line, limit = 20 }
    assert.equal("* open: exec:cat\n1\n", result.stdout)
    assert.equal("1\n", folder:read "status")
  end)

  it("quits where it says so, and lets nothing of the device control the terminal", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local result = shell(folder, words(folder, "exec:cat"),
      'port:write("\\27[2Jred\\r\\n")\nport:read_until("\\n")\nerror("\\27[2J", 0)\nquit\n')
    assert.equal(1, result.exit)
    assert.matches("| \\x1b[2Jred\n", result.stdout, 1, true)
    assert.matches("jig shell: \\x1b[2J\n", result.stderr, 1, true)
    assert.is_nil((result.stdout .. result.stderr):find("[\27\7]"))
    result = shell(folder, words(folder, "exec:cat"), 'quit\nprint "on"\n')
    assert.same({ "* open: exec:cat\n", "", 0 }, { result.stdout, result.stderr, result.exit })
  end)

  it("tells what it cannot begin with: 1 no port, 2 usage, 3 the recipe, 4 the CLI", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe(), ["bad/recipe.lua"] = "return 5" }
    local cases = {
      { 1, words(folder, "tty:/nowhere"), "connectivity.not_found" },
      { 2, "", "Usage" },
      { 3, folder.path .. "/bad", "must return jig.recipe" },
      { 4, words(folder, "exec:cat", "--cli /nowhere"), "the Secure Factory CLI cannot be started" },
    }
    for _, case in ipairs(cases) do
      local result = shell(folder, case[2], 'print "on"\n')
      assert.equal(case[1], result.exit, case[2])
      assert.matches(case[3], result.stderr, 1, true)
      assert.is_nil(result.stdout:find("on", 1, true))
    end
  end)

  it("calls the CLI when that is typed, and reports what is left open", function()
    local place <close> = station.place()
    local device <close> = station.device(place, { wire = "length" })
    local directory = place:fresh("service")
    local folder <close> = scratch.folder()
    local input = folder:write("input", "recipe.prepare(unit)\nx = unit:new_device()\ny = unit:exchange(x)\n")
    local result = scratch.run { "sh", "-c", ("cat %s | %s shell examples/thermostat --port %s --cli %s"):format(input,
      scratch.program, device.address, station.tool(place, { SIM_DIR = directory })),
      env = { XDG_RUNTIME_DIR = folder.path } }
    assert.same({ 0, "" }, { result.exit, result.stderr })
    assert.matches("* the session was reported\n$", result.stdout)
    local audit = station.audit(directory)
    assert.same({ 1, 1, 2 }, { #audit:starts("new_device"), #audit:starts("report_error"), #audit:starts() })
  end)

  it("is stopped by a signal, with 5", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local script = folder:write("stop.sh", ([[
cd FOLDER && mkfifo in && exec 3<>in
PROGRAM shell WORDS <in >out 2>err & pid=$!
echo 'port:write("x") port:read(2, 1e6)' >&3
until grep -q '^>' out; do :; done
kill -TERM $pid; wait $pid; echo $?; cat err
]]):gsub("%u%u%u%u+", { FOLDER = folder.path, PROGRAM = scratch.program, WORDS = words(folder, "exec:cat") }))
    local result = scratch.run { "sh", script }
    assert.equal("5\njig shell: interrupted\n", result.stdout)
  end)

  it("records it all into a cassette, without the bytes of messages, which is nothing to replay", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local path = folder.path .. "/day.cassette"
    local result = shell(folder, words(folder, scratch.device(0), "--record " .. path),
      'again()\nunit:exchange{scp=256, payload="a message for nobody else"}\nport:write("AT\\r\\n")')
    assert.same({ "", 0 }, { result.stderr, result.exit })
    local text = station.read(path)
    for _, line in ipairs { "= attempt number=2", '> text bytes="AT\\r\\n"\n',
      "> frame payload=25:%x+ scp=256 wired=%x+\n",
      "< frame payload=2:%x+ scp=256 status=0 wired=%x+\n", "> close\nsha256 %x+\n$" } do
      assert.matches("\n%d%.%d+ " .. line:gsub("^> close", "> close"), text)
    end
    assert.is_nil(text:find("nobody", 1, true))
    assert.is_nil(text:find("interrupt", 1, true))
    local replayed = scratch.jig { "replay", path }
    assert.equal(2, replayed.exit)
    assert.matches("has no verdict: it is of a shell", replayed.stderr)
    local again = shell(folder, words(folder, scratch.device(0), "--record " .. path), "quit")
    assert.equal(4, again.exit)
    assert.matches("exists already", again.stderr)
    assert.equal(text, station.read(path))
  end)

  it("writes messages into a cassette only where it is asked to, and says so", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local path = folder.path .. "/day.cassette"
    local result = shell(folder, words(folder, scratch.device(0), "--record-payload --record " .. path),
      'unit:exchange{scp=256, payload="a message for all"}')
    assert.equal(0, result.exit)
    assert.matches("WARNING: %-%-record%-payload", result.stderr)
    assert.matches("> frame payload=17:x61206d6573", station.read(path))
    result = shell(folder, words(folder, scratch.device(0), "--record-payload"), "quit")
    assert.equal(2, result.exit)
    assert.matches("needs %-%-record", result.stderr)
  end)
end)
