-- Workers are modules of the program; here JIG_PATH points to a folder with modules of the spec's own.

local scratch = require "spec.support.scratch"

-- What the scripts of this spec begin with.
local PRELUDE <const> = [[
local clock, slot, task = require "jig.clock", require "jig.slot", require "jig.task"
local LONG <const> = 60
local function started(module, argument, memory)
  local worker = slot.new(memory)
  worker:start(module, argument)
  return worker
end
-- All messages of a worker until it ends, and why there are no more.
local function messages(worker)
  local list = {}
  while true do
    local message, _, code = worker:next(LONG)
    if not message then return list, code end
    list[#list + 1] = message
  end
end
]]

-- Runs a script with worker modules (name -> text) beside it; it ends with status 0. Gives its stdout.
local function run(modules, script, more)
  local files = { ["try.lua"] = PRELUDE .. script }
  for name, text in pairs(modules) do files[name .. ".lua"] = text end
  local folder <close> = scratch.folder(files)
  local service = folder:cli()
  local result = scratch.run { env = { JIG_PATH = folder.path }, scratch.program, folder.path .. "/try.lua",
    service.cli, table.unpack(service.arguments) }
  assert.equal("", result.stderr)
  assert.equal(more and more.exit or 0, result.exit)
  return result.stdout, folder:commands()
end

local ECHO <const> = [[
local slot = require "jig.slot"
return function(argument) slot.emit { got = argument } end
]]

describe("jig.slot", function()
  it("runs a module's function in a state of its own", function()
    assert.equal("nil\ttrue\tclosed\n", run({ worker = [[
      local slot = require "jig.slot"
      shared = "mine"
      return function() slot.emit { own = shared == "mine" } end
    ]] }, [[
      local worker <close> = started "worker"
      local list, code = messages(worker)
      print(shared, list[1].own, code)
    ]]))
  end)

  it("copies plain values both ways, exactly", function()
    run({ echo = ECHO }, [[
      local values = { "", "a\0b\xFF", ("x"):rep(100000), 0, -1, math.maxinteger, math.mininteger, 0.5, -0.0,
        math.huge, true, false, { 1, 2, { a = { [true] = "b", [1.5] = {} } } } }
      values[14] = values
      values[14] = nil
      local function same(a, b)
        if type(a) ~= "table" then return a == b and math.type(a) == math.type(b) end
        for key, value in pairs(a) do if not same(value, b[key]) then return false end end
        for key in pairs(b) do if a[key] == nil then return false end end
        return a ~= b
      end
      for _, value in ipairs(values) do
        local worker <close> = started("echo", value)
        assert(same(value, messages(worker)[1].got), tostring(value))
      end
      local worker <close> = started("echo", values)
      assert(same(values, messages(worker)[1].got))
      local none <close> = started "echo"
      assert(messages(none)[1].got == nil)
    ]])
  end)

  it("refuses what is no plain value, on the way in and on the way out, and goes on", function()
    run({ echo = ECHO, worker = [[
      local slot = require "jig.slot"
      return function()
        local deep, cycle = {}, {}
        local at = deep
        for _ = 1, 20 do at.x = {} at = at.x end
        cycle.self = cycle
        local bad = { print, coroutine.create(print), io.stdout, {}, { [print] = 1 }, { { { print } } }, deep, cycle }
        bad[4] = 7
        for i, value in ipairs(bad) do
          local ok, message = pcall(slot.emit, i == 4 and value or { value })
          assert(not ok)
          slot.emit { n = i, message = message }
        end
      end
    ]] }, [[
      local words = { "function cannot pass", "thread cannot pass", "userdata cannot pass", "table expected",
        "function cannot pass", "function cannot pass", "nested too deeply", "nested too deeply" }
      local worker <close> = started "worker"
      local list = messages(worker)
      assert(#list == #words)
      for i, message in ipairs(list) do
        assert(message.n == i and message.message:find(words[i], 1, true), message.message)
      end
      local cycle = {}
      cycle.self = cycle
      for _, value in ipairs { print, io.stdout, coroutine.create(print), { print }, { [{ print }] = 1 }, cycle } do
        local other <close> = slot.new()
        assert(not pcall(other.start, other, "echo", value))
        other:start("echo", 5)
        assert(messages(other)[1].got == 5)
      end
    ]])
  end)

  it("carries tables sixteen deep, and no deeper", function()
    run({ echo = ECHO }, [[
      local function nested(n)
        local value = {}
        for _ = 2, n do value = { value } end
        return value
      end
      local worker <close> = started("echo", nested(15)) -- in { got = } it is one deeper
      local message, depth = messages(worker)[1].got, 1
      while message[1] do message, depth = message[1], depth + 1 end
      assert(depth == 15)
      local other <close> = slot.new()
      other:start("echo", nested(16))
      assert(messages(other)[1].message:find "nested too deeply")
      local third <close> = slot.new()
      assert(not pcall(third.start, third, "echo", nested(17)))
    ]])
  end)

  it("hands out messages in their order, also those that came while nobody asked", function()
    assert.equal("1 2 3 4 5 6 7 8 9 10 closed\n", run({ worker = [[
      local clock, slot = require "jig.clock", require "jig.slot"
      return function()
        for i = 1, 10 do
          slot.emit { n = i }
          if i % 3 == 0 then clock.sleep(0.001) end
        end
      end
    ]] }, [[
      local worker <close> = started "worker"
      clock.sleep(0.01)
      local list, code = messages(worker)
      for i, message in ipairs(list) do list[i] = message.n end
      print(table.concat(list, " ") .. " " .. code)
    ]]))
  end)

  it("hands messages to the worker in their order, and wakes it for them", function()
    assert.equal("1 2 3 last\tclosed\n", run({ worker = [[
      local slot = require "jig.slot"
      return function()
        local got = {}
        repeat
          local message = slot.receive(60)
          got[#got + 1] = message.text
        until message.text == "last"
        slot.emit { all = table.concat(got, " ") }
      end
    ]] }, [[
      local worker <close> = started "worker"
      worker:send { text = "1" }
      worker:send { text = "2" }
      clock.sleep(0.01) -- it waits now
      worker:send { text = "3" }
      clock.sleep(0.01)
      worker:send { text = "last" }
      local list, code = messages(worker)
      print(list[1].all, code)
      worker:send { text = "too late" }
    ]]))
  end)

  it("ends receive at its limit, and when the worker is interrupted", function()
    assert.equal("timeout\treceive\tinterrupted\n", run({ worker = [[
      local slot = require "jig.slot"
      return function()
        local _, _, code, limit = slot.receive(0.01)
        slot.emit { code = code, limit = limit }
        _, _, code = slot.receive()
        slot.emit { code = code }
      end
    ]] }, [[
      local worker <close> = started "worker"
      local first = worker:next(LONG)
      worker:interrupt()
      local second = worker:next(LONG)
      print(first.code, first.limit, second.code)
    ]]))
  end)

  it("sends nothing that is no plain value, and raises where the slot has no room for it", function()
    local out = run({ worker = [[
      local slot = require "jig.slot"
      return function() slot.emit { got = #slot.receive(60).text } end
    ]] }, [[
      local worker <close> = started("worker", nil, 1 << 20)
      clock.sleep(0.01)
      print((select(2, pcall(worker.send, worker, { print }))))
      print((select(2, pcall(worker.send, worker, { text = ("x"):rep(2 << 20) }))))
      worker:send { text = ("x"):rep(1000) }
      print(worker:next(LONG).got)
    ]])
    assert.equal("a function cannot pass between slots: only plain values can\n"
      .. "no memory for a message to a slot\n1000\n", out)
  end)

  it("ends next at its limit, and when the slot is closed", function()
    run({ worker = [[
      local clock = require "jig.clock"
      return function() clock.sleep(3600) end
    ]] }, [[
      local worker = started "worker"
      local message, text, code, limit = worker:next(0.005)
      assert(message == nil and code == "timeout" and limit == "next", text)
      local reader = task.spawn(function() return select(3, worker:next(LONG)) end)
      clock.sleep(0.001)
      local ok, why = pcall(worker.next, worker)
      assert(not ok and why:find "another task is already waiting")
      worker:close()
      local _, read = reader:join(LONG)
      assert(read == "closed")
      worker:close()
      assert(not pcall(worker.start, worker, "worker"))
      assert(not pcall(worker.interrupt, worker))
      assert(not pcall(worker.memory, worker))
      local other = started "worker"
      reader = task.spawn(function() return select(3, other:next(LONG)) end)
      clock.sleep(0.001)
      do local closing <close> = other end
      assert(select(2, reader:join(LONG)) == "closed")
    ]])
  end)

  it("tells of a worker that died, with its traceback, after all that it said", function()
    assert.equal("before|crashed|string|true\nbefore|crashed|unknown error|false\n", run({ worker = [[
      local clock, slot = require "jig.clock", require "jig.slot"
      return function(thrown)
        slot.emit { event = "before" }
        clock.sleep(0.001)
        if thrown == 1 then error("bad thing") end
        error({})
      end
    ]] }, [[
      for i = 1, 2 do
        local worker <close> = started("worker", i)
        local list, code = messages(worker)
        assert(code == "closed" and #list == 2)
        local message = list[2].message
        local traced = message:find("bad thing\nstack traceback:", 1, true) ~= nil
        print(list[1].event .. "|" .. list[2].event .. "|" .. (traced and type(message) or message) .. "|" ..
          tostring(traced))
      end
    ]]))
  end)

  it("raises when the module cannot be loaded or gives no function, and can be started again", function()
    run({ echo = ECHO, broken = "x x", throws = "error 'thrown at load'", table_ = "error {}", number = "return 7" }, [[
      local words = { nowhere = "module 'nowhere' not found", broken = "syntax error", throws = "thrown at load",
        table_ = "no message" }
      for module, text in pairs(words) do
        local worker <close> = slot.new()
        local ok, message = pcall(worker.start, worker, module, {})
        assert(not ok and message:find(text, 1, true), message)
        worker:start("echo", 1)
        local again, why = pcall(worker.start, worker, "echo")
        assert(not again and why:find "already works")
        assert(messages(worker)[1].got == 1)
        worker:start("echo", 2)
        assert(messages(worker)[1].got == 2)
      end
      local worker <close> = started "number"
      assert(messages(worker)[1].message:find "attempt to call a number value")
    ]])
  end)

  it("ends a worker that takes too much memory, and it alone", function()
    run({ echo = ECHO, bomb = [[
      local clock, slot = require "jig.clock", require "jig.slot"
      return function(kind)
        clock.sleep(0.001)
        slot.emit { event = "begins" }
        local t, s = {}, "x"
        while true do
          if kind == "table" then t[#t + 1] = {} else s = s .. s end
        end
      end
    ]], caught = [[
      local slot = require "jig.slot"
      return function()
        local ok, message = pcall(function()
          local t = {}
          while true do t[#t + 1] = {} end
        end)
        collectgarbage()
        slot.emit { ok = ok, message = message }
      end
    ]] }, [[
      local quiet <close> = started("echo", "alive", 1 << 20)
      for _, kind in ipairs { "table", "string" } do
        local worker <close> = started("bomb", kind, 2 << 20)
        local list = messages(worker)
        assert(list[1].event == "begins" and list[2].event == "crashed")
        assert(list[2].message:find "not enough memory", list[2].message)
        local used, cap = worker:memory()
        assert(cap == 2 << 20 and used <= cap)
      end
      local worker <close> = started("caught", nil, 2 << 20)
      local message = messages(worker)[1]
      assert(message.ok == false and message.message:find "not enough memory")
      assert(messages(quiet)[1].got == "alive")
    ]])
  end)

  it("survives every cap, however small, at every step", function()
    run({ echo = ECHO }, [[
      local argument = {}
      for i = 1, 2000 do argument[i] = { "message " .. i } end
      local made, worked, refused, crashed = 0, 0, 0, 0
      local cap = 1
      while worked < 3 do
        local ok, worker = pcall(slot.new, cap)
        if ok then
          made = made + 1
          local begun = pcall(worker.start, worker, "echo", argument)
          if begun then
            local first = messages(worker)[1]
            if first.got then worked = worked + 1 else crashed = crashed + 1 end
          else
            refused = refused + 1
          end
          worker:close()
        end
        cap = cap + (cap < 4000 and 97 or cap < 60000 and 1499 or 12007)
      end
      assert(made > 3 and refused > 0, made .. " " .. refused)
      for _, bad in ipairs { 0, -1 } do assert(not pcall(slot.new, bad)) end
    ]])
  end)

  it("reports a session that was open when the slot is closed, while it works", function()
    local worker = [[
      local clock, session, slot = require "jig.clock", require "jig.session", require "jig.slot"
      return function(service)
        local s = assert(session.new(session.service(service), "s1"))
        assert(s:new_device())
        slot.emit { event = "opened" }
        clock.sleep(3600)
      end
    ]]
    local close = [[
      local service = { cli = arg[1], arguments = { arg[2], arg[3] } }
      local worker = started("worker", service)
      assert(worker:next(LONG).event == "opened")
    ]]
    for _, ending in ipairs { "worker:close()", "worker = nil collectgarbage()", "os.exit(0)", "" } do
      local _, commands = run({ worker = worker }, close .. ending)
      assert.equal("new_device report_error", commands)
    end
  end)

  it("lets a worker that is interrupted end by itself", function()
    assert.equal("interrupted 1 reported\n", (run({ worker = [[
      local clock, session = require "jig.clock", require "jig.session"
      local slot, task = require "jig.slot", require "jig.task"
      return function(service)
        local s <close> = assert(session.new(session.service(service), "s1"))
        assert(s:new_device())
        slot.emit { event = "opened" }
        local _, _, code = clock.sleep(3600)
        local done = s:report_error(901, "interrupted")
        slot.emit { said = ("%s %d %s"):format(code, task.interrupted(), done and "reported" or "not reported") }
      end
    ]] }, [[
      local worker <close> = started("worker", { cli = arg[1], arguments = { arg[2], arg[3] } })
      worker:next(LONG)
      worker:interrupt()
      print(messages(worker)[1].said)
      worker:interrupt()
    ]])))
  end)

  -- A worker that drops an object of 1 MB, and says whether it is still there: at once, and after each of some waits.
  local DROPS <const> = [[
    local clock, slot = require "jig.clock", require "jig.slot"
    return function(argument)
      collectgarbage "generational" -- which collects nothing by itself here
      local there = setmetatable({}, { __mode = "v" })
      local function drop() there[1] = { ("x"):rep(1 << 20) } end
      local said = {}
      for i = 1, argument.times do
        drop()
        if argument.forgets then slot.forget() end
        said[#said + 1] = there[1] ~= nil
      end
      clock.sleep(0.001)
      said[#said + 1] = there[1] ~= nil
      slot.emit(said)
    end
  ]]

  it("collects what a worker has to forget before the next wait, and not while it works", function()
    assert.equal("true false\ntrue true\n", run({ drops = DROPS }, [[
      for _, forgets in ipairs { 1, 0 } do
        local worker <close> = started("drops", { forgets = forgets == 1, times = 1 }, 64 << 20)
        print(table.unpack(messages(worker)[1]))
      end
    ]]):gsub("\t", " "))
  end)

  it("collects at once what was to be forgotten when there was no wait since", function()
    assert.equal("true false false false\n", run({ drops = DROPS }, [[
      local worker <close> = started("drops", { forgets = true, times = 3 }, 64 << 20)
      print(table.unpack(messages(worker)[1]))
      worker:start("drops", { forgets = true, times = 1 })
      worker:close() -- with something to forget
      clock.sleep(0)
    ]]):gsub("\t", " "))
  end)

  it("runs two at once that do not know of each other", function()
    run({ worker = [[
      local clock, slot = require "jig.clock", require "jig.slot"
      count = 0
      return function(name)
        string.own = (string.own or "") .. name
        for _ = 1, 5 do
          count = count + 1
          slot.emit { said = string.own .. count }
          clock.sleep(0.001)
        end
        if name == "B" then error "B dies" end
        clock.sleep(0.02)
        slot.emit { said = "end" }
      end
    ]] }, [[
      local a <close>, b = started("worker", "A"), started("worker", "B")
      local of_b = messages(b)
      b:close()
      local of_a = messages(a)
      for i = 1, 5 do
        assert(of_a[i].said == "A" .. i and of_b[i].said == "B" .. i)
      end
      assert(#of_a == 6 and of_a[6].said == "end")
      assert(#of_b == 6 and of_b[6].event == "crashed")
      assert(string.own == nil and count == nil)
    ]])
  end)

  it("finds nothing by require but what is in the program, and no C module", function()
    local folder <close> = scratch.folder {
      ["try.lua"] = [[
        local slot = require "jig.slot"
        local worker <close> = slot.new()
        for _, name in ipairs { "try", "spec.peer", "argparse_not", "lfs" } do
          local ok, message = pcall(worker.start, worker, name)
          assert(not ok and message:find("module '" .. name .. "' not found", 1, true), message)
          assert(not message:find(".lua'", 1, true) and not message:find(".so'", 1, true), message)
        end
        worker:start "jig.worker"
        assert(worker:next(60).event == "crashed") -- it was found, and misses its argument
      ]],
    }
    local result = scratch.jig { folder.path .. "/try.lua", cwd = folder.path }
    assert.same({ 0, "" }, { result.exit, result.stderr })
  end)
end)
