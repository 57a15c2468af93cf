local hex = require "jig.hex"
local recorder = require "jig.cassette.recorder"
local secret = require "jig.secret"
local secrets = require "spec.support.secrets"
local scratch = require "spec.support.scratch"
local slip = require "jig.framing.slip"
local tapes = require "spec.support.tapes"

-- A recipe's folder; `more` are lines of its table.
local function recipe(more, framing)
  return scratch.folder { ["recipe.lua"] = ([[
    local jig = require "jig"
    local framing = %s
    return jig.recipe {
      name = "lamp", port = "tcp:127.0.0.1:1", framing = framing,
      limits = { exchange = 2, first = 1, between = 0.5, read = 1 },
      status = { [7] = { "lamp.broken", code = 700, reason = "it is broken" },
        [8] = { "lamp.busy", code = 800, reason = "it is busy", retry = true } },
      %s
    }]]):format(framing or 'require "jig.framing.length" { header = ">I2 length", reply = ">I2 length B status" }',
    more or "") }
end

local ANSWER <const> = "the device's answer, a secret"

local function device(self)
  for _ = 1, 2 do
    self:receive()
    self:send { status = 0, payload = ANSWER }
  end
end

-- The steps of a unit.
local function steps(options)
  local folder <close> = recipe(options.more, options.framing)
  local lines = tapes.record { recipe = folder.path, device = options.device or device, cli = options.cli,
    recording = options.recording, interrupt = options.interrupt, retries = options.retries }
  return tapes.steps(lines), lines
end

local function has(text, part)
  assert.truthy(text:find(part, 1, true), ("no '%s' in\n%s"):format(part, text))
end

local function has_not(text, part)
  assert.is_nil(text:find(part, 1, true), text)
end

describe("jig.cassette.recorder", function()
  it("tells a unit from the port to the verdict", function()
    local text = steps { cli = {
      new_device = { scp = 256, payload = "init" }, get_device_configuration = { scp = 257, payload = "provision" },
      handle_device_response = { fingerprint = "e603eb9d" },
    } }
    assert.equal([[
= attempt number=1
> open
< opened
> call command=new_device
< answer payload=4:bb54068aea85faa7 scp=256
> frame payload=4:bb54068aea85faa7
< frame payload=29:4cd72ca82957122c status=0
> call command=get_device_configuration response=29:4cd72ca82957122c
< answer payload=9:267d294ad2fe2618 scp=257
> frame payload=9:267d294ad2fe2618
< frame payload=29:4cd72ca82957122c status=0
> call command=handle_device_response response=29:4cd72ca82957122c
< answer fingerprint=e603eb9d
> close
= verdict fingerprint=e603eb9d result=passed]], text:match("(= attempt.*)"))
  end)

  it("tells a unit that fails with its report and its reset", function()
    local text = steps { device = function(self) self:receive() self:send { status = 7 } end,
      more = "reset = function(unit) unit.port:set('dtr', true) end", retries = 0 }
    has(text, '> call code=700 command=report_error reason="it is broken"\n< answer\n')
    has(text, "> set line=dtr value=true\n> close\n")
    has(text, '= verdict code=700 fault=lamp.broken phase=factory_init reason="it is broken" reported=true '
      .. "result=failed")
  end)

  it("tells what the CLI refused, and how it ended otherwise", function()
    has(steps { cli = { new_device = { exit = 3, err = "no such lot\nmore" } } },
      '< refusal code=refused exit=3 message="no such lot"')
    has(steps { cli = { new_device = { exit = 3, out = "PAYLOAD 00\n" } } },
      '< refusal code=refused exit=3 message="" opened=true')
    has(steps { cli = { new_device = { signal = 15 } } }, "< refusal code=killed")
    has(steps { cli = { new_device = { signal = 15 } } }, "signal=15")
    has(steps { cli = { new_device = { out = "" } } }, "< refusal code=invalid")
    has(steps { cli = { new_device = { missing = true } } }, "< refusal code=not_found")
  end)

  it("shows all that is said before the first message, and text after it", function()
    local text = steps {
      more = [[prepare = function(unit)
          unit.port:write("\0\1wake")
          unit.serial = unit.port:expect("SN=(%w+)\n")
        end,
        finish = function(unit) unit.port:expect("bye\n") end]],
      device = function(self)
        self:read(6)
        self:write("\255SN=T1\n")
        device(self)
        self:write("bye\n")
      end,
    }
    has(text, [[> text bytes="\x00\x01wake"]])
    has(text, [[< text bytes="\xffSN=T1\n"]])
    has(text, [[< text bytes="bye\n"]])
    has(text, "serial=T1")
  end)

  it("tells what stands between frames, and what the recipe drops", function()
    local text = steps { framing = 'require "jig.framing.ftcd" {}', device = function(self)
      for _ = 1, 2 do
        self:receive()
        self:write("[trace] before\n")
        self:send { status = 0, payload = ANSWER }
        self:write("[trace] behind\n")
      end
    end }
    has(text, '< text bytes="[trace] before\\n"\n< frame')
    has(text, '< text bytes="[trace] behind\\n" dropped=true')
  end)

  -- The device writes its message into its trace, one way or the other.
  for how, write in pairs {
    ["as it is"] = function(message) return message end,
    ["as hex"] = hex.encode,
    ["as hex of a part"] = function(message) return hex.encode(message:sub(4, 12)) end,
  } do
    for where, order in pairs {
      ["before the frame"] = function(self, text) self:write(text) self:send { status = 0, payload = ANSWER } end,
      ["behind the frame"] = function(self, text) self:send { status = 0, payload = ANSWER } self:write(text) end,
    } do
      it(("hides a message that stands in the device's trace %s, %s"):format(how, where), function()
        local text = steps { framing = 'require "jig.framing.ftcd" {}', device = function(self)
          for _ = 1, 2 do
            self:receive()
            order(self, "[trace] " .. write(ANSWER) .. "\n")
          end
        end }
        has(text, "result=passed")
        assert.is_nil(secrets.find(secrets.windows { ANSWER }, text))
      end)
    end
  end

  it("hides a message that the recipe reads by itself, though it comes to be known later", function()
    local text = steps {
      more = [[run = function(unit)
          local init = unit:new_device()
          unit.port:write(init.payload)
          local key = unit.port:read_until("\n")
          local provisioning = unit:get_device_configuration(key)
          unit.port:write(provisioning.payload)
          unit:handle_device_response(unit.port:read_until("\n"))
        end]],
      device = function(self)
        self:read(48)
        self:write("a key that is text\n")
        self:read(48)
        self:write("thanks, and no more\n")
      end,
    }
    has(text, "result=passed")
    assert.is_nil(secrets.find(secrets.windows { "a key that is text\n", "thanks, and no more\n" }, text))
    has(text, "< bytes payload=19:")
  end)

  it("hides a message that a fault's reason shows", function()
    local text = steps { more = "run = function(unit) error('oh ' .. unit:new_device().payload:gsub('%c', '')) end",
      cli = { new_device = { scp = 1, payload = "a message that is text" } } }
    has(text, "reason=")
    assert.is_nil(secrets.find(secrets.windows { "a message that is text" }, text))
  end)

  it("tells bytes that no frame is by their likeness", function()
    local text = steps { device = function(self) self:receive() self:write("\0\50\0cut") end }
    has(text, "< bytes like=cut payload=6:")
    has(text, "fault=connectivity.corrupt")
    text = steps { device = function(self) self:receive() self:write("\0\50\0cut") self:sleep(0.1) self:hang_up() end }
    has(text, "< bytes like=cut payload=6:")
    has(text, "< lost during=read")
  end)

  it("tells bytes that arrived and were not read", function()
    local text = steps { more = "prepare = function(unit) unit.port:read(10, 0.5) end",
      device = function(self) self:write("abc") end }
    has(text, '< text bytes=abc dropped=true\n> close')
    has(steps { device = function(self)
        device(self)
        self:sleep(0.005)
        self:write("bye\n")
      end },
      '< text bytes="bye\\n" dropped=true\n> close')
  end)

  it("tells bytes once that are put back", function()
    local text = steps { more = [[prepare = function(unit)
        local bytes = unit.port:read_some()
        unit.port:unread(bytes)
        unit.port:unread(unit.port:read(1))
        assert(unit.port:read(3) == "abc")
        unit.port:expect("d")
      end]], device = function(self) self:write("abcd") device(self) end }
    has(text, "< text bytes=abcd\n> call")
    has(text, "result=passed")
  end)

  it("tells messages that only silence ends", function()
    local text = steps { framing = 'require "jig.framing.raw" { gap = true }' }
    has(text, "> frame payload=48:")
    has(text, "< frame payload=29:")
    has(text, "result=passed")
  end)

  it("tells what an exchange of the recipe's own writes, frame or not, before what is answered", function()
    local text = steps {
      more = [[link = "arq", exchange = function(unit, request)
          unit.port:write("AT\r\n")
          unit.port:read_until("OK\r\n")
          local bytes = framing.host.encode(request)
          unit.port:write(bytes:sub(1, 5))
          unit.port:write(bytes:sub(6))
          return unit:read_frame(framing.host.decoder())
        end]],
      device = function(self)
        for _ = 1, 2 do
          self:read_until("AT\r\n")
          self:write("OK\r\n")
          self:receive()
          self:send { status = 0, payload = ANSWER }
        end
      end,
    }
    has(text, '> text bytes="AT\\r\\n"\n< ')
    has(text, "> frame payload=48:")
    has(text, "result=passed")
  end)

  it("tells an interrupt", function()
    has(steps { interrupt = 0.5, device = function() end }, "< interrupt\n")
  end)

  it("tells a wire that is lost", function()
    has(steps { device = function(self) self:receive() self:hang_up() end }, '< lost during=read message="')
  end)

  it("hides what may be a late answer to an earlier unit, and shows digits again that it has shown", function()
    local text = steps { retries = 1, more = [[
        prepare = function(unit) unit.port:expect("ready\n") end]],
      device = function(self)
        self:write("\201\202\203\204\205\206\207\208\209")
        self:sleep(0.1)
        self:write("id 0011223344556677\n")
        self:sleep(0.1)
        self:write("OK 8899aabbccddeeff\n")
        self:sleep(0.1)
        self:write("ready\n")
        self:receive()
        self:send { status = 8 }
      end }
    has(text, "= attempt number=2")
    assert.equal(2, select(2, text:gsub('< text bytes="id 0011223344556677\\n"', "")))
    assert.equal(2, select(2, text:gsub("< bytes payload=9:%x+\n", "")))
    assert.equal(2, select(2, text:gsub("8899aabb", "")))
  end)

  it("hides digits in a later attempt that were not shown in the first", function()
    local boots = 0
    local text = steps { retries = 1, more = "prepare = function(unit) unit.port:expect('ready\\n') end",
      device = function(self)
        boots = boots + 1
        if boots == 2 then self:write("OK 8899aabbccddeeff\n") end
        self:sleep(0.1)
        self:write("ready\n")
        self:receive()
        self:send { status = 8 }
      end }
    has(text, "= attempt number=2\n> open\n< opened\n< bytes payload=20:")
    has_not(text, "8899aabb")
  end)

  it("is no burden, however much is said and however long the messages are", function()
    if scratch.valgrind then pending "a unit may compute for a second, which is little under valgrind" end
    local long = ("0123456789abcdef"):rep(4000)
    local text = steps {
      framing = 'require "jig.framing.ftcd" {}', cli = { get_device_configuration = { scp = 2, payload = long } },
      device = function(self)
        for _ = 1, 2 do
          self:receive()
          for i = 1, 1000 do self:write(("[trace] line %d is quite long, and so are the others\n"):format(i)) end
          self:send { status = 0, payload = long }
        end
      end,
    }
    has(text, "result=passed")
    has_not(text, "0123456789abcdef")
  end)

  it("never fails a unit: what goes wrong ends the recording", function()
    local lines, count = {}, 0
    local made = recorder.new(function(line)
      count = count + 1
      if count == 3 then error("oh") end
      lines[#lines + 1] = line
    end, { framing = slip {} })
    made:attempt(1)
    local port <close> = assert(made:opener()("pair:quiet", {})) -- the line that it is open is the third
    assert.truthy(made.trouble:find("the recorder failed: .*oh"))
    local recording <close> = made:exchange("payload")
    assert.is_true(port:write("bytes"))
    assert.equal("", port:discard())
    made:verdict { passed = true }
    assert.equal(2, #lines)
  end)

  it("tells what a recipe's framing throws without secrets, also where it has no text", function()
    local thrown
    local function failing()
      local made = recorder.new(function() end, { framing = { host = slip {}.host, device = { decoder = function()
        error(thrown, 0)
      end } } })
      made:attempt(1)
      local recording <close> = made:exchange("payload")
      return made.trouble
    end
    secret.new("0451"):expose()
    thrown = "the key is 0451\nand more"
    assert.equal("the recorder failed: the key is ****", failing())
    secret.forget()
    thrown = setmetatable({}, { __tostring = function() error "mine" end })
    assert.equal("the recorder failed: an error that has no text", failing())
  end)

  it("ends at what no cassette has, says so, and the unit goes on", function()
    for prepare, why in pairs {
      ["unit.port:control { request_type = 0x40, request = 1 }"] = "the recipe makes a control request",
      ["unit:open { interface = 1 }"] = "the recipe opens a further wire",
      ["pcall(unit.reopen, unit)"] = "the device leaves and comes back",
    } do
      local folder <close> = recipe(("prepare = function(unit) %s end,"):format(prepare))
      local _, events = tapes.record { recipe = folder.path, device = {
        firmware = device, wires = { [1] = {} }, control = function() return true end,
      } }
      local said = {}
      for _, event in ipairs(events) do said[event.event] = event end
      assert.is_true(said.ended.passed)
      assert.matches(why, said.cassette.trouble, 1, true)
    end
  end)

  it("keeps payloads when asked to", function()
    local text = steps { recording = { keep = true } }
    has(text, "< frame payload=29:x" .. hex.encode(ANSWER))
    has_not(text, "payload=29:4cd7")
  end)

  it("shows no secret that the recipe exposes, not even where payloads are kept", function()
    local unlock = "0451-unlock"
    for _, keep in ipairs { false, true } do
      for _, line in ipairs {
        "unit.port:write('PIN ' .. key:expose() .. '\\n')", "unit.port:write(require('jig.hex').encode(key:expose()))",
        "unit.port:read(3); unit:log('it is ' .. key:expose())", "error('oh ' .. key:expose())",
        "unit:exchange { command = 1, payload = 'PIN ' .. key:expose() }",
        "pcall(unit.port.set, unit.port, key:expose(), true)", "pcall(unit.port.set, unit.port, 'dtr', key:expose())",
        "unit:exchange({ command = 1, payload = 'x' }, key:expose())",
      } do
        local text = steps { recording = { keep = keep },
          more = ([[prepare = function(unit)
            local key <close> = require("jig.secret").new "%s"
            %s
          end]]):format(unlock, line),
          device = function(self) self:write("abc") device(self) end }
        for _, form in ipairs { unlock, hex.encode(unlock), hex.encode(unlock):upper() } do has_not(text, form) end
      end
    end
  end)

  it("shows no short secret either", function()
    local text = steps { more = [[prepare = function(unit)
        local key <close> = require("jig.secret").new "0451"
        unit.port:write("PIN " .. key:expose() .. "\n")
        unit.port:write("and go on\n")
      end]] }
    has_not(text, "0451")
    has(text, "and go on")
  end)

  it("tells no attempt that there was not", function()
    local text = steps { retries = 1,
      device = function(self) self:receive() self:send { status = 7 } end }
    has(text, "= attempt number=1")
    has_not(text, "= attempt number=2") -- this fault allows none
  end)
end)
