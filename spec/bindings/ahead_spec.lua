-- States of slots in worlds begin from an image (bindings/ahead.c): each as if it were the first.

local scratch = require "spec.support.scratch"

-- Under a checker each block is the C library's, and there is no image.
local IMAGES <const> = not scratch.checked

-- Leaves its marks on all that it can reach: modules, globals, the string table, the stack, blocks of every size.
local WORKER <const> = [[
local slot = require "jig.slot"
local cjson = require "cjson.safe"
local fault = require "jig.fault"
return function(config)
  slot.emit { ahead = package.loaded["jig.worker"] ~= nil, fault = tostring(fault.mark), global = tostring(mark),
    chance = math.random(0), json = cjson.encode { config.number }, used = collectgarbage "count" }
  fault.mark, mark = "left", "left"
  for name in pairs(package.loaded) do package.loaded[name] = nil end
  local kept = {}
  for i = 1, 20000 do kept[i] = "text " .. i end
  for size = 1, 3000, 50 do kept[size] = ("x"):rep(size) end
  local function deep(n) return n == 0 and 0 or 1 + deep(n - 1) end
  deep(5000)
  kept = nil
  collectgarbage()
  for i = 1, 100 do setmetatable({}, { __gc = function() end }) end
  slot.emit { json = cjson.encode { ("y"):rep(100000) } }
end
]]

-- What `script` tells; it has world(seed) and begin(world, memory), which gives the slot and its first message.
local function told(script)
  local folder <close> = scratch.folder { ["worker.lua"] = WORKER, ["try.lua"] = [[
    local worlds, number = require "jig.world", 100
    local function world(seed) return worlds.new({}, { seed = seed }) end
    local function begin(w, memory)
      number = number + 1
      local s = w:slot(memory)
      s:start("worker", { number = number })
      assert(w:run() == "ended")
      return s, assert(s:next())
    end
    ]] .. script }
  local result = scratch.jig { folder.path .. "/try.lua", env = { JIG_PATH = folder.path } }
  assert.same({ 0, "" }, { result.exit, result.stderr })
  return result.stdout
end

describe("bindings/ahead", function()
  it("has loaded what a worker needs, and nothing is left of the state before", function()
    assert.equal(("%s nil nil true true\n"):format(IMAGES):rep(20), told [[
      local first
      for i = 1, 20 do
        local w <close> = world(1)
        local s <close>, message = begin(w)
        first = first or message
        local right = message.json == "[" .. 100 + i .. "]"
        print(("%s %s %s %s %s"):format(message.ahead, message.fault, message.global, right,
          message.used == first.used and message.chance == first.chance))
      end
    ]])
  end)

  it("is one's alone: another that is open at the same time is loaded as usual", function()
    assert.equal(IMAGES and "true\tfalse\ttrue\n" or "false\tfalse\tfalse\n", told [[
      local w <close> = world(1)
      local one, first = begin(w)
      local two, second = begin(w)
      one:close()
      local three, third = begin(w)
      print(first.ahead, second.ahead, third.ahead)
      two:close() three:close()
    ]])
  end)

  it("is closed with its world, and free for the next", function()
    assert.equal(("%s\n"):format(IMAGES):rep(3), told [[
      for i = 1, 3 do
        local w = world(i)
        local _, message = begin(w)
        w:close()
        print(message.ahead)
      end
    ]])
  end)

  it("is under the slot's own cap", function()
    assert.equal("true\tnot enough memory\n", told [[
      local w <close> = world(1)
      local small = w:slot(150000) -- less than the image has
      local used = small:memory()
      small:close()
      local s <close>, message = begin(w, 1 << 20)
      print(used < 150000, s:next().message:match "not enough memory")
    ]])
  end)

  it("is for worlds whose random numbers follow from a seed: others would have the same ones again", function()
    assert.equal("false false true\n", told [[
      local chances, ahead = {}, {}
      for i = 1, 2 do
        local w <close> = world(nil)
        local s <close>, message = begin(w)
        chances[i], ahead[i] = message.chance, tostring(message.ahead)
      end
      print(ahead[1] .. " " .. ahead[2] .. " " .. tostring(chances[1] ~= chances[2]))
    ]])
  end)
end)
