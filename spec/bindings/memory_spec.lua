-- The memory of a slot's state, as its owner sees it.

local memory = require "spec.memory"
local scratch = require "spec.support.scratch"

-- Runs a worker in a slot with a cap; gives what it emitted last and the slot's count after it.
local function run(worker, cap)
  local folder <close> = scratch.folder {
    ["worker.lua"] = "local slot = require 'jig.slot'\nreturn function()\n" .. worker .. "\nend",
    ["try.lua"] = ([[
      local slot = require "jig.slot"
      local worker <close> = slot.new(%d)
      local before = worker:memory()
      worker:start "worker"
      local message = worker:next(60)
      print(before > 0, message.text or message.message:match "[^\n]*", worker:memory())
    ]]):format(cap),
  }
  local result = scratch.jig { folder.path .. "/try.lua", env = { JIG_PATH = folder.path } }
  assert.same({ 0, "" }, { result.exit, result.stderr })
  local text, used, count_cap = result.stdout:match("^true\t(.*)\t(%d+)\t(%d+)\n$")
  assert.equal(cap, math.tointeger(count_cap))
  return text, math.tointeger(used)
end

describe("bindings/memory", function()
  it("keeps the bytes of blocks of every size, however they grow and shrink", function()
    assert.equal("ok", (run([[
      local kept = {}
      for round = 1, 3 do
        for size = 0, 1100, 7 do
          kept[#kept + 1] = string.char(size % 256):rep(size)
          local t = {}
          for i = 1, size // 16 do t[i] = i end
          for i = #t, 2, -1 do t[i] = nil end
          kept[#kept + 1] = t
        end
        for i = 2, #kept, 3 do kept[i] = false end
        collectgarbage()
      end
      for i, value in ipairs(kept) do
        if type(value) == "string" and #value > 0 then
          assert(value == value:sub(1, 1):rep(#value))
        elseif type(value) == "table" and #value > 0 then
          assert(value[1] == 1)
        end
      end
      slot.emit { text = "ok" }
    ]], 16 << 20)))
  end)

  it("counts what the state holds as Lua does", function()
    local text, used = run([[
      local t = {}
      for i = 1, 1000 do t[i] = { i } end
      collectgarbage()
      slot.emit { text = ("%d"):format(collectgarbage "count" * 1024 // 1) }
    ]], 16 << 20)
    assert.is_true(math.abs(used - math.tointeger(text)) < 200000, text .. " " .. used)
  end)

  it("ends a state at its cap, not before it", function()
    for _, size in ipairs { 10, 100, 511, 512, 513, 5000 } do
      local text, used = run(([[
        local t = {}
        for i = 1, math.maxinteger do t[i] = (i .. ""):rep(%d) end
      ]]):format(size), 2 << 20)
      assert.matches("not enough memory", text)
      assert.is_true(used <= 2 << 20)
    end
    -- made in a buffer and then copied
    assert.equal("700000", (run("slot.emit { text = ('%d'):format(#('x'):rep(700000)) }", 2 << 20)))
  end)

  it("has a sixteenth of the cap for what comes after a recipe, and another for what jig does then", function()
    local cap <const> = 4 << 20
    local text = run([[
      local budget, kept = require "jig.budget", {}
      local function fill()
        while true do kept = { kept } end
      end
      local function held() return collectgarbage "count" * 1024 // 1 end
      local list = {}
      for i, run in ipairs { budget.run, budget.run_after, budget.run, pcall } do
        local ok, thrown, spent
        if run == pcall then ok, thrown = pcall(fill) else ok, thrown, spent = run("x", nil, fill) end
        if i == 4 then for _ = 1, 100 do kept = kept[1] end end
        assert(not ok and (spent and spent.reason or thrown):find("not enough memory", 1, true), thrown)
        local bytes = held()
        if i == 4 then kept = nil end
        list[i] = ("%d"):format(bytes)
      end
      slot.emit { text = table.concat(list, " ") }
    ]], cap)
    local bounds = { 15.5, 16.5, 16.5, 18 } -- half a sixteenth is room to tell it
    local i = 0
    for bytes in text:gmatch "%d+" do
      i = i + 1
      local most = cap / 16 * bounds[i]
      assert.is_true(tonumber(bytes) <= most + 8000 and tonumber(bytes) > most - 20000, i .. ": " .. text)
    end
    assert.equal(4, i, text)
  end)

  it("gives memory back that a state no longer uses", function()
    assert.equal("ok", (run([[
      for _ = 1, 50 do
        local t = {}
        for i = 1, 5000 do t[i] = { i } end
        t = nil
        collectgarbage()
      end
      slot.emit { text = "ok" }
    ]], 2 << 20)))
  end)

  it("clears what a block held when it is freed, shrinks, grows or moves", function()
    if scratch.valgrind then pending "it looks into blocks of which not all was written" end
    for _, plain in ipairs { false, true } do
      for _, size in ipairs { 16, 40, 512, 513, 100000 } do
        assert.equal(0, memory.traces(plain, size), size)
        for _, later in ipairs { 1, 16, 40, 512, 513, 3000, 200000 } do
          assert.equal(0, memory.traces(plain, size, later), size .. " " .. later)
        end
      end
    end
  end)

  it("clears all that a state held when it is dropped, and what is kept of its image", function()
    if scratch.valgrind then pending "it looks into blocks of which not all was written" end
    assert.equal(0, memory.dropped(false))
    assert.equal(0, memory.dropped(true))
  end)

  it("becomes an image, or is empty where there is no memory for one", function()
    if scratch.valgrind then pending "it looks into blocks of which not all was written" end
    -- an image, and a copy of the chunk and of two large blocks
    assert.same({ true, 0, 7, 0 }, { memory.keep(false, 0) })
    for refused = 1, 4 do assert.same({ false, 0, 0, 0 }, { memory.keep(false, refused) }, refused) end
    assert.same({ true, 0, 7, 0 }, { memory.keep(false, 5) })
  end)

  it("stays as it is when it is plain, of which there are no images", function()
    assert.same({ false, 16 + 513 + 100000, 3, 0 }, { memory.keep(true, 0) })
  end)
end)
