local shape = require "jig.shape"
local scratch = require "spec.support.scratch"

-- Each: a shape, a value, and the first mistake as "path|expected|got"; false when it fits.
local cases = {
  { "string", shape.string, "x", false },
  { "string, empty", shape.string, "", '|a string|string ""' },
  { "string, a number", shape.string, 5, "|a string|number 5" },
  { "string, long", shape.string, nil, "|a string|nil" },
  { "boolean", shape.boolean, false, false },
  { "boolean, text", shape.boolean, "yes", '|true or false|string "yes"' },
  { "func", shape.func, print, false },
  { "func, a boolean", shape.func, true, "|a function|true" },
  { "integer", shape.integer, -3, false },
  { "integer, a float", shape.integer, 3.0, "|a whole number|number 3.0" },
  { "seconds", shape.seconds, 0.001, false },
  { "seconds, 0", shape.seconds, 0, "|seconds, more than 0|number 0" },
  { "seconds, negative", shape.seconds, -1, "|seconds, more than 0|number -1" },
  { "seconds, NaN", shape.seconds, 0 / 0, "|seconds, more than 0|number " .. tostring(0 / 0) },
  { "any", shape.any, {}, false },
  { "range, least", shape.range(1, 3), 1, false },
  { "range, most", shape.range(1, 3), 3, false },
  { "range, under", shape.range(1, 3), 0, "|a whole number from 1 to 3|number 0" },
  { "range, over", shape.range(1, 3), 4, "|a whole number from 1 to 3|number 4" },
  { "range, a float", shape.range(1, 3), 2.0, "|a whole number from 1 to 3|number 2.0" },
  { "one_of", shape.one_of { "a", "b" }, "b", false },
  { "one_of, none", shape.one_of { "a", "b" }, "c", '|one of a, b|string "c"' },
  { "array", shape.array(shape.integer), { 1, 2 }, false },
  { "array, empty", shape.array(shape.integer), {}, false },
  { "array, no table", shape.array(shape.integer), "x", '|an array|string "x"' },
  { "array, an element", shape.array(shape.integer), { 1, "x" }, '[2]|a whole number|string "x"' },
  { "array, a key", shape.array(shape.integer), { 1, x = 2 }, '[x]|an index of an array|string "x"' },
  { "array, index 0", shape.array(shape.integer), { [0] = 1 }, "[0]|an index of an array|number 0" },
  { "map", shape.map(shape.integer, shape.string), { [5] = "x" }, false },
  { "map, no table", shape.map(shape.integer, shape.string), 5, "|a table|number 5" },
  { "map, a key", shape.map(shape.integer, shape.string), { x = "x" }, '[x]|a whole number|string "x"' },
  { "map, a key with a fraction", shape.map(shape.integer, shape.string), { [1.5] = "x" },
    "[1.5]|a whole number|number 1.5" },
  { "map, a value", shape.map(shape.integer, shape.string), { [17] = 1 }, "[0x11]|a string|number 1" },
  { "record", shape.record({ a = shape.string }, { "a" }), { a = "x" }, false },
  { "record, no table", shape.record {}, nil, "|a table|nil" },
  { "record, a field", shape.record { a = shape.string }, { a = 1 }, "a|a string|number 1" },
  { "record, missing", shape.record({ a = shape.string }, { "a" }), {}, "a|to be there|nothing" },
  {
    "record, unknown", shape.record { b = shape.string, a = shape.string }, { c = 1 },
    "c|one of the keys a, b|an unknown key",
  },
  {
    "nested", shape.record { a = shape.map(shape.integer, shape.record { b = shape.string }) },
    { a = { [1] = { b = 2 } } }, "a[0x01].b|a string|number 2",
  },
}

describe("jig.shape", function()
  for _, case in ipairs(cases) do
    it("checks " .. case[1], function()
      local path, expected, got = shape.check(case[2], case[3])
      assert.equal(case[4], path and ("%s|%s|%s"):format(path, expected, got) or false)
    end)
  end

  it("gives the first mistake in the order of paths, each time", function()
    local check = shape.record { a = shape.string, b = shape.string, c = shape.string }
    for _ = 1, 20 do
      assert.equal("a", (shape.check(check, { c = 1, a = 1, b = 1 })))
    end
  end)

  it("cuts what it quotes", function()
    local _, _, got = shape.check(shape.integer, ("x"):rep(1000))
    assert.is_true(#got < 60)
  end)

  describe("where", function()
    local text = table.concat({
      'local limits = { exchange = 3 } -- not it',    -- 1
      "return jig.recipe {",                          -- 2
      '  name = "lamp", -- exchange = 5',             -- 3
      "  limits = {",                                 -- 4
      "    exchange = 5,",                            -- 5
      "  },",                                         -- 6
      "  status = {",                                 -- 7
      '    [0x01] = { "a", retry = true },',          -- 8
      '    [17] = { "b",',                            -- 9
      "      retry = 5,",                             -- 10
      "    },",                                       -- 11
      "  },",                                         -- 12
      '  faults = { ["cli.refused"] = { reason = 1 }, ["cli.token"] = { code = "x" } },', -- 13
      "  exchange = function() end,",                 -- 14
      "}",                                            -- 15
    }, "\n")
    local lines = {
      { "name", 3 }, { "limits", 4 }, { "limits.exchange", 5 }, { "limits.between", 4 },
      { "status", 7 }, { "status[0x01]", 8 }, { "status[0x01].retry", 8 }, { "status[0x11]", 9 },
      { "status[0x11].retry", 10 }, { "status[0x22]", 7 }, { "faults[cli.token].code", 13 },
      { "exchange", 14 }, { "version", 2 }, { "", 2 },
    }

    it("finds the line of a key, or of what is around a missing one", function()
      local folder <close> = scratch.folder { ["r.lua"] = text }
      local file = folder.path .. "/r.lua"
      for _, case in ipairs(lines) do
        assert.equal(("%s:%d"):format(file, case[2]), shape.where(file, case[1], "recipe%s*[%({]"), case[1])
      end
      assert.equal(file .. ":1", shape.where(file, "name", "nowhere"))
    end)
  end)
end)
