-- What becomes of it: spec/core/handover_spec.lua.

local canary = require "spec.support.canary"
local lfs = require "lfs"
local pin = require "jig.pin"
local scratch = require "spec.support.scratch"
local station = require "spec.support.station"
local tmux = require "spec.support.tmux"

local folder

local function write(text, mode)
  local path = folder:write("pin", text)
  assert.equal(0, scratch.run({ "chmod", mode or "0600", path }).exit)
  return path
end

local function refused(code, text, path, shared)
  local kept, message, why = pin.read(path, shared)
  assert.same({ nil, code }, { kept, why })
  assert.matches(text, message, 1, true)
end

describe("jig.pin", function()
  before_each(function() folder = scratch.folder() end)
  after_each(function()
    pin.forget()
    folder:__close()
  end)

  describe("read", function()
    it("takes one line of 1 to 255 bytes", function()
      for _, text in ipairs { "1", "0451\n", "0451\r\n", "\xFF\xC3 ", ("9"):rep(255), ("9"):rep(255) .. "\n" } do
        assert.is_true(pin.read(write(text)))
      end
      for _, text in ipairs { "", "\n", "\r\n" } do refused("invalid", "this one has none", write(text)) end
      for _, text in ipairs { ("9"):rep(256), ("9"):rep(257) .. "\n", ("9"):rep(100000) } do
        refused("limit", "a PIN has 1 to 255 bytes, this one has more", write(text))
      end
    end)

    it("takes no control character and no second line, and says where it stands, not what", function()
      for _, text in ipairs { "045\0", "045\1\n", "045\n0\n", "045\27", "045\127", "045\r\r\n" } do
        local path = write(text)
        refused("invalid", path .. ": byte 4 is a control character or a second line", path)
      end
    end)

    it("takes a file that its owner alone may read, or for a credential his group", function()
      for _, mode in ipairs { "0600", "0400", "0700" } do assert.is_true(pin.read(write("0451", mode))) end
      for _, mode in ipairs { "0640", "0604", "0440", "0610", "0601" } do
        local path = write("0451", mode)
        refused("denied", path .. " may be read by others than its owner: chmod 0600", path)
      end
      assert.is_true(pin.read(write("0451", "0440"), true))
      refused("denied", "may be read by others", write("0451", "0444"), true)
      refused("denied", "may be written by others", write("0451", "0660"), true)
    end)

    it("takes no link, no folder, nothing that is missing, and no other path than a whole one", function()
      local path = write "0451"
      scratch.run { "ln", "-s", path, folder.path .. "/link" }
      refused("denied", "is a link", folder.path .. "/link")
      refused("denied", "is no file", folder.path)
      refused("not_found", "", folder.path .. "/missing")
      refused("invalid", "no absolute path", "pin")
      assert.error_matches(function() pin.read(path .. "\0") end, "no path")
    end)

    it("keeps what was read before when it fails, and opens nothing for good", function()
      pin.read(write "0451")
      local before = 0
      for _ in lfs.dir "/proc/self/fd" do before = before + 1 end
      refused("invalid", "none", write "")
      for _ in lfs.dir "/proc/self/fd" do before = before - 1 end
      assert.equal(0, before)
    end)
  end)

  describe("ask", function()
    -- The script says what came of it: the PIN is compared with what a CLI gets.
    local SCRIPT <const> = [[
      local pin, session = require "jig.pin", require "jig.session"
      local kept, message, code = pin.ask("PIN of the token: ")
      print(kept, message, code)
      if not kept then return end
      local s <close> = session.new(session.service { cli = "/bin/sh", arguments = { arg[1] .. "/tool" },
        token = { folder = arg[1], pin = { by = "descriptor" } } }, "1")
      s:new_device()
      s:report_error(1, "over")
    ]]

    local function shown(terminal) return table.concat(terminal:lines(), "\n") .. "\n" end

    local function at_terminal(body)
      local place <close> = station.place()
      place:write("tool", "cat <&3 >" .. place.path .. "/got; echo SCP 1; echo PAYLOAD 00")
      local script = place:write("script.lua", SCRIPT)
      local terminal <close> = tmux.open(place, 80, 24)
      terminal:type(("%s %s %s; stty -a | grep -o '.echo '"):format(scratch.program, script, place.path))
      station.eventually("the question", function() return shown(terminal):find("token:\n", 1, true) end)
      return body(terminal, place)
    end

    it("asks at the terminal, and shows nothing of what is typed", function()
      at_terminal(function(terminal, place)
        terminal:type "0451 secret"
        station.eventually("the answer", function() return shown(terminal):find(" echo", 1, true) end)
        assert.is_nil(shown(terminal):find("0451", 1, true))
        assert.equal("0451 secret\n", station.read(place.path .. "/got"))
      end)
    end)

    it("gives up when a signal comes, and the terminal shows again what is typed", function()
      at_terminal(function(terminal)
        terminal:key "C-c"
        station.eventually("the answer", function() return shown(terminal):find(" echo", 1, true) end)
        assert.matches("no PIN of 1 to 255 bytes was typed", shown(terminal), 1, true)
      end)
    end)

    it("leaves nothing of it in memory when it is forgotten", function()
      if scratch.checked then pending "a checker keeps what was freed" end
      local typed <const> = "8351-7264 secret"
      local place <close> = station.place()
      local script = place:write("script.lua", [[
        local pin, clock = require "jig.pin", require "jig.clock"
        assert(pin.ask "PIN of the token: ")
        pin.forget()
        local file <close> = io.open(arg[1] .. "/pid", "w")
        file:write(io.open("/proc/self/stat"):read "n", "\n")
        file:flush()
        clock.sleep(60)]])
      local terminal <close> = tmux.open(place, 80, 24)
      terminal:type(("%s %s %s"):format(scratch.program, script, place.path))
      station.eventually("the question", function() return shown(terminal):find("token:\n", 1, true) end)
      terminal:type(typed)
      local pid = station.eventually("its end", function()
        return station.read(place.path .. "/pid"):match "^(%d+)\n"
      end)
      local hits, why = canary.memory(math.tointeger(tonumber(pid)), typed)
      if not hits then pending("the memory cannot be read: " .. why) end
      assert.equal(0, #hits, table.concat(hits, "\n"))
    end)

    it("takes no empty one", function()
      at_terminal(function(terminal)
        terminal:key "Enter"
        station.eventually("the answer", function() return shown(terminal):find("this one has none", 1, true) end)
      end)
    end)

    it("needs a terminal", function()
      local script = folder:write("script.lua", SCRIPT)
      local result = scratch.run { scratch.program, script, folder.path } -- a child has none
      assert.equal("nil\tthere is no terminal at which to ask for the PIN\tunsupported\n", result.stdout)
    end)
  end)
end)
