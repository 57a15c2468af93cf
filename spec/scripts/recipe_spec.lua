local loader = require "jig.loader"
local recipe = require "jig.recipe"
local sandbox = require "jig.sandbox"
local scratch = require "spec.support.scratch"

local HEAD <const> = 'local jig = require "jig"\nlocal line = require "jig.framing.line"\n'
local GOOD <const> = '  name = "lamp",\n  port = "pair:lamp",\n  framing = line {},\n'

-- What loading this text gives: the recipe, or nil and the message without the folder's path.
local function load_text(text)
  local folder <close> = scratch.folder { ["recipe.lua"] = text }
  local made, message = loader.load(folder.path .. "/recipe.lua", folder.path .. "/", sandbox.files())
  return made, message and message:gsub("^.*/recipe%.lua", "recipe.lua")
end

-- A recipe of these lines; the first stands on line 4.
local function fields(text)
  return HEAD .. "return jig.recipe {\n" .. text .. "}\n"
end

describe("jig.recipe", function()
  it("fills in what a recipe leaves out", function()
    local made = assert(load_text(fields(GOOD .. "  limits = { exchange = 0.5 },\n")))
    assert.same({ "lamp", "0", 0, {}, {} }, { made.name, made.version, made.success, made.status, made.faults })
    assert.equal(0.5, made.limits.exchange)
    for name, seconds in pairs(recipe.limits) do
      assert.equal(name == "exchange" and 0.5 or seconds, made.limits[name])
    end
    assert.is_nil(made.limits.first)
  end)

  it("takes every key that is documented", function()
    local made = assert(load_text(fields(GOOD .. [[
      version = "1", success = 1, link = "arq",
      limits = { open = 1, prepare = 1, ready = 1, read = 1, write = 1, first = 1, between = 1,
        exchange = 1, reset = 1, finish = 1, unit = 1 },
      status = { [0] = { "lamp.dark", code = -1, reason = "dark", retry = true, advice = "look" } },
      faults = { ["cli.refused"] = { code = 9, reason = "no", advice = "ask" } },
      run = function() end, prepare = function() end, reset = function() end, exchange = function() end,
      finish = function() end,
    ]])))
    assert.equal("lamp.dark", made.status[0][1])
  end)

  -- Each: what is wrong, lines of the recipe from line 4 on, the whole message.
  local mistakes = {
    { "a missing name", '  port = "pair:x",\n  framing = line {},\n',
      "recipe.lua:3: name: expected to be there, got nothing" },
    { "a missing port", '  name = "x",\n  framing = line {},\n',
      "recipe.lua:3: port: expected to be there, got nothing" },
    { "a missing framing", '  name = "x",\n  port = "pair:x",\n',
      "recipe.lua:3: framing: expected to be there, got nothing" },
    { "a wrong type", GOOD .. "  version = 2,\n",
      "recipe.lua:7: version: expected a string, got number 2" },
    { "a name that is too long", ('  name = "%s",\n  port = "pair:x",\n  framing = line {},\n'):format(("n"):rep(65)),
      "recipe.lua:4: name: expected a string of 64 bytes at most, got one of 65" },
    { "a fault's name that is too long",
      GOOD .. ("  status = { { '%s', code = 1, reason = 'x' } },\n"):format(("n"):rep(65)),
      "recipe.lua:7: status[0x01].1: expected a string of 64 bytes at most, got one of 65" },
    { "an unknown key", GOOD .. "  statsu = {},\n",
      "recipe.lua:7: statsu: expected one of the keys exchange, faults, finish, framing, limits, link, name, "
      .. "port, prepare, reset, run, status, success, version, got an unknown key" },
    { "an unknown limit", GOOD .. "\n  limits = {\n    unit = 3,\n    exchagne = 5,\n  },\n",
      "recipe.lua:10: limits.exchagne: expected one of the keys between, exchange, finish, first, open, prepare, "
      .. "read, ready, reopen, reset, unit, write, got an unknown key" },
    { "a limit of 0", GOOD .. "  limits = {\n    exchange = 0,\n  },\n",
      "recipe.lua:8: limits.exchange: expected seconds, more than 0, got number 0" },
    { "a limit that is a hook of the same name", GOOD .. "  exchange = 5,\n  limits = { exchange = 1 },\n",
      "recipe.lua:7: exchange: expected a function, got number 5" },
    { "a hook that is no function", GOOD .. '  prepare = "pulse",\n',
      'recipe.lua:7: prepare: expected a function, got string "pulse"' },
    { "an empty address", '  name = "x",\n  port = "",\n  framing = line {},\n',
      'recipe.lua:5: port: expected an address, or a table with the transport\'s name first, got string ""' },
    { "a port without a transport", '  name = "x",\n  port = { baud = 9600 },\n  framing = line {},\n',
      "recipe.lua:5: port: expected an address, or a table with the transport's name first, got table" },
    { "a port's option that is no plain value",
      '  name = "x",\n  port = { "serial", baud = {} },\n  framing = line {},\n',
      "recipe.lua:5: port.baud: expected a string, a whole number, true or false, got table" },
    { "a port's option without a name",
      '  name = "x",\n  port = { "serial", baud = 1, [3] = "x" },\n  framing = line {},\n',
      "recipe.lua:5: port.3: expected an option by its name, got number 3" },
    { "a status with a fraction", GOOD .. '  status = { [1.5] = { "cli.refused" } },\n',
      "recipe.lua:7: status[1.5]: expected a whole number, got number 1.5" },
    { "a USB id as text",
      '  name = "x",\n  port = { "serial",\n    match = { vid = "0403" } },\n  framing = line {},\n',
      'recipe.lua:6: port.match.vid: expected a whole number from 0 to 65535, got string "0403"' },
    { "an unknown match", '  name = "x",\n  port = { "serial", match = { product = "x" } },\n  framing = line {},\n',
      "recipe.lua:5: port.match.product: expected one of the keys pid, serial, vid, got an unknown key" },
    { "a chunk of 0", '  name = "x",\n  port = { "serial", chunk = 0 },\n  framing = line {},\n',
      "recipe.lua:5: port.chunk: expected a whole number from 1 to 1048576, got number 0" },
    { "a negative gap", '  name = "x",\n  port = { "serial", gap = -1 },\n  framing = line {},\n',
      "recipe.lua:5: port.gap: expected seconds, 0 or more, got number -1" },
    { "a framing that was not called", '  name = "x",\n  port = "pair:x",\n  framing = "slip",\n',
      'recipe.lua:6: framing: expected a framing, such as jig.framing.length { … }, got string "slip"' },
    { "a framing without ends", '  name = "x",\n  port = "pair:x",\n  framing = {},\n',
      "recipe.lua:6: framing.host: expected an end with the functions encode and decoder, got nil" },
    { "a link of another kind", GOOD .. '  link = "tcp",\n',
      'recipe.lua:7: link: expected one of arq, got string "tcp"' },
    { "a link without an exchange hook", GOOD .. '  link = "arq",\n',
      "recipe.lua:7: link: expected an exchange hook that resends, got no exchange hook" },
    { "a status that is no number", GOOD .. '  status = {\n    bad = { "cli.refused" },\n  },\n',
      'recipe.lua:8: status[bad]: expected a whole number, got string "bad"' },
    { "a status without a name", GOOD .. '  status = {\n    [0x12] = { code = 1, reason = "x" },\n  },\n',
      "recipe.lua:8: status[0x12]: expected a fault's name first, got nothing" },
    { "a status of an unknown name without a code",
      GOOD .. '  status = {\n    [17] = { "lamp.dark", reason = "dark" },\n  },\n',
      "recipe.lua:8: status[0x11]: expected code and reason, since the catalogue does not know 'lamp.dark', "
      .. "got neither" },
    { "a status with a code over 32 bits",
      GOOD .. '  status = {\n    [1] = { "lamp.dark", code = 1, reason = "x" },\n'
      .. '    [2] = {\n      "lamp.dark",\n      code = 1 << 31,\n      reason = "x" } },\n',
      "recipe.lua:11: status[0x02].code: expected a whole number from -2147483648 to 2147483647, "
      .. "got number 2147483648" },
    { "a status with an unknown key", GOOD .. '  status = { [1] = { "cli.refused", retries = true } },\n',
      "recipe.lua:7: status[0x01].retries: expected one of the keys 1, advice, code, reason, retry, "
      .. "got an unknown key" },
    { "a status for what means success", GOOD .. '  status = { [0] = { "cli.refused" } },\n',
      "recipe.lua:7: status[0x00]: expected no entry: it means success, got an entry" },
    { "a status for another success", GOOD .. '  success = 5,\n  status = { [5] = { "cli.refused" } },\n',
      "recipe.lua:8: status[0x05]: expected no entry: it means success, got an entry" },
    { "codes for an unknown fault", GOOD .. '  faults = { ["lamp.dark"] = { code = 1 } },\n',
      "recipe.lua:7: faults[lamp.dark]: expected a name of the catalogue, or code and reason, got neither" },
  }
  for _, case in ipairs(mistakes) do
    it("refuses " .. case[1] .. " by key and line", function()
      local made, message = load_text(fields(case[2]))
      assert.is_nil(made)
      assert.equal(case[3], message)
    end)
  end

  it("looks at each, whatever the one before was like", function()
    local sound = fields(GOOD)
    for _, case in ipairs {
      { fields((GOOD:gsub("line {}", "{}"))), "framing.host: expected an end" },
      { fields((GOOD:gsub("lamp\",\n", "lamp\",\n  nmae = 1,\n"))), "nmae: expected one of the keys" },
      { fields((GOOD:gsub("pair:lamp", "exec:lamp"))), "port: expected no program" },
      { (sound:gsub("return", "local made =")) .. "made.success = 0.5\nreturn made",
        "success: expected a whole number, got number 0.5" },
      { (sound:gsub("return", "local made =")) .. "made.framing = {}\nreturn made", "framing.host: expected an end" },
    } do
      for _ = 1, 2 do assert(load_text(sound)) end
      local made, message = load_text(case[1])
      assert.is_nil(made)
      assert.matches(case[2], message, 1, true)
      assert(load_text(sound))
    end
  end)

  it("refuses what is no table", function()
    local _, message = load_text(HEAD .. "return jig.recipe(5)\n")
    assert.equal("recipe.lua:3: recipe: expected a table, got number 5", message)
  end)

  it("knows the recipes that it made", function()
    assert.is_true(recipe.is(assert(load_text(fields(GOOD)))))
    for _, other in ipairs { 5, "x", { limits = "x" }, { name = "x", limits = setmetatable({}, {}) } } do
      assert.is_false(recipe.is(other))
    end
    assert.is_false(recipe.is(nil))
  end)

  -- Each: the recipe's port, the station's address, what is opened.
  local addresses = {
    { "tcp:10.0.0.7:7777", nil, "tcp:10.0.0.7:7777" },
    { "tcp:10.0.0.7:7777", "tcp:other:1", "tcp:other:1" },
    { { "serial", baud = 921600, match = { vid = 0x0403, pid = 0x6001 } }, nil,
      "serial:?baud=921600&pid=6001&vid=0403" },
    { { "serial", match = { serial = "A B&C" } }, nil, "serial:?serial=A%20B%26C" },
    { { "serial", "/dev/ttyUSB0", baud = 9600 }, nil, "serial:/dev/ttyUSB0?baud=9600" },
    { { "serial", "/dev/a b" }, nil, "serial:/dev/a%20b" },
    { { "serial", chunk = 64, gap = 0.01 }, "serial:/dev/x", "serial:/dev/x" },
    { { "serial", baud = 9600, parity = "even", match = { vid = 1 } }, "serial:/dev/x",
      "serial:/dev/x?baud=9600&parity=even" },
    { { "serial", baud = 9600, parity = "even" }, "serial:/dev/x?baud=19200",
      "serial:/dev/x?baud=19200&parity=even" },
    { { "serial", baud = 9600 }, "serial:/dev/x?xbaud=1", "serial:/dev/x?xbaud=1&baud=9600" },
    { { "serial", baud = 9600 }, "tty:/dev/pts/1", "tty:/dev/pts/1?baud=9600" },
    { { "tty", baud = 9600 }, "serial:/dev/x", "serial:/dev/x?baud=9600" },
    { { "serial", baud = 9600 }, "tcp:127.0.0.1:7", "tcp:127.0.0.1:7" },
    { { "exec", pty = 1 }, "exec:cat", "exec:cat?pty=1" },
  }
  it("makes the address from the recipe's port and the station's", function()
    for _, case in ipairs(addresses) do
      assert.equal(case[3], recipe.address(case[1], case[2]))
    end
  end)

  it("names no program: that is for the station", function()
    local said = 'recipe.lua:5: port: expected no program: the station names the one to run, with --port exec:… or in '
      .. 'its file (here { "exec" } at most), got string "%s"'
    for text, address in pairs {
      ['"exec:cat"'] = "exec:cat", ['"exec:%63at?pty=1"'] = "exec:%63at?pty=1", ['{ "exec", "cat" }'] = "exec:cat",
      ['{ "exec:cat" }'] = "exec:cat:", ['"fault:seed=1:exec:cat"'] = "fault:seed=1:exec:cat",
      ['"fault::fault::exec:cat"'] = "fault::fault::exec:cat", ['{ "fault", ":exec:cat" }'] = "fault::exec:cat",
      ['{ "fault::exec", "cat" }'] = "fault::exec:cat",
    } do
      local made, message = load_text(fields((GOOD:gsub('"pair:lamp"', (text:gsub("%%", "%%%%"))))))
      assert.is_nil(made)
      assert.matches(said:format(address), message, 1, true)
    end
    for _, text in ipairs { '{ "exec" }', '{ "exec", pty = 1, stderr = "inherit" }', '"tcp:exec:1"',
      '"serial:/dev/exec:cat"' } do
      assert.truthy(load_text(fields((GOOD:gsub('"pair:lamp"', text)))))
    end
  end)

  it("tells how writes are paced", function()
    assert.same({ chunk = 128, gap = 0.004 }, recipe.pacing { "serial", chunk = 128, gap = 0.004, baud = 1 })
    assert.same({}, recipe.pacing "tcp:x:1")
  end)
end)
