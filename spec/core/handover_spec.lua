-- How the CLI gets its PIN, and what becomes of one that it repeats. Each CLI here is a script that writes down what it
-- was given.

local lfs = require "lfs"
local pin = require "jig.pin"
local scratch = require "spec.support.scratch"
local session = require "jig.session"

local ID <const> = "e78d9c272156fb9b1a5c"
local PIN <const> = "0451 \xC3\xA4$'\"\\"

local ANSWER <const> = "echo SCP 256; echo PAYLOAD 01810000"

local folder

local function at(name) return folder.path .. "/" .. name end

local function descriptors()
  local n = 0
  for _ in lfs.dir "/proc/self/fd" do n = n + 1 end
  return n
end

-- Runs new_device with a CLI whose script is `body`, and gives what that call gave. Nothing is left open.
local function call(body, given, more)
  local settings = {
    cli = "/bin/sh", arguments = { folder:write("tool", "cd " .. folder.path .. "\n" .. body) }, grace = 0.1,
    token = { folder = folder.path, pin = given },
    limits = { new_device = 20 },
  }
  for key, value in pairs(more or {}) do settings[key] = value end
  local service = session.service(settings)
  local s <close> = session.new(service, ID, "A")
  local before = descriptors()
  local result = table.pack(s:new_device())
  assert.equal(before, descriptors())
  if s:owes() then s:report_error(1, "over") end
  return table.unpack(result, 1, result.n)
end

local function passes(body, given, more)
  local answer, message = call(body, given, more)
  assert.same({ scp = 256, payload = "\x01\x81\0\0" }, answer or message)
end

-- Runs new_device, which is refused for its PIN, in a jig of its own: that makes no call any more. Gives message, code.
local function refused(body, given)
  local script = folder:write("script.lua", ([[
    local session = require "jig.session"
    require("jig.pin").read(arg[1] .. "/pin")
    local s <close> = session.new(session.service { cli = "/bin/sh", arguments = { arg[1] .. "/tool" },
      token = { folder = arg[1], pin = %s } }, "1")
    local _, message, code = s:new_device()
    print(message)
    print(code)
  ]]):format(given))
  folder:write("tool", "cd " .. folder.path .. "\n" .. body)
  return scratch.run({ scratch.program, script, folder.path }).stdout:match("^(.*)\n(.*)\n$")
end

local TTY <const> = 'exec 4<>/dev/tty\n'
local HIDDEN <const> = "stty -echo <&4\n"
local READ <const> = "IFS= read -r pin <&4 && printf %s \"$pin\" >got\n"

describe("a PIN that is handed over", function()
  before_each(function()
    folder = scratch.folder { pin = PIN .. "\n" }
    assert.equal(0, scratch.run({ "chmod", "0600", at "pin" }).exit)
    assert(pin.read(at "pin"))
  end)
  after_each(function()
    pin.forget()
    folder:__close()
  end)

  local function gets(body, given, more)
    passes(body, given, more)
    assert.equal(PIN, folder:read "got")
  end

  describe("by a descriptor", function()
    it("stands behind the standard ones, one line and then the end", function()
      passes("cat <&3 >got; " .. ANSWER, { by = "descriptor" })
      assert.equal(PIN .. "\n", folder:read "got")
      passes("cat <&3 >got; " .. ANSWER, { by = "descriptor", descriptor = 3 })
    end)

    it("or is standard input", function()
      passes("cat >got; " .. ANSWER, { by = "descriptor", descriptor = 0 })
      assert.equal(PIN .. "\n", folder:read "got")
    end)

    it("does not keep the lock of the gate from the CLI", function()
      passes("ls -l /proc/self/fd/4 >got; " .. ANSWER, { by = "descriptor" })
      assert.matches("default%.0", folder:read "got")
    end)

    it("may be left unread", function() passes(ANSWER, { by = "descriptor" }) end)
  end)

  describe("by the environment", function()
    it("is the variable, and no other is changed", function()
      local given = { by = "environment", variable = "TOKEN_PIN" }
      gets("printf %s \"$TOKEN_PIN\" >got; printf %s \"$OTHER\" >other; " .. ANSWER, given,
        { env = { OTHER = "one", TOKEN_PIN = "of the station" } })
      assert.equal("one", folder:read "other")
      assert.is_nil(os.getenv "TOKEN_PIN")
    end)
  end)

  describe("at a terminal", function()
    local GIVEN <const> = { by = "terminal", prompt = "PIN: " }

    it("is typed when it was asked for and is not shown", function()
      gets(TTY .. "printf 'hello\\nPIN: ' >&4\n" .. HIDDEN .. READ .. ANSWER, GIVEN)
    end)

    it("is typed into standard input, which is the same terminal", function()
      gets("stty -echo; printf 'PIN: ' >/dev/tty; IFS= read -r pin; printf %s \"$pin\" >got; " .. ANSWER, GIVEN)
    end)

    it("waits for a prompt that comes in pieces, with beginnings that are none", function()
      gets(TTY .. HIDDEN .. "for c in P PIP I 'N' ':' ' '; do printf %s \"$c\" >&4; sleep 0.01; done\n" .. READ
        .. ANSWER, GIVEN)
      gets(TTY .. HIDDEN .. "printf aabaab >&4; printf aac >&4\n" .. READ .. ANSWER,
        { by = "terminal", prompt = "aabaac" })
    end)

    it("is typed a moment later where the terminal goes on to show what is typed", function()
      gets(TTY .. "printf 'PIN: ' >&4\n" .. READ .. ANSWER, GIVEN)
    end)

    it("outlives jig, which takes the terminal with it: a hang-up is ignored", function()
      local body = "grep SigIgn /proc/self/status >got; " .. ANSWER
      passes(body, GIVEN)
      assert.equal(1, tonumber(folder:read("got"):match "(%x+)%s*$", 16) & 1)
      passes(body, { by = "descriptor" })
      assert.equal(0, tonumber(folder:read("got"):match "(%x+)%s*$", 16) & 1)
    end)

    it("ends a CLI that floods it", function()
      local answer, message, code = call("exec yes >/dev/tty", GIVEN)
      assert.same({ nil, "limit" }, { answer, code })
      assert.matches("printed more than 1048576 bytes", message, 1, true)
    end)

    it("is not typed where nobody asks", function()
      passes(ANSWER, GIVEN)
      passes(TTY .. "printf 'Delete all? ' >&4\n" .. ANSWER, GIVEN)
    end)

    it("is missed where the CLI asks otherwise, and that is said", function()
      local answer, message = call(TTY .. "printf 'Pin> ' >&4\nread -r pin <&4\n", GIVEN, {
        limits = { new_device = 0.2 }, report = { unclear = false } })
      assert.is_nil(answer)
      assert.matches("^new_device did not end within its limit; ended after 0%.%d+ s; its terminal never showed the "
        .. "text of token%.pin%.prompt$", message)
    end)

    it("is typed once: who asks again has refused it, and is ended", function()
      local body = TTY .. HIDDEN .. "printf 'PIN: ' >&4\n" .. READ .. "printf 'PIN: ' >&4\nIFS= read -r pin <&4\n"
        .. "echo more >got; " .. ANSWER
      local message, code = refused(body, [[{ by = "terminal", prompt = "PIN: " }]])
      assert.equal("pin", code)
      assert.matches("^new_device asked again for the PIN", message)
      assert.equal(PIN, folder:read "got")
    end)

    it("is typed for each call", function()
      for _ = 1, 2 do gets(TTY .. HIDDEN .. "printf 'PIN: ' >&4\n" .. READ .. ANSWER, GIVEN) end
    end)

    it("is typed for a program that a wrapper gives another standard input", function()
      gets("exec </dev/null\n" .. TTY .. HIDDEN .. "printf 'PIN: ' >&4\n" .. READ .. ANSWER, GIVEN)
    end)

    it("leaves a CLI alone that closes its terminal", function()
      gets(TTY .. HIDDEN .. "printf 'PIN: ' >&4\n" .. READ .. "exec 4>&- </dev/null\n" .. ANSWER, GIVEN)
    end)
  end)

  it("is hidden where the CLI repeats it", function()
    local stars = ("*"):rep(#PIN:gsub("[^\32-\126]", "")) -- a message shows no other bytes
    local answer, message = call("read -r pin <&3; printf 'PIN %s%s is wrong' \"$pin\" \"$pin\" >&2; exit 3",
      { by = "descriptor" })
    assert.same({ nil, ("new_device: exit status 3: PIN %s%s is wrong"):format(stars, stars) }, { answer, message })
  end)

  it("is hidden where bytes stand between that no message has, and where the message ends in it", function()
    local apart = [[read -r pin <&3; printf '%s' "$pin" | sed 's/./&\n/g' | tr '\n' '\000' >apart; ]]
    local function hidden(before, behind, expected)
      local answer, message = call(("%s printf '%s' >&2; cat apart >&2; echo '%s' >&2; exit 3"):format(apart, before,
        behind), { by = "descriptor" })
      assert.same({ nil, "new_device: exit status 3: " .. expected }, { answer, message })
    end
    local stars = ("*"):rep(#PIN - 2) -- without what is no ASCII
    hidden("PIN ", " is wrong", "PIN " .. stars .. " is wrong")
    local lead = ("x"):rep(119 - 3)
    hidden(lead, "", lead .. "***")
  end)

  it("is told by its refusal, by what the CLI prints or its exit status", function()
    for _, how in ipairs { [[patterns = { "pin incorrect" }]], [[statuses = { 7, 6 }]] } do
      local message, code = refused("echo 'PIN Incorrect' >&2; exit 6", "{ by = 'descriptor', " .. how .. " }")
      assert.same({ "new_device: exit status 6: PIN Incorrect", "pin" }, { message, code })
    end
  end)

  it("is hidden once it was looked for what tells its refusal, of which it may be a part", function()
    folder:write("pin", "0000\n")
    local message, code = refused("echo 'CKR_PIN_INCORRECT (0x000000A0)' >&2; exit 1",
      "{ by = 'descriptor', patterns = { '(0x000000a0)' } }")
    assert.same({ "new_device: exit status 1: CKR_PIN_INCORRECT (0x******A0)", "pin" }, { message, code })
  end)

  -- Three sessions at once, at a token that bears three calls. Gives how many calls were made, and what came of them.
  local function three(body)
    local script = folder:write("script.lua", [[
      local session, task = require "jig.session", require "jig.task"
      require("jig.pin").read(arg[1] .. "/pin")
      local service = session.service { cli = "/bin/sh", arguments = { arg[1] .. "/tool" },
        token = { folder = arg[1], width = 3, pin = { by = "descriptor", statuses = { 6 } } } }
      local left = 3
      for id = 1, 3 do
        task.spawn(function()
          local s <close> = session.new(service, tostring(id))
          print(s:new_device() and "made" or "not")
          if s:owes() then s:report_error(1, "over") end
          left = left - 1
        end)
      end
      while left > 0 do require("jig.clock").sleep(0.01) end
    ]])
    folder:write("calls", "")
    folder:write("tool", "cd " .. folder.path .. "\n" .. body)
    local result = scratch.run { scratch.program, script, folder.path }
    return select(2, folder:read("calls"):gsub("new_device", "")), select(2, result.stdout:gsub("made", ""))
  end

  it("is tried by one call alone until it was accepted, whatever the token bears", function()
    assert.same({ 1, 0 }, { three "echo $1 >>calls; sleep 0.1; exit 6" })
    assert.same({ 3, 3 }, { three("echo $1 >>calls; " .. ANSWER) })
  end)

  it("lasts as long as the service that hands it over", function()
    local tool = folder:write("tool", ("cat <&3 >%s; %s"):format(at "got", ANSWER))
    local service = session.service { cli = "/bin/sh", arguments = { tool },
      token = { folder = folder.path, pin = { by = "descriptor" } } }
    pin.forget()
    local s <close> = session.new(service, ID)
    assert(s:new_device())
    assert.equal(PIN .. "\n", folder:read "got")
    s:report_error(1, "over")
  end)

  it("must be kept, and said how", function()
    local function invalid(given, text)
      assert.error_matches(function()
        session.service { cli = "tool", token = { folder = folder.path, pin = given } }
      end, text)
    end
    invalid({ by = "environment" }, "token.pin needs 'variable', a text of 1 to 128 bytes")
    invalid({ by = "terminal", prompt = "" }, "token.pin needs 'prompt', a text of 1 to 128 bytes")
    invalid({ by = "terminal", prompt = ("x"):rep(129) }, "token.pin needs 'prompt', a text of 1 to 128 bytes")
    invalid({ by = "descriptor", descriptor = 4 }, "token.pin.descriptor must be 0 or 3")
    invalid({ by = "argument" }, "invalid option 'argument'")
    pin.forget()
    invalid({ by = "descriptor" }, "no PIN is kept")
  end)
end)
