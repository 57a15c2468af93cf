-- The functions stand in the states of slots, Lua's own in the main state, where specs run.

local scratch = require "spec.support.scratch"

-- What each text returns as a function's body in a slot's state, or what it throws.
local function inside(texts)
  local bodies = {}
  for i, text in ipairs(texts) do bodies[i] = ("function()\n%s\nend"):format(text) end
  local folder <close> = scratch.folder {
    ["worker.lua"] = ([[
      local clock, slot = require "jig.clock", require "jig.slot"
      return function()
        for _, f in ipairs { %s } do
          local ok, said = pcall(f)
          slot.emit { ok = ok, said = tostring(said) }
          clock.sleep(0.0001)
        end
      end
    ]]):format(table.concat(bodies, ",")),
    ["try.lua"] = [[
      local worker <close> = require "jig.slot".new()
      worker:start "worker"
      while true do
        local message = worker:next(100)
        if not message then break end
        print("=" .. (message.said or message.message))
      end
    ]],
  }
  local result = scratch.run { env = { JIG_PATH = folder.path }, scratch.program, folder.path .. "/try.lua" }
  assert.equal("", result.stderr)
  local said = {}
  for line in result.stdout:gmatch("=([^\n]*)") do said[#said + 1] = line:gsub("^.*/worker.lua:%d+: ", "LINE: ") end
  return said
end

describe("the libraries of slots", function()
  -- Each: a call that Lua would not come back from, and what is said instead.
  local bombs = {
    { "string.rep of nothing", "return #('').rep('', 1 << 62)", "0" },
    { "string.rep of much", "return ('x'):rep(1 << 30)", "not enough memory" },
    { "string.rep of too much", "return ('xx'):rep(1 << 62, 'yy')", "LINE: resulting string too large" },
    { "table.move", "table.move({}, 1, 1 << 60, 2)", "LINE: table.move goes over 1048576 elements at most" },
    { "table.move from the lowest", "table.move({}, math.mininteger, math.maxinteger, 2)",
      "LINE: table.move goes over 1048576 elements at most" },
    { "table.insert", "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 'x')",
      "LINE: table.insert goes over 1048576 elements at most" },
    { "table.remove", "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)",
      "LINE: table.remove goes over 1048576 elements at most" },
    { "table.remove behind the end", "table.remove({ 1, 2 }, 4)", -- Lua 5.4.4 names another argument
      "LINE: bad argument #2 to 'remove' (position out of bounds)" },
    { "table.concat", "table.concat(setmetatable({}, { __index = rawlen }), '', 1, 1 << 60)",
      "LINE: table.concat goes over 1048576 elements at most" },
    { "table.concat by __len",
      "table.concat(setmetatable({}, { __index = rawlen, __len = function() return 1 << 60 end }))",
      "LINE: table.concat goes over 1048576 elements at most" },
    { "table.sort", "table.sort(setmetatable({}, { __index = rawlen, __len = function() return 1 << 30 end }))",
      "LINE: table.sort goes over 65536 elements at most" },
    { "table.sort of one long text", [[
      local text, t = ('x'):rep(1 << 20), {}
      for i = 1, 60000 do t[i] = text end
      table.sort(t) ]], "LINE: table.sort compares 16777216 bytes of text at most" },
    { "table.unpack", "return table.unpack({}, 1, 1 << 60)", "LINE: too many results to unpack" },
    { "__gc", "setmetatable({}, { __gc = function() end })",
      "LINE: __gc is not for recipes: use __close and local x <close>" },
    { "a __gc that is false", "setmetatable({}, { __gc = false })",
      "LINE: __gc is not for recipes: use __close and local x <close>" },
    { "a __gc that is added later and again", [[
      local meta = {}
      local x = setmetatable({}, meta)
      meta.__gc = print
      return setmetatable(x, meta) ]], "LINE: __gc is not for recipes: use __close and local x <close>" },
  }
  it("end at once what would not come back", function()
    local texts = {}
    for i, bomb in ipairs(bombs) do texts[i] = bomb[2] end
    local from, said = os.clock(), inside(texts)
    for i, bomb in ipairs(bombs) do assert.equal(bomb[3], said[i], bomb[1]) end
    assert.equal(#bombs, #said)
    assert.is_true(os.clock() - from < 60)
  end)

  it("do the rest as Lua's do, errors too", function()
    local texts = {
      "return ('ab'):rep(3)", "return ('ab'):rep(3, '-')", "return ('ab'):rep(0)", "return ('ab'):rep(-1, '-')",
      "return (''):rep(3, '-')", "return ('ab'):rep()", "return ('a\\0'):rep(2, '\\0'):byte(-1)",
      "return table.concat({ 1, 2.5, 'x' }, ', ')", "return table.concat({ 1, 2, 3 }, '-', 2, 3)",
      "return table.concat({ 1, 2, 3 }, '-', 3, 2)", "return table.concat({ 1, {}, 3 })", "return table.concat({}, 1)",
      "return table.concat({ 1, 2 }, '', math.maxinteger, math.maxinteger)", "return table.concat('x')",
      "return table.concat(setmetatable({}, { __index = function(_, i) return i * 2 end }), ' ', 1, 3)",
      "local t = { 1, 2 } table.insert(t, 3) return table.concat(t)",
      "local t = { 1, 2 } table.insert(t, 1, 0) return table.concat(t)",
      "local t = { 1, 2 } table.insert(t, 3, 3) return table.concat(t)",
      "table.insert({ 1, 2 }, 4, 3)", "table.insert({ 1, 2 }, 0, 3)", "table.insert({})", "table.insert({}, 1, 2, 3)",
      "table.insert(nil, 1)", "table.insert({}, 'x', 1)", "table.insert({ 1 }, 2, nil)",
      "local t = { 1, 2, 3 } local x = table.remove(t) return x .. #t",
      "local t = { 1, 2, 3 } local x = table.remove(t, 1) return x .. table.concat(t)",
      "local t = { 1, 2, 3 } return table.remove(t, 4)", "return table.remove({})",
      "return table.remove({}, 0)", "return table.remove({}, 1)",
      "return table.remove({ [0] = 'x' }, 0)", "return table.remove(5)",
      "return select('#', table.unpack({ 1, 2, nil, 4 }, 1, 4))", "return table.unpack({ 1, 2 }, 2)",
      "return select('#', table.unpack({}, 2, 1))", "return table.unpack({}, 'x')", "return table.unpack({}, 1, 'x')",
      "return table.unpack('ab', 1, 2)", "table.unpack()", "return table.unpack({}, math.mininteger, math.maxinteger)",
      "return select(-1, table.unpack({ [math.maxinteger] = 'x' }, math.maxinteger - 1, math.maxinteger))",
      "table.sort({ 'a', 'b' }, string.rep)", "table.sort({ 3, 1, 2 }, math.min)",
      "local t = { 3, 1, 2 } table.sort(t, math.ult) return table.concat(t)",
      "return table.concat(table.move({ 1, 2, 3 }, 2, 3, 1))", "return table.concat(table.move({ 1, 2, 3 }, 1, 3, 2))",
      "return table.concat(table.move({ 1, 2, 3 }, 1, 3, 3, { 7, 8 }))", "return #table.move({ 1 }, 1, 0, 1)",
      "table.move({}, 1, 2, math.maxinteger)", "table.move({}, 1, 2)", "table.move({}, 1, 2, 3, 4)",
      "local t = { 3, 1, 2 } table.sort(t) return table.concat(t)",
      "local t = { 3, 1, 2 } table.sort(t, function(a, b) return a > b end) return table.concat(t)",
      "table.sort({ 1, 'x' })", "table.sort({ 1, 2 }, 5)", "table.sort()",
      "return getmetatable(setmetatable({}, { __metatable = 'mine' }))", "setmetatable({}, 5)", "setmetatable(5, {})",
      "setmetatable(setmetatable({}, { __metatable = 1 }), {})", "setmetatable({})",
      "return tostring(getmetatable(setmetatable({}, nil)))",
    }
    local said = inside(texts)
    for i, text in ipairs(texts) do
      local expected = tostring((select(2, pcall(assert(load(text, "@worker.lua"))))))
      assert.equal((expected:gsub("^worker.lua:%d+: ", "LINE: ")), said[i], text)
    end
    assert.equal(#texts, #said)
  end)
end)
