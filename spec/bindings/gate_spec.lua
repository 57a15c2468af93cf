-- The gate itself: spec/core/gate_spec.lua.

local clock = require "jig.clock"
local gate = require "jig.gate"
local scratch = require "spec.support.scratch"
local session = require "jig.session"
local task = require "jig.task"

local LONG <const> = 60

describe("jig.gate", function()
  it("tells the places of all slots that wait", function()
    local folder <close> = scratch.folder()
    local settings = folder:cli "{ new_device = { hang = 0.3 } }"
    settings.token = { folder = folder.path }
    local service = session.service(settings)
    assert.same({}, gate.places())
    local sessions, tasks = {}, {}
    for i, name in ipairs { "A", "B", "C", "B" } do
      sessions[i] = assert(session.new(service, "id" .. i, name))
      tasks[i] = task.spawn(function() return sessions[i]:new_device() end)
    end
    clock.sleep(0.01)
    assert.same({ B = 1, C = 2 }, gate.places()) -- the second B is behind the first
    for i = 2, 4 do tasks[i]:interrupt() end
    for i = 1, 4 do tasks[i]:join(LONG) end
    assert.same({}, gate.places())
    assert.is_nil(gate.shut())
    sessions[1]:report_error(1, "x")
    for i = 1, 4 do sessions[i]:close() end
  end)

  it("says why it is shut", function()
    local folder <close> = scratch.folder()
    local settings = folder:cli "{ new_device = { exit = 1, stderr = 'bad PIN' } }"
    local script = folder:write("script.lua", ([[
      local session, gate = require "jig.session", require "jig.gate"
      local service = session.service { cli = %q, arguments = { %q, %q },
        token = { folder = %q, pin = { patterns = { "pin" } } } }
      local s = session.new(service, "ab")
      print((select(3, s:new_device())))
      print(gate.shut())
      s:close()]]):format(settings.cli, settings.arguments[1], settings.arguments[2], folder.path))
    local result = scratch.run { scratch.program, script }
    assert.equal("pin\nnot called: new_device: exit status 1: bad PIN\n", result.stdout)
    assert.matches("session new_device: exit status 1: bad PIN; the CLI is not called any more", result.stderr, 1, true)
  end)
end)
