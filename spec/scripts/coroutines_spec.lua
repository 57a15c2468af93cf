local clock = require "jig.clock"
local coroutines = require "jig.coroutines"
local port = require "jig.port"
local task = require "jig.task"

local numbers = 0

-- Both ends of a wire of its own.
local function wire()
  numbers = numbers + 1
  local address = "pair:coroutines" .. numbers
  return assert(port.open(address)), assert(port.open(address))
end

describe("jig.coroutines", function()
  it("works like Lua's own where nothing waits", function()
    local co = coroutines.create(function(a, b)
      local c = coroutines.yield(a + b)
      local d, e = coroutines.yield(c * 2)
      return d, e, nil
    end)
    assert.equal("suspended", coroutines.status(co))
    assert.same({ true, 3 }, { coroutines.resume(co, 1, 2) })
    assert.same({ true, 14 }, { coroutines.resume(co, 7) })
    assert.equal(4, select("#", coroutines.resume(co, nil, false)))
    assert.equal("dead", coroutines.status(co))
    local ok, message = coroutines.resume(co)
    assert.is_false(ok)
    assert.equal("cannot resume dead coroutine", message)
  end)

  it("lets a wait inside pass to the scheduler: the script sees its own yields alone", function()
    local a <close>, b = wire()
    local seen = {}
    local co = coroutines.create(function()
      for _ = 1, 2 do coroutines.yield(a:read(2, 60)) end
      clock.sleep(0.001)
      return "end"
    end)
    local writer = task.spawn(function()
      for _, piece in ipairs { "o", "n", "t", "w" } do
        clock.sleep(0.001)
        b:write(piece)
      end
    end)
    while coroutines.status(co) ~= "dead" do
      seen[#seen + 1] = select(2, coroutines.resume(co))
    end
    assert.same({ "on", "tw", "end" }, seen)
    writer:join(60)
  end)

  it("lets other tasks run meanwhile", function()
    local order = {}
    local other = task.spawn(function() order[#order + 1] = "other" end)
    coroutines.wrap(function()
      clock.sleep(0.01)
      order[#order + 1] = "inside"
    end)()
    other:join(60)
    assert.same({ "other", "inside" }, order)
  end)

  it("passes waits through coroutines in coroutines, pcall and iterators", function()
    local a <close>, b = wire()
    b:write "one\ntwo\n"
    local function lines()
      return coroutines.wrap(function()
        local inner = coroutines.wrap(function()
          while true do
            clock.sleep(0.001)
            local ok, line = pcall(a.read_until, a, "\n", 0.01)
            coroutines.yield(ok and line or false)
          end
        end)
        while true do coroutines.yield(inner() or nil) end
      end)
    end
    local got = {}
    for line in lines() do got[#got + 1] = line end
    assert.same({ "one\n", "two\n" }, got)
  end)

  it("hands errors on, closes what was open, and leaves a dead coroutine", function()
    local closed = 0
    local f = coroutines.wrap(function()
      local x <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
      clock.sleep(0.001)
      error({ code = x and 5 })
    end)
    local ok, thrown = pcall(f)
    assert.same({ false, 5, 1 }, { ok, thrown.code, closed })
    ok, thrown = pcall(f)
    assert.same({ false, "cannot resume dead coroutine" }, { ok, thrown })
  end)

  it("closes one that is suspended", function()
    local closed = false
    local co = coroutines.create(function()
      local x <close> = setmetatable({}, { __close = function() closed = true end })
      coroutines.yield(x)
    end)
    coroutines.resume(co)
    assert.is_true(coroutines.close(co))
    assert.is_true(closed)
  end)

  it("refuses a yield outside of what the script made, for it would reach the scheduler", function()
    local ok, message = pcall(function() coroutines.yield(1) end)
    assert.is_false(ok)
    assert.matches("coroutines_spec.lua:%d+: coroutine.yield outside of any coroutine that the script made$", message)
  end)

  it("ends a wait inside by the limits of its task", function()
    local limit <close> = task.limit("hook", 0.005)
    local _, message, code, name = coroutines.wrap(function() return clock.sleep(60) end)()
    assert.same({ "timeout", "hook" }, { code, name })
    assert.matches("'hook'", message)
  end)
end)
