local clock = require "jig.clock"
local insertion = require "jig.insertion"
local peer = require "spec.peer"
local scratch = require "spec.support.scratch"
local task = require "jig.task"
local wires = require "spec.support.wires"

describe("jig.insertion", function()
  -- A node that can be there or not: a name in a folder.
  local function node(folder, there)
    if there then folder:write("node", "") else os.remove(folder.path .. "/node") end
    return "tty:" .. folder.path .. "/node"
  end

  it("sees a terminal by its node, without opening it", function()
    local folder <close> = scratch.folder()
    assert.is_false(insertion.is_there(node(folder, false)))
    assert.is_true(insertion.is_there(node(folder, true)))
  end)

  it("sees a TCP device when it can be connected to", function()
    local listener = assert(peer.listen())
    local address = "tcp:127.0.0.1:" .. listener:port()
    assert.is_true(insertion.is_there(address))
    listener:close()
    assert.is_false(insertion.is_there(address))
  end)

  it("takes for there what it cannot tell, so that the attempt says why", function()
    assert.is_true(insertion.is_there("serial:"))
    assert.is_true(insertion.is_there("carrier-pigeon:home"))
  end)

  it("waits for a device to come, and for it to go", function()
    local folder <close> = scratch.folder()
    local address = node(folder, false)
    local done = {}
    local waiting = task.spawn(function()
      done[1] = insertion.arrival(address)
      done[2] = insertion.removal(address)
    end)
    clock.sleep(0.01)
    assert.same({}, done)
    node(folder, true)
    wires.eventually(function() return done[1] end)
    clock.sleep(0.25)
    assert.is_nil(done[2])
    node(folder, false)
    wires.eventually(function() return done[2] end)
    assert.is_true(waiting:join(5))
    assert.same({ true, true }, done)
  end)

  it("answers false when it is interrupted", function()
    local folder <close> = scratch.folder()
    for _, there in ipairs { false, true } do
      local address = node(folder, there)
      local result
      local waiting = task.spawn(function()
        result = insertion[there and "removal" or "arrival"](address)
      end)
      clock.sleep(0.01)
      waiting:interrupt()
      waiting:join(5)
      assert.is_false(result)
    end
  end)
end)
