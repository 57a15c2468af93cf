-- The matcher stands in the states of slots, Lua's own in the main state, where specs run: the same
-- calls are made in both.

local patterns = require "spec.support.patterns"
local scratch = require "spec.support.scratch"

-- Emits what a worker's text returns in a slot's state.
local function inside(text)
  local folder <close> = scratch.folder {
    ["worker.lua"] = "local slot = require 'jig.slot'\nreturn function(argument)\n" .. text .. "\nend",
    ["try.lua"] = [[
      local worker <close> = require "jig.slot".new()
      worker:start("worker", arg[1])
      while true do
        local message = worker:next(100)
        if not message then break end
        print(message.said or message.message)
      end
    ]],
  }
  local result = scratch.run { env = { JIG_PATH = folder.path }, scratch.program, folder.path .. "/try.lua" }
  assert.equal("", result.stderr)
  return result.stdout
end

local function said(text)
  return (inside("local function f() " .. text .. " end slot.emit { said = tostring((select(2, pcall(f)))) }")
    :gsub("\n$", ""):gsub("^.*/worker", "worker"))
end

describe("the patterns of slots", function()
  it("are not Lua's own functions", function()
    assert.equal("pattern matching took more than 10000000 steps: anchor the pattern or make it simpler",
      (said "return ('a'):rep(200):find('.-.-.-.-.-b')":gsub("^worker.lua:%d+: ", "")))
  end)

  it("give what Lua's give, errors too, for thousands of random calls", function()
    local path = assert(package.searchpath("spec.support.patterns", package.path))
    for seed = 1, 20 do
      local folder <close> = scratch.folder { ["patterns.lua"] = assert(io.open(path)):read("a"), ["worker.lua"] = [[
        local slot = require "jig.slot"
        return function(seed)
          for i, one in ipairs(require("patterns").calls(seed, 1000)) do
            slot.emit { one = one }
            if i % 100 == 0 then require("jig.clock").sleep(0.0001) end
          end
        end
      ]], ["try.lua"] = [[
        local worker <close> = require "jig.slot".new()
        worker:start("worker", tonumber(arg[1]))
        while true do
          local message = worker:next(100)
          if not message then break end
          io.write(message.one and ("%q %q\n"):format(message.one[1], message.one[2]) or message.message)
        end
      ]] }
      local result = scratch.run { env = { JIG_PATH = folder.path }, scratch.program, folder.path .. "/try.lua",
        tostring(seed) }
      assert.equal("", result.stderr)
      local expected = {}
      for i, one in ipairs(patterns.calls(seed, 1000)) do expected[i] = ("%q %q\n"):format(one[1], one[2]) end
      local text = table.concat(expected)
      if text ~= result.stdout then
        local at = 1
        while text:byte(at) == result.stdout:byte(at) do at = at + 1 end
        assert.equal(text:sub(math.max(1, at - 200), at + 200), result.stdout:sub(math.max(1, at - 200), at + 200))
      end
    end
  end)

  it("take no more depth, captures or arguments than Lua's", function()
    for _, text in ipairs {
      "return ('a'):rep(300):find(('a?'):rep(300))", "return (''):find(('()'):rep(33))",
      "return #table.pack((''):match(('()'):rep(32)))", "return ('a'):rep(190):match(('a?'):rep(190))",
      "return string.find()", "return string.gsub('a', 'a')", "return string.gsub('a', 'a', true)",
      "return string.gmatch('a')", "return string.match('a', {})", "return ('x'):gsub('x', '%')",
      "return ('abc'):find('b', -10)", "return ('abc'):find('', 10)", "return ('abc'):find('', 4)",
      "return ('abc'):gmatch('', 4)()", "return ('abc'):gmatch('', 5)()", "return ('a\\0b'):find('\\0b')",
    } do
      local f = assert(load(text))
      local expected = tostring((select(2, pcall(f))))
      assert.equal((expected:gsub("^%[.-%]:%d+: ", "")), (said(text):gsub("^worker.lua:%d+: ", "")), text)
    end
  end)

  it("say the line of what is malformed", function()
    assert.equal("worker.lua:3: malformed pattern (missing ']')", said "return ('x'):find('[a')")
  end)

  it("end in time, however the time is spent", function()
    for _, text in ipairs {
      "return ('a'):rep(30000):find('.-b')", "return ('a'):rep(30000):find('a*b')",
      "return ('a'):rep(200):match('(.-)(.-)(.-)(.-)(.-)b')", "return ('('):rep(30000):find('%b()')",
      "return ('a'):rep(30000):gsub('a*b', '')", "for _ in ('a'):rep(30000):gmatch('a*b') do end",
      "return ('a'):rep(60000):find('(a*)%1b')",
    } do
      local from = os.clock()
      assert.matches("more than 10000000 steps", said(text), 1, true)
      assert.is_true(os.clock() - from < 30)
    end
  end)

  it("find plain text in time that grows with the text alone", function()
    assert.equal("nil", said [[
      local s = ("a"):rep(1000000)
      return (s:find(("a"):rep(500000) .. "b", 1, true))
    ]])
  end)
end)
