local clock = require "jig.clock"
local insertion = require "jig.insertion"
local mocked = require "spec.support.mocked"
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

  local function stranger()
    local child <const> = mocked.child(mocked.stranger() .. " env")
    child:call "insertion, task = require 'jig.insertion', require 'jig.task' return"
    return child
  end

  describe("opens a device that has just come", function()
    local other, path

    before_each(function()
      other = assert(peer.pty(true))
      path = other:path()
      scratch.run { "chmod", "000", path }
    end)

    after_each(function() other:close() end)

    it("once it may be opened", function()
      local child <close> = stranger()
      child:call("address = 'tty:%s' return", path)
      assert.matches("^nil\t.*\tdenied$", child:call "return port.open(address)")
      child:call [[
        opening = task.spawn(function() return insertion.open(address, { limit = 20, fresh = true }) end)
        return
      ]]
      child:call "clock.sleep(0.15) return"
      scratch.run { "chmod", "666", path }
      assert.matches("^true\tport %(tty:", child:call "return opening:join(20)")
    end)

    it("and says what to do when it may not", function()
      local child <close> = stranger()
      local answer = child:call("return insertion.open('tty:%s', { limit = 0.15 })", path)
      assert.matches("^nil\ttty:" .. path .. ": cannot open .*; tried for 0.15 s: .*add a udev rule.*\tdenied$", answer)
    end)

    it("or is interrupted, or stopped by a limit outside", function()
      local child <close> = stranger()
      child:call("address = 'tty:%s' return", path)
      assert.matches("\tinterrupted\tnil$", child:call [[
        local opening = task.spawn(function() return insertion.open(address, { limit = 20 }) end)
        clock.sleep(0.01)
        opening:interrupt()
        return opening:join(20)
      ]])
      assert.matches("\ttimeout\tunit$", child:call [[
        return task.spawn(function()
          local limit <close> = task.limit("unit", 0.01)
          return insertion.open(address, { limit = 20 })
        end):join(20)
      ]])
    end)
  end)

  it("does not wait for a device that is not there, nor for what does not pass", function()
    local folder <close> = scratch.folder()
    local began = clock.now()
    local cases = {
      [node(folder, false)] = "not_found", ["tty:/dev/null"] = "unsupported", ["tcp:127.0.0.1:1"] = "refused",
    }
    for address, code in pairs(cases) do
      assert.equal(code, select(3, insertion.open(address, { limit = 20 })), address)
    end
    assert.is_true(clock.now() - began < 5)
  end)

  describe("where the system tells", function()
    it("knows at once that a device has come, and soon that it is gone", function()
      local bench <close> = mocked.bench()
      bench:call [[
        insertion, slept, sleep = require "jig.insertion", false, clock.sleep
        clock.sleep = function(seconds)
          slept = slept or seconds >= 0.2
          return sleep(seconds)
        end
        return
      ]]
      for _, case in ipairs {
        { "serial = 'A17'", "usb:?serial=A17" }, { "tty = 'ttyUSB0'", "tty:/dev/ttyUSB0" },
        { "tty = 'ttyUSB1'", "serial:?vid=1209" },
      } do
        -- sooner than a look without a cause would
        assert.equal("true\tnil\ttrue\ttrue\tfalse", bench:call([[
          local done, address = {}, %q
          local waiting = task.spawn(function()
            done[1] = insertion.arrival(address)
            done[2] = insertion.removal(address)
          end)
          clock.sleep(0.03)
          local began = clock.now()
          mocked.plug { %s }
          repeat clock.sleep(0.002) until done[1]
          local soon, early = clock.now() - began < 0.8, done[2]
          clock.sleep(0.01)
          began = clock.now()
          mocked.unplug()
          waiting:join()
          return soon, early, done[2], clock.now() - began < 0.8, slept
        ]], case[2], case[1]), case[2])
      end
    end)

    it("does not take a device for gone that is back at once", function()
      local bench <close> = mocked.bench()
      assert.equal("nil\ttrue", bench:call [[
        mocked.plug {}
        local gone
        local waiting = task.spawn(function() gone = require("jig.insertion").removal "usb:1209:0001" end)
        clock.sleep(0.03)
        mocked.unplug()
        clock.sleep(0.04)
        mocked.plug {}
        clock.sleep(0.15)
        local early = gone
        mocked.unplug()
        waiting:join()
        return early, gone
      ]])
    end)
  end)
end)
