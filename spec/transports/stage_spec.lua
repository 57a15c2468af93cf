-- Ports whose other end is played, in worlds (jig.world): transports/stage.c.

local port = require "jig.port"
local worlds = require "spec.support.worlds"

-- A worker whose body is text; `say` emits its values.
local function worker(body)
  return [[
    local clock, port, slot, task = require "jig.clock", require "jig.port", require "jig.slot", require "jig.task"
    local function say(...) slot.emit { at = clock.now(), n = select("#", ...), ... } end
    return function(...) ]] .. body .. "\nend"
end

-- A world with that worker, and a script that has `run(hooks, expected, ...)`: each message of the worker as text,
-- its values joined by "|", with the time in front where `at` is true.
local function run(body, script)
  worlds.run({ worker = worker(body) }, [[
    local function texts(list)
      local lines = {}
      for i, message in ipairs(list) do
        local values = {}
        for k = 1, message.n do values[k] = tostring(message[k]) end
        lines[i] = ("%g "):format(message.at) .. table.concat(values, "|")
      end
      return table.concat(lines, "\n")
    end
    local function run(hooks, expected, prepare)
      local w
      for name, hook in pairs(hooks) do hooks[name] = function(...) return hook(w, ...) end end
      local s
      w, s = started(hooks, "worker")
      if prepare then prepare(w) end
      local got = texts(all(w, s))
      same(expected, got)
      nothing_held(w)
      w:close()
    end
  ]] .. script)
end

describe("transports/stage", function()
  it("opens where nobody says otherwise, and takes every byte", function()
    run([[
      local p = assert(port.open("stage:dev"))
      for _, bytes in ipairs { "\0", "\xFF\n", ("x"):rep(1 << 20) } do say(p:write(bytes)) end
      say(p:drain())
      p:close()
    ]], [[
      run({}, "0 true\n0 true\n0 true\n0 true")
      local got, names = {}, {}
      run({
        write = function(_, name, bytes) got[#got + 1], names[name] = bytes, true end,
        close = function(_, name) names[name] = "closed" end,
      }, "0 true\n0 true\n0 true\n0 true")
      same("\0\xFF\n" .. ("x"):rep(1 << 20), table.concat(got))
      same("closed", names.dev)
    ]])
  end)

  it("opens as the player says", function()
    run([[
      local p, message, code, limit = port.open("stage:dev", { limit = 5 })
      say(p ~= nil, message, code, limit)
      if p then p:close() end
    ]], [[
      local asked
      run({ open = function(_, name) asked = name return true end }, "0 true|nil|nil|nil")
      same("dev", asked)
      run({ open = function() return nil, "held by another", "busy" end },
        "0 false|stage:dev: held by another|busy|nil")
      run({ open = function() return nil, "gone" end }, "0 false|stage:dev: gone|not_found|nil")
      run({ open = function() return nil end }, "0 false|stage:dev: refused|not_found|nil")
      run({ open = function() return "later" end }, "5 false|port.open: the limit 'open' of 5 s passed|timeout|open")
      local function later(...)
        local more = table.pack(...)
        return function(w)
          w:after(2, function() assert(w:opened("dev", table.unpack(more))) end)
          return "later"
        end
      end
      run({ open = later() }, "2 true|nil|nil|nil")
      run({ open = later("no carrier", "lost") }, "2 false|stage:dev: no carrier|lost|nil")
      run({ open = later("no carrier") }, "2 false|stage:dev: no carrier|not_found|nil")
      run({ open = function(w) w:opened("dev") return "later" end }, "0 true|nil|nil|nil")
    ]])
  end)

  it("may be fed from the moment in which it is opened, and not after it was closed", function()
    run([[
      local p = assert(port.open("stage:dev"))
      say(p:read(5, 1))
      p:close()
      clock.sleep(1)
    ]], [[
      local fed
      run({
        open = function(w) assert(w:feed("dev", "hello")) assert(not w:feed("other", "x")) end,
        close = function(w) fed = w:feed("dev", "x") end,
      }, "0 hello", function(w) assert(not w:feed("dev", "x")) end)
      same(false, fed)
      run({ open = function(w)
        w:after(0.5, function() assert(w:feed("dev", "hel")) end)
        w:after(0.5, function() assert(w:feed("dev", "")) end)
        w:after(0.5, function() assert(w:feed("dev", "lo")) end)
      end }, "0.5 hello")
      run({ open = function(w)
        assert(w:feed("dev", "he"))
        w:after(0.25, function() assert(w:opened("dev")) end)
        w:after(0.75, function() assert(w:feed("dev", "llo")) end)
        return "later"
      end }, "0.75 hello")
    ]])
  end)

  it("hands on whatever arrives, up to its cap", function()
    run([[
      local p = assert(port.open("stage:dev"))
      local n, sum = 0, 0
      while n < 1 << 24 do
        local bytes = assert(p:read_some(1))
        for _, part in ipairs { bytes:byte(1, 1) } do sum = sum + part end
        n = n + #bytes
      end
      say(n)
      say(#p:discard())
      p:close()
    ]], [[
      run({ open = function(w)
        assert(w:feed("dev", ("\xFF"):rep(1 << 24)))
        throws("more than 16777216 bytes wait", w.feed, w, "dev", "\0")
      end }, "0 16777216\n0 0")
    ]])
  end)

  it("blocks writes that the player does not take, until it says so", function()
    run([[
      local p = assert(port.open("stage:dev"))
      say(p:write("abcdef", 9))
      p:close()
    ]], [[
      local got, calls = {}, 0
      run({ write = function(w, name, bytes)
        calls = calls + 1
        if calls % 2 == 0 then
          w:after(1, function() assert(w:writable(name)) end)
          return 0
        end
        got[#got + 1] = bytes:sub(1, 2)
        return 2 < #bytes and 2 or #bytes
      end }, "2 true")
      same("ab cd ef", table.concat(got, " "))
      run({ write = function() return 0 end }, "9 nil|port:write: the limit 'write' of 9 s passed|timeout|write")
    ]])
  end)

  it("is lost when the player says so", function()
    run([[
      local p = assert(port.open("stage:dev"))
      say(p:read(2))
      say(p:write("x"))
      say(p:read(2))
      say(p:read(1))
      say(p:read_some())
      say(p:set("dtr", true))
      p:close()
    ]], [[
      run({ open = function(w)
        w:after(1, function()
          assert(w:feed("dev", "abcd"))
          assert(w:lose("dev", "unplugged"))
          assert(not w:feed("dev", "x"))
          assert(w:lose("dev", "again"))
        end)
      end }, "1 ab\n1 nil|stage:dev: unplugged|lost\n1 cd\n1 nil|stage:dev: unplugged|lost\n" ..
        "1 nil|stage:dev: unplugged|lost\n1 nil|stage:dev: unplugged|lost")
      local function in_time_0(why)
        local lost = ("nil|stage:dev: %s|lost"):format(why)
        return table.concat({ "0 ab", lost, "cd", lost, lost, lost }, "\n0 ")
      end
      run({ write = function() return nil, "pulled" end, open = function(w) w:feed("dev", "abcd") end },
        in_time_0 "pulled")
      run({ write = function() return nil end, open = function(w) w:feed("dev", "abcd") end },
        in_time_0 "refused")
    ]])
  end)

  it("wakes who waits when it is lost", function()
    run([[
      local p = assert(port.open("stage:dev"))
      local reader = task.spawn(function() say("read", p:read(1)) end)
      say("write", p:write("x"))
      reader:join()
      p:close()
    ]], [[
      run({
        open = function(w) w:after(3, function() assert(w:lose("dev")) end) end,
        write = function() return 0 end,
      }, "3 read|nil|stage:dev: the device is gone|lost\n3 write|nil|stage:dev: the device is gone|lost")
    ]])
  end)

  it("has the settings that the player knows", function()
    run([[
      local p = assert(port.open("stage:dev"))
      say(p:set("dtr", true))
      say(p:set("baud", 921600))
      p:close()
    ]], [[
      local got = {}
      run({ set = function(_, ...) got[#got + 1] = table.concat({ ... }, " ") end }, "0 true\n0 true")
      same("dev dtr 1, dev baud 921600", table.concat(got, ", "))
      run({ set = function(_, _, key)
        if key == "baud" then return nil, "no such speed", "invalid" end
        return true
      end },
        "0 true\n0 nil|stage:dev: no such speed|invalid")
      run({ set = function() return nil, "no lines" end },
        "0 nil|stage:dev: no lines|unsupported\n0 nil|stage:dev: no lines|unsupported")
    ]])
  end)

  it("has each name once, and frees it", function()
    run([[
      local p = assert(port.open("stage:dev"))
      local other = assert(port.open("stage:other"))
      say(port.open("stage:dev"))
      p:close()
      local again <close> = assert(port.open("stage:dev"))
      say(again:read(1))
      say(other:read(1))
      other:close()
    ]], [[
      local n = 0
      run({ open = function(w, name) n = n + 1 if n == 3 then w:feed("other", "o") w:feed("dev", "d") end end },
        "0 nil|stage:dev: 'dev' is open already|busy\n0 d\n0 o")
    ]])
  end)

  it("carries control requests, which end later: with bytes, a word, a failure, or the wire", function()
    run([[
      local p = assert(port.open("stage:dev"))
      local function ask(length, limit)
        say(p:control { request_type = 0xC0, request = 1, value = 2, index = 3, length = length, limit = limit })
      end
      ask(4) ask(9) ask(0)
      say(p:control { request_type = 0x40, request = 1, data = "abc" })
      ask(1) ask(1) ask(1, 2) ask(1) ask(1)
      p:close()
    ]], [[
      local asked = {}
      local answers = {
        function(w, n) w:answered("dev", n, "abcdef") end, function(w, n) w:answered("dev", n, "abcdef") end,
        function(w, n) w:answered("dev", n, "abcdef") end, function(w, n) w:answered("dev", n, true) end,
        function(w, n) w:answered("dev", n, nil, "stall") end,
        function(w, n) w:answered("dev", n, nil, "too much", "limit") end,
        function(w, n) same(false, w:answered("dev", n + 1, "x")) same(false, w:answered("other", n, "x")) end,
        function(w, n)
          same(false, w:answered("dev", n - 1, "late"))
          same(true, w:answered("dev", n, "x"))
          same(false, w:answered("dev", n, "y"))
        end,
        function(w) w:lose("dev", "unplugged") end,
      }
      run({ control = function(w, name, request, number)
        asked[#asked + 1] = request
        w:after(1, function() answers[number](w, number) end)
        return true
      end }, "1 abcd\n2 abcdef\n3 \n4 true\n5 nil|stage:dev: stall|refused\n6 nil|stage:dev: too much|limit\n"
        .. "8 nil|port:control: the limit 'control' of 2 s passed|timeout|control\n9 x\n"
        .. "10 nil|stage:dev: unplugged|lost")
      same("192 1 2 3 4", table.concat({ asked[1].request_type, asked[1].request, asked[1].value, asked[1].index,
        asked[1].length }, " "))
      same("abc", asked[4].data)
      same(nil, asked[1].data)
    ]])
  end)

  it("gives no late answer to a request of the port that was opened after it", function()
    run([[
      for i = 1, 2 do
        local p = assert(port.open("stage:dev"))
        say(p:control { request_type = 0xC0, request = i, length = 5, limit = i })
        p:close()
      end
    ]], [[
      local first
      run({ control = function(w, _, request, number)
        if request.request == 1 then
          first = number
        else
          w:after(0.5, function() same(false, w:answered("dev", first, "first")) end)
          w:after(1, function() same(true, w:answered("dev", number, "other")) end)
        end
        return true
      end }, "1 nil|port:control: the limit 'control' of 1 s passed|timeout|control\n2 other")
    ]])
  end)

  it("has no control requests where nobody plays them, or refuses them at once", function()
    run([[
      local p = assert(port.open("stage:dev"))
      for _ = 1, 2 do say(p:control { request_type = 0xC0, request = 1, length = 1 }) end
      p:close()
    ]], [[
      run({}, ("0 nil|stage:dev: the device has no control requests|unsupported\n"):rep(2):sub(1, -2))
      run({ control = function() return nil, "no", "lost" end }, ("0 nil|stage:dev: no|lost\n"):rep(2):sub(1, -2))
      run({ control = function() return nil, "no" end }, ("0 nil|stage:dev: no|refused\n"):rep(2):sub(1, -2))
    ]])
  end)

  it("says whether a device is there, and what its serial number is, where the player does", function()
    run([[
      say(port.present("stage:dev?pid=1"))
      say(port.present("stage:dev?baud=1"))
      local p = assert(port.open("stage:dev?interface=1&pid=2"))
      local about = p:about()
      say(about.serial, about.path)
      p:close()
    ]], [[
      local names = {}
      local function heard(answer)
        return function(_, name)
          names[#names + 1] = name
          return answer, "S1"
        end
      end
      local wrong = "\n0 nil|stage: unknown option 'baud'|invalid"
      run({ present = heard(true), open = heard(true) }, "0 true" .. wrong .. "\n0 S1|nil")
      same("dev?pid=1 dev?interface=1&pid=2", table.concat(names, " "))
      run({ present = heard(false) }, "0 false" .. wrong .. "\n0 nil|nil")
      run({}, "0 nil|stage: only opening it tells whether a device is there|unsupported" .. wrong .. "\n0 nil|nil")
    ]])
  end)

  it("takes one name, and the options of usb that say which device and wire", function()
    run([[
      local long = "stage:dev?serial=" .. ("x"):rep(250)
      for _, address in ipairs { "stage:dev?baud=1", "stage:a b", "stage:", long } do say(port.open(address)) end
    ]], [[
      local w <close>, s = started({}, "worker")
      local list = all(w, s)
      same(4, #list)
      for _, message in ipairs(list) do same("invalid", message[3]) end
    ]])
  end)

  it("can be wrapped by a bad wire", function()
    run([[
      local p = assert(port.open("fault:seed=1,split=1:stage:dev"))
      say(p:write("abc"))
      say(p:read(3, 1))
      p:close()
    ]], [[
      local got = {}
      run({ write = function(w, name, bytes) got[#got + 1] = bytes w:feed(name, bytes) end }, "0 true\n0 abc")
      same("a b c", table.concat(got, " "))
    ]])
  end)

  it("is nowhere but in a world", function()
    local p, message, code = port.open("stage:dev")
    assert.same({ nil, "stage:dev: nobody plays a device here", "not_found" }, { p, message, code })
  end)
end)
