local likeness = require "jig.likeness"

-- Whether `other` is like `value`.
local function alike(value, other, deep, apart)
  return likeness.holds(other, likeness.of(value, deep or 4, apart))
end

local function plain()
  return { name = "lamp", port = { "serial", baud = 9600, match = { vid = 1 } }, on = true, off = false,
    run = print, [7] = "x", gap = 0.5 }
end

describe("jig.likeness", function()
  it("holds for a table with the same keys and values, whatever its functions are", function()
    local other = plain()
    other.run = function() end
    assert.is_true(alike(plain(), other))
    assert.is_true(alike({}, {}))
    assert.is_true(alike("a", "a"))
  end)

  it("does not for one with another value, a key more or less, or another type", function()
    for change, with in pairs {
      ["another text"] = function(t) t.name = "lamps" end,
      ["a key less"] = function(t) t.name = nil end,
      ["a key more"] = function(t) t.more = 1 end,
      ["another key"] = function(t) t.name, t.title = nil, "lamp" end,
      ["a key more, within"] = function(t) t.port.match.pid = 1 end,
      ["another number, within"] = function(t) t.port.match.vid = 2 end,
      ["a float for an integer"] = function(t) t.port.baud = 9600.0 end,
      ["true for false"] = function(t) t.off = true end,
      ["a function for a text"] = function(t) t.name = print end,
      ["a text for a function"] = function(t) t.run = "run" end,
      ["a table for a text"] = function(t) t.name = {} end,
      ["a text for a table"] = function(t) t.port = "serial:" end,
      ["a table for a function"] = function(t) t.run = {} end,
      ["no number"] = function(t) t.gap = 0 / 0 end,
      ["a metatable"] = function(t) setmetatable(t, {}) end,
      ["a metatable, within"] = function(t) setmetatable(t.port, { __index = error, __pairs = error }) end,
    } do
      local other = plain()
      with(other)
      assert.is_false(alike(plain(), other), change)
    end
    assert.is_false(alike(plain(), nil))
    assert.is_false(alike(plain(), 7))
  end)

  it("passes over the key that is looked at apart, at the top alone", function()
    local function framed(of) return { framing = of, port = { framing = of } } end
    assert.is_true(alike({ framing = setmetatable({}, {}) }, { framing = 7 }, 4, "framing"))
    assert.is_false(alike({ framing = 7 }, {}, 4, "framing"))
    assert.is_false(alike(framed(1), framed(2), 4, "framing"))
  end)

  it("is not known of what has a metatable, is nested deeply or without end, or is no plain value", function()
    local endless = {}
    endless.endless = endless
    for what, value in pairs {
      metatable = setmetatable({}, {}), within = { { setmetatable({}, {}) } }, deep = { { { { {} } } } },
      endless = endless, thread = { coroutine.create(print) }, userdata = { io.stdout }, key = { [{}] = 1 },
      called = { [print] = 1 },
    } do
      assert.is_nil(likeness.of(value, 4), what)
      assert.is_false(alike(value, value), what)
    end
    assert.is_true(alike({ { { {} } } }, { { { {} } } }))
  end)

  it("keeps nothing alive", function()
    local value = { within = {} }
    value.run = function() return value end
    local of, there = likeness.of(value, 4), setmetatable({ value.run, value.within }, { __mode = "v" })
    value = nil
    collectgarbage()
    collectgarbage()
    assert.same({}, there)
    assert.is_false(likeness.holds(value, of))
  end)
end)
