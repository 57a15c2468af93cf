local scratch = require "spec.support.scratch"
local station = require "jig.station"

local function load_text(text)
  local folder <close> = scratch.folder { ["station.lua"] = text }
  local made, message = station.load(folder.path .. "/station.lua")
  return made, message and message:gsub("^.*/station%.lua", "station.lua")
end

local ALL <const> = [[
return {
  name = "line 3", slot = "B", port = "tcp:x:1", lot = "7", operator = "eva", retries = 2,
  cli = {
    path = "/opt/tool", arguments = { "--pin", "" }, env = { TOKEN = "x", HOME = false, AGENT = true }, cwd = "/",
    accept = { 0, 2 },
    limits = { new_device = 1, get_device_configuration = 2, handle_device_response = 3, report_error = 4.5,
      gate = 9 },
    grace = 0, stop = 1, hurry = 0.5, report = { refused = true, unclear = true, again = false }, calls = 3,
    token = { name = "line-3", width = 2, folder = "/run/lock/jig", missing = { statuses = { 3 } },
      busy = { patterns = { "in use" } }, pin = { statuses = { 4 }, patterns = { "PIN" } }, tries = 9 },
  },
  journal = { path = "/j", emergency = "/e", key = "/k.pem", refusals = 1000 },
}
]]

describe("jig.station", function()
  it("takes every key that is documented", function()
    local made = assert(load_text(ALL))
    assert.same({ "line 3", "B", "tcp:x:1", "7", "eva", 2 },
      { made.name, made.slot, made.port, made.lot, made.operator, made.retries })
    assert.equal(4.5, made.cli.limits.report_error)
    assert.same({ path = "/j", emergency = "/e", key = "/k.pem", refusals = 1000 }, made.journal)
    assert.same({}, assert(load_text "return {}"))
  end)

  it("takes slots with ports and recipes of their own", function()
    local made = assert(load_text [[return { slots = {
      { name = "A.1", port = "tcp:x:1" }, { name = "B", recipe = "../gateway" }, { name = "C" } } }]])
    assert.same({
      { name = "A.1", port = "tcp:x:1" }, { name = "B", recipe = "../gateway" }, { name = "C" },
    }, made.slots)
  end)

  it("tells no journal from one that is not named", function()
    assert.is_false(assert(load_text "return { journal = false }").journal)
    assert.is_nil(assert(load_text "return {}").journal)
    assert.same({}, assert(load_text "return { journal = {} }").journal)
    assert.equal(1, assert(load_text "return { journal = { refusals = 1 } }").journal.refusals)
  end)

  local mistakes = {
    { "what is no table", "", "station.lua:1: station: expected a table, got nil" },
    { "an unknown key", "return {\n  slost = {},\n}",
      "station.lua:2: slost: expected one of the keys cli, journal, lot, name, operator, port, retries, scanner, "
      .. "slot, slots, start, stop, trust, watch, "
      .. "got an unknown key" },
    { "no slots", "return {\n slots = {} }", "station.lua:2: slots: expected at least one slot, got none" },
    { "a slot without a name", "return { slots = { { port = 'pair:x' } } }",
      "station.lua:1: slots[1].name: expected to be there, got nothing" },
    { "a slot's name with a space", "return { slots = {\n { name = 'A 1' } } }",
      "station.lua:1: slots[1].name: expected a name: 1 to 32 letters, digits and _.:-, got string \"A 1\"" },
    { "a slot's unknown key", "return { slots = { { name = 'A', adress = 'x' } } }",
      "station.lua:1: slots[1].adress: expected one of the keys name, port, recipe, got an unknown key" },
    { "slots and a slot", "return { slots = { { name = 'A' } },\n slot = 'B' }",
      "station.lua:2: slots and slot exclude each other" },
    { "slots and a port", "return { slots = { { name = 'A' } },\n port = 'pair:x' }",
      "station.lua:2: slots and port exclude each other" },
    { "a wrong type", "return {\n\n  lot = 5 }", "station.lua:3: lot: expected a string, got number 5" },
    { "the one slot's name with a space", "return { slot = 'A 1' }",
      'station.lua:1: slot: expected a name: 1 to 32 letters, digits and _.:-, got string "A 1"' },
    -- what session.service, jig.guard and others would raise for, with their own line
    { "no exit status", "return { cli = { accept = {} } }",
      "station.lua:1: cli.accept: expected 1 to 64 exit statuses, got 0" },
    { "too many exit statuses", "local t = {} for i = 1, 65 do t[i] = i end return {\n cli = { accept = t } }",
      "station.lua:2: cli.accept: expected 1 to 64 exit statuses, got 65" },
    { "no exit status of a busy token", "return { cli = { token = { busy = { statuses = {} } } } }",
      "station.lua:1: cli.token.busy.statuses: expected 1 to 64 exit statuses, got 0" },
    { "a variable that is none", "return { cli = { env = { ['A=B'] = 'x' } } }",
      'station.lua:1: cli.env[A=B]: expected the name of a variable, got string "A=B"' },
    { "a NUL in a variable", "return { cli = { env = { A = 'x\\0y' } } }",
      'station.lua:1: cli.env[A]: expected a string without a NUL, got string "x\\0y"' },
    { "a NUL in an argument", "return { cli = { arguments = { 'x\\0y' } } }",
      'station.lua:1: cli.arguments[1]: expected a string without a NUL, got string "x\\0y"' },
    { "a NUL in a pattern", "return { cli = { token = { missing = { patterns = { '\\0' } } } } }",
      'station.lua:1: cli.token.missing.patterns[1]: expected a string without a NUL, got string "\\0"' },
    { "a NUL in a folder", "return { cli = { token = { folder = '/a\\0b' } } }",
      'station.lua:1: cli.token.folder: expected a string without a NUL, got string "/a\\0b"' },
    { "a NUL in the journal's path", "return { journal = { path = '\\0x' } }",
      'station.lua:1: journal.path: expected a string without a NUL, got string "\\0x"' },
    { "a NUL in the CLI's path", "return { cli = { path = '/a\\0b' } }",
      'station.lua:1: cli.path: expected a string without a NUL, got string "/a\\0b"' },
    { "a NUL in a key", "return { trust = { keys = { '/a\\0b' }, cli = ('0'):rep(64) } }",
      'station.lua:1: trust.keys[1]: expected a string without a NUL, got string "/a\\0b"' },
    { "too many retries", "return { retries = 101 }",
      "station.lua:1: retries: expected a whole number from 0 to 100, got number 101" },
    { "an unknown key of cli", "return {\n cli = {\n  limit = 5 } }",
      "station.lua:3: cli.limit: expected one of the keys accept, arguments, calls, cwd, env, grace, hurry, "
      .. "limits, path, report, stop, token, got an unknown key" },
    { "an argument that is no string", "return { cli = { arguments = { 'a', 5 } } }",
      "station.lua:1: cli.arguments[2]: expected a string, got number 5" },
    { "a variable that is a number", "return { cli = { env = {\n A = 5 } } }",
      "station.lua:2: cli.env[A]: expected a string, true or false, got number 5" },
    { "an exit status over 255", "return { cli = { accept = { 256 } } }",
      "station.lua:1: cli.accept[1]: expected a whole number from 0 to 255, got number 256" },
    { "a limit of 0", "return { cli = { limits = {\n new_device = 0 } } }",
      "station.lua:2: cli.limits.new_device: expected seconds, more than 0, got number 0" },
    { "a negative grace", "return { cli = { grace = -1 } }",
      "station.lua:1: cli.grace: expected seconds, 0 or more, got number -1" },
    { "a report rule that is no boolean", "return { cli = { report = { again = 'never' } } }",
      'station.lua:1: cli.report.again: expected true or false, got string "never"' },
    { "a token that is true", "return { cli = {\n token = true } }",
      "station.lua:2: cli.token: expected a table, or false for no gate, got true" },
    { "a token's name that begins with a dot", "return { cli = { token = { name = '.a' } } }",
      "station.lua:1: cli.token.name: expected a name: 1 to 64 of A-Z a-z 0-9 _ . -, and no dot at first, "
      .. 'got string ".a"' },
    { "a PIN itself", "return { cli = { token = { pin = { from = '0451', by = 'descriptor' } } } }",
      "station.lua:1: cli.token.pin.from: expected file:/PATH, credential:NAME or prompt, got a "
      .. "string that is not shown" },
    { "a PIN itself, with nothing around it", "return { cli = { token = { pin = '0451' } } }",
      "station.lua:1: cli.token.pin: expected a table, got a string that is not shown" },
    { "a PIN that is a number", "return { cli = { token = { pin = { from = 8451, by = 'descriptor' } } } }",
      "station.lua:1: cli.token.pin.from: expected file:/PATH, credential:NAME or prompt, got a "
      .. "number that is not shown" },
    { "a PIN that no way leads to", "return { cli = { token = { pin = { from = 'prompt' } } } }",
      "station.lua:1: cli.token.pin.by: expected how the CLI gets the PIN: descriptor, environment or terminal, got "
      .. "nothing" },
    { "a PIN from nowhere", "return { cli = { token = { pin = { by = 'descriptor' } } } }",
      "station.lua:1: cli.token.pin.from: expected where the PIN is: file:/PATH, credential:NAME or prompt, got "
      .. "nothing" },
    { "a PIN by an argument", "return { cli = { token = { pin = { from = 'prompt', by = 'argument' } } } }",
      'station.lua:1: cli.token.pin.by: expected one of descriptor, environment, terminal, got string "argument"' },
    { "a variable without a name", "return { cli = { token = { pin = { from = 'prompt', by = 'environment' } } } }",
      "station.lua:1: cli.token.pin.variable: expected the name of the variable, got nothing" },
    { "a terminal without a prompt", "return { cli = { token = { pin = { from = 'prompt', by = 'terminal' } } } }",
      "station.lua:1: cli.token.pin.prompt: expected what the CLI prints when it asks, got nothing" },
    { "a PIN whose refusal nobody knows",
      "return { cli = { token = { pin = { from = 'prompt', by = 'descriptor' } } } }",
      "station.lua:1: cli.token.pin.patterns: expected patterns or statuses, by which the CLI says that it refused the "
      .. "PIN: a few tries block a token, got neither" },
    { "a variable that is the loader's",
      "return { cli = { token = { pin = { from = 'prompt', by = 'environment', variable = 'LD_PRELOAD',"
      .. " statuses = { 6 } } } } }",
      'station.lua:1: cli.token.pin.variable: expected a name of its own: letters, digits and _, got string '
      .. '"LD_PRELOAD"' },
    { "a variable that is there already",
      "return { cli = { env = { T = '' }, token = { pin = { patterns = { 'wrong' },\n"
      .. "from = 'prompt', by = 'environment', variable = 'T' } } } }",
      "station.lua:2: cli.env has T, too, which is the PIN's" },
    { "another descriptor",
      "return { cli = { token = { pin = { from = 'prompt', by = 'descriptor', descriptor = 5 } } } }",
      "station.lua:1: cli.token.pin.descriptor: expected 0 or 3, got number 5" },
    { "a token that bears nothing", "return { cli = { token = { width = 0 } } }",
      "station.lua:1: cli.token.width: expected a whole number from 1 to 1024, got number 0" },
    { "a lock folder that depends on where jig is", "return { cli = { token = { folder = 'locks' } } }",
      'station.lua:1: cli.token.folder: expected an absolute path, got string "locks"' },
    { "an empty text, which everything holds", "return { cli = { token = { pin = { patterns = { '' } } } } }",
      'station.lua:1: cli.token.pin.patterns[1]: expected a string, got string ""' },
    { "a journal that is true", "return { name = 'x',\n journal = true }",
      "station.lua:2: journal: expected a table, or false for no journal, got true" },
    { "a journal that is a path", "return { journal = '/j' }",
      'station.lua:1: journal: expected a table, or false for no journal, got string "/j"' },
    { "an unknown key of journal", "return {\n journal = {\n  file = '/j' } }",
      "station.lua:3: journal.file: expected one of the keys emergency, key, path, refusals, got an unknown key" },
    { "a journal's path that is empty", "return { journal = { path = '' } }",
      'station.lua:1: journal.path: expected a string, got string ""' },
    { "a key that is no string", "return { journal = { key = 5 } }",
      "station.lua:1: journal.key: expected a string, got number 5" },
    { "no refusals at all", "return { journal = {\n\n refusals = 0 } }",
      "station.lua:3: journal.refusals: expected a whole number from 1 to 1000, got number 0" },
    { "too many refusals", "return { journal = { refusals = 1001 } }",
      "station.lua:1: journal.refusals: expected a whole number from 1 to 1000, got number 1001" },
    { "what could say another thing at each look", "return setmetatable({}, { __index = error })",
      "station.lua: station: expected a plain table, got one with a metatable" },
    { "the same further in", "return { cli = { env = setmetatable({}, { __pairs = error }) } }",
      "station.lua: station.cli.env: expected a plain table, got one with a metatable" },
    { "a table that holds itself", "local t = {} t.slots = t return t",
      "station.lua: station.slots.slots.slots.slots.slots: tables are nested too deeply" },
    { "what is thrown without a line", "error('no', 0)", "station.lua: no" },
    { "what is thrown and controls the terminal", "error 'a\\n\\27[31mred'", "station.lua:1: a??[31mred" },
    { "a mistake of Lua", "return {", "station.lua:1: unexpected symbol near <eof>" },
    { "a file that fails", "\nerror 'boom'", "station.lua:2: boom" },
    { "what the sandbox has not", "return { name = io.read() }", "station.lua:1: there is no global 'io' here" },
  }
  for _, case in ipairs(mistakes) do
    it("refuses " .. case[1] .. " by key and line", function()
      local made, message = load_text(case[2])
      assert.is_nil(made)
      assert.equal(case[3], message)
    end)
  end

  it("refuses a file that is not there, by its path", function()
    local made, message = station.load("/nowhere/station.lua")
    assert.is_nil(made)
    assert.equal("/nowhere/station.lua: No such file or directory", message)
  end)
end)
