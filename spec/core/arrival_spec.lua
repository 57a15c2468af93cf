-- Who waits for devices is told: on a loop of its own, with a monitor whose events are bytes in a pipe.

local loop = require "spec.loop"
local peer = require "spec.peer"

local MS <const> = 1000000
local PAUSE <const>, LOOK <const> = 10 * MS, 200 * MS

-- Steps until test() or, at the latest, `within` ns from now. Whether it was true.
local function step_until(l, test, within)
  local limit = l:now() + (within or 5000 * MS)
  while not test() and l:now() < limit do l:step(limit) end
  return test()
end

-- Steps for so many ns.
local function idle(l, ns) step_until(l, function() return false end, ns) end

local function fresh(simulated)
  local l, log = loop.new(simulated), {}
  local function waiter(name, also)
    return l:arrival(function()
      log[#log + 1] = name
      if also then also() end
    end)
  end
  return l, log, waiter
end

describe("core/arrival", function()
  after_each(function() assert.equal(0, loop.monitor(false)) end)

  it("opens one monitor, at first use, and closes it", function()
    fresh():free() -- libuv keeps some of its first loop
    local before = peer.descriptors()
    local l, _, waiter = fresh()
    local bare = peer.descriptors()
    assert.equal(0, loop.monitor(false))
    assert.same({ 1, 0 }, { l:changes() })
    waiter("a"):wait()
    waiter("b"):wait()
    assert.same({ 1, 2 }, { l:changes() })
    assert.same({ 1, bare + 2 }, { loop.monitor(false), peer.descriptors() })
    l:free()
    assert.equal(before, peer.descriptors())
  end)

  it("tells all who wait, once, in their order", function()
    local l, log, waiter = fresh()
    for _, name in ipairs { "a", "b", "c" } do waiter(name):wait() end
    loop.event "+"
    assert.is_true(step_until(l, function() return #log == 3 end))
    assert.same({ "a", "b", "c" }, log)
    assert.same({ 2, 0 }, { l:changes() })
    assert.same({ 0, 0 }, { l:held() })
    loop.event "+"
    assert.is_false(l:step())
    assert.equal(3, #log)
    l:free()
  end)

  it("tells at once, and of a burst twice at most", function()
    local l, log, waiter = fresh()
    local first
    local w
    w = waiter("a", function()
      first = first or l:now()
      w:wait()
    end)
    w:wait()
    for _ = 1, 10 do loop.event "+" end
    l:step()
    assert.equal(1, #log)
    assert.is_true(step_until(l, function() return #log == 2 end)) -- six of ten were left behind
    assert.is_true(l:now() - first >= PAUSE)
    assert.is_true(step_until(l, function() return #log == 3 end))
    idle(l, 3 * PAUSE)
    assert.equal(3, #log)
    l:free()
  end)

  it("is held up by no flood", function()
    local l, log, waiter = fresh()
    local w
    w = waiter("a", function() w:wait() end)
    w:wait()
    local steps, began = 0, l:now()
    local limit = began + 5 * PAUSE
    while l:now() < limit do
      loop.event "+"
      l:step(math.min(limit, l:now() + MS))
      steps = steps + 1
    end
    assert.is_true(#log >= 1 and #log <= (l:now() - began) // PAUSE + 1, #log)
    assert.is_true(steps > #log) -- the loop went on meanwhile
    l:free()
  end)

  it("misses nothing that comes while nobody waits", function()
    local l, log, waiter = fresh()
    assert.equal(1, (l:changes()))
    loop.event "+"
    assert.is_false(l:step())
    waiter("late"):wait()
    assert.is_true(step_until(l, function() return #log == 1 end))
    assert.equal(2, (l:changes()))
    l:free()
  end)

  it("counts what comes while nobody waits, when it is asked for", function()
    local l, log, waiter = fresh()
    assert.equal(1, (l:changes()))
    loop.event "-"
    assert.equal(1, (l:changes()))
    loop.event "+"
    assert.same({ 2, 2 }, { (l:changes()), (l:changes()) })
    loop.event "+"
    idle(l, PAUSE)
    assert.same({ 3, 3 }, { (l:changes()), (l:changes()) })
    waiter("a"):wait()
    loop.event "+"
    assert.equal(3, (l:changes())) -- it is for the one who waits
    assert.is_true(step_until(l, function() return #log == 1 end))
    assert.equal(4, (l:changes()))
    l:free()
  end)

  it("passes over events of other devices", function()
    local l, log, waiter = fresh()
    waiter("a"):wait()
    loop.event "--"
    idle(l, 2 * MS)
    assert.same({ 0, 1 }, { #log, (l:changes()) })
    loop.event "--+"
    assert.is_true(step_until(l, function() return #log == 1 end))
    l:free()
  end)

  it("tells nobody who does not wait any more", function()
    local l, log, waiter = fresh()
    local a, b, c = waiter("a"), waiter("b"), waiter("c")
    for _, w in ipairs { a, b, c } do w:wait() end
    b:unwait()
    b:unwait()
    loop.event "+"
    assert.is_true(step_until(l, function() return #log == 2 end))
    assert.same({ "a", "c" }, log)
    a:wait()
    a:wait() -- once is enough
    assert.same({ 2, 1 }, { l:changes() })
    a:unwait()
    assert.same({ 0, 0 }, { l:held() })
    l:free()
  end)

  it("lets who is told change who waits", function()
    local l, log, waiter = fresh()
    local last, again
    waiter("first", function()
      last:unwait()
      again:wait()
    end):wait()
    again = waiter "again"
    last = waiter "last"
    last:wait()
    loop.event "+"
    assert.is_true(step_until(l, function() return #log == 1 end))
    idle(l, 2 * PAUSE)
    assert.same({ "first" }, log) -- who began to wait meanwhile is told of the next one
    loop.event "+"
    assert.is_true(step_until(l, function() return #log == 2 end))
    assert.same({ "first", "again" }, log)
    l:free()
  end)

  it("has who waits look at intervals where there is no monitor", function()
    loop.monitor(true)
    local l, log, waiter = fresh()
    local began = l:now()
    waiter("a"):wait()
    waiter("b"):wait()
    assert.same({ 1, 0 }, { l:held() })
    assert.is_true(step_until(l, function() return #log == 2 end))
    assert.is_true(l:now() - began >= LOOK)
    assert.same({ 2, 0, 0 }, { (l:changes()), l:held() })
    l:free()
  end)

  it("looks at the same intervals without a monitor, however short the waits are", function()
    loop.monitor(true)
    local l, log, waiter = fresh()
    local w = waiter "a"
    assert.equal(1, (l:changes()))
    local began = l:now()
    while #log == 0 and l:now() - began < 5 * LOOK do
      w:wait()
      idle(l, LOOK // 4)
      w:unwait()
    end
    assert.equal(1, #log)
    assert.is_true(l:now() - began >= LOOK)
    l:free()
  end)

  it("grows at intervals without a monitor, for who does not wait", function()
    loop.monitor(true)
    local l = fresh()
    assert.equal(1, (l:changes()))
    idle(l, LOOK)
    assert.same({ 2, 2 }, { (l:changes()), (l:changes()) })
    l:free()
  end)

  it("says why it cannot wait", function()
    loop.monitor(false, true)
    local l, log, waiter = fresh()
    local waits, message, code = waiter("a"):wait()
    loop.monitor(false)
    assert.same({ nil, "denied" }, { waits, code })
    assert.matches("cannot watch the descriptor", message)
    assert.same({ 0, 0 }, { #log, select(2, l:changes()) })
    l:free()
  end)

  it("tells nothing in simulated time, which would stand still", function()
    local l, log, waiter = fresh(true)
    waiter("a"):wait()
    assert.is_false(l:step())
    assert.same({ 0, 0, 0 }, { #log, l:held() })
    l:free()
  end)

  it("has nothing left behind after many turns", function()
    local l, log, waiter = fresh()
    local w = waiter "a"
    for i = 1, 20 do
      w:wait()
      loop.event "+"
      assert.is_true(step_until(l, function() return #log == i end))
    end
    assert.same({ 21, 0 }, { l:changes() })
    assert.same({ 0, 0 }, { l:held() })
    l:free()
  end)
end)
