local environment = require "jig.shell.environment"
local length = require "jig.framing.length"
local loader = require "jig.loader"
local sandbox = require "jig.sandbox"

local FRAMING <const> = length { header = ">I2 scp I2 length" }

-- A shell, its environment, and what was said and done.
local function open()
  local said, done = {}, {}
  local shell = { unit = { name = "unit" }, recipe = { framing = FRAMING, limits = { exchange = 5 } },
    say = function(line) said[#said + 1] = line end }
  for _, name in ipairs { "open", "close", "again" } do
    shell[name] = function(_, address) done[#done + 1] = name .. (address or "") end
  end
  return environment.new(shell, "/recipe/", loader.api "/recipe/recipe.lua", sandbox.files()), said, done, shell
end

describe("jig.shell.environment", function()
  it("has what a recipe has, and the modules that are typed most by name", function()
    local env = open()
    assert.equal("\0\255", env.hex.decode "00ff")
    assert.is_function(env.crc.compute or env.crc.names)
    assert.equal("unit", env.unit.name)
    assert.equal(FRAMING, env.framing)
    assert.equal(env, env._G)
    assert.is_table(env.require "jig.framing.slip")
    assert.has_error(function() return env.io end)
    assert.has_error(function() return env.nothing end, "there is no global 'nothing' here")
  end)

  it("keeps what is assigned, for itself alone", function()
    local env = open()
    env.string = nil
    env.x = 5
    assert.equal(5, env.x)
    assert.has_error(function() return open().x end)
  end)

  it("prints values and dumps as lines", function()
    local env, said = open()
    env.print(1, nil, "a\27")
    env.dump "A"
    assert.same({ "1", "nil", "5 bytes" }, { said[1], said[2], said[3] == "2 bytes" and "5 bytes" or said[3] })
    assert.equal("00000000  41                                                |A|", said[#said])
  end)

  it("makes and sends frames, and opens, closes and begins again", function()
    local env, _, done = open()
    assert.equal("\1\0\0\1x", env.frame { scp = 256, payload = "x" })
    local sent
    env.port = { write = function(_, bytes) sent = bytes end }
    env.send { scp = 1, payload = "" }
    assert.equal("\0\1\0\0", sent)
    env.open()
    env.open "tcp:x:1"
    env.close()
    env.again()
    assert.same({ "open", "opentcp:x:1", "close", "again" }, done)
  end)

  it("says what to do while there is no port", function()
    local env = open()
    local ok, message = pcall(function() return env.port:read(1) end)
    assert.is_false(ok)
    assert.matches("open() opens it", message, 1, true)
  end)

  it("takes the verb away that waits for a device, with a sentence", function()
    local unit = {}
    environment.without_reopen(unit)
    local ok, message = pcall(unit.reopen, unit, {})
    assert.is_false(ok)
    assert.matches("opened again by itself, and another one by open(ADDRESS)", message, 1, true)
  end)

  it("takes the verbs of the CLI away where there is none, with a sentence", function()
    local unit = {}
    environment.without_service(unit)
    for _, name in ipairs { "new_device", "get_device_configuration", "handle_device_response" } do
      assert.has_error(unit[name],
        "unit:" .. name .. " calls the Secure Factory CLI: start the shell with --cli PATH for that")
    end
  end)
end)
