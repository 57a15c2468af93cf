local clock = require "jig.clock"
local proc = require "jig.proc"
local scratch = require "spec.support.scratch"
local station = require "jig.station"
local testing = require "jig.testing"
local trial = require "jig.trial"

local ENDLESS <const> = "\ncoroutine.wrap(function() while true do end end)()"

describe("jig.trial", function()
  local folder
  setup(function() folder = scratch.folder() end)
  teardown(function() folder:__close() end)

  local function refusal(text)
    return trial.refusal { file = folder:write("recipe.lua", text), folder = folder.path .. "/" }
  end

  it("says nothing of what can be used", function()
    assert.is_nil(trial.refusal { file = "examples/thermostat/recipe.lua", folder = "examples/thermostat/" })
    assert.is_nil(trial.refusal { station = "examples/line/station.lua" })
  end)

  it("ends what does not end, in Lua and in its libraries", function()
    assert.matches("recipe.lua:2: it computed for more than 1 s", refusal(ENDLESS), 1, true)
    local slow = refusal "return (('a'):rep(30)):find(('a?'):rep(30)..('a'):rep(30))"
    -- under valgrind the second may come before the last step that a pattern may have
    local second = scratch.valgrind and slow:find("it computed for more than 1 s", 1, true)
    if not second then assert.matches("pattern matching took more than", slow, 1, true) end
    assert.matches("not enough memory", refusal "return ('x'):rep(1 << 30)", 1, true)
    assert.matches("nothing waits while a recipe is loaded", refusal "require('jig').sleep(1e9)", 1, true)
  end)

  it("stands before every load of the tool's own", function()
    local path = folder:write("recipe.lua", ENDLESS)
    local ok, message = pcall(testing.load, path)
    assert.is_false(ok)
    assert.matches("it computed for more than 1 s", message, 1, true)
    local made
    made, message = station.load(folder:write("station.lua", ENDLESS))
    assert.is_nil(made)
    assert.matches("it computed for more than 1 s", message, 1, true)
  end)

  it("lets a signal end a recipe that waits for the tool's own state", function()
    if debug.gethook() then return end -- lines are counted, and what loops writes of it
    local path = folder:write("recipe.lua", [[
if not pcall(string.rep, "x", 1 << 26) then
  return require "jig".recipe { name = "a", version = "1", port = "tcp:1:1", framing = require "jig.framing.slip" {} }
end
while true do end]])
    local child <close> = assert(proc.start { scratch.program, "check", path, limit = 20 })
    clock.sleep(0.5)
    child:kill(15)
    assert.equal(15, assert(child:wait()).signal)
  end)
end)
