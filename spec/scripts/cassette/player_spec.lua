local format = require "jig.cassette.format"
local loader = require "jig.loader"
local locate = require "jig.locate"
local player = require "jig.cassette.player"
local reader = require "jig.cassette.reader"
local sandbox = require "jig.sandbox"
local scratch = require "spec.support.scratch"
local tapes = require "spec.support.tapes"

local function plan_of(path)
  local file, folder = locate(path)
  return { file = file, folder = folder, recipe = assert(loader.load(file, folder, sandbox.files(true))) }
end

-- Plays lines to a recipe: the difference, or nil. An error is one of the cassette.
local function play(lines, plan, options)
  local text = tapes.text(lines)
  return player.new(assert(reader.of("a", text)), plan, options or {}):play()
end

-- What becomes of lines: "refused" by the reader, "same", or what differs.
local function outcome(lines, plan)
  local made = reader.of("a", tapes.text(lines))
  if not made then return "refused" end
  local ok, found = pcall(player.play, player.new(made, plan, {}))
  if not ok then return "refused" end -- such a frame there is not
  return found and found.what or "same"
end

local function copy(lines)
  return table.move(lines, 1, #lines, 1, {})
end

-- Two lines change places, and keep their times.
local function swap(lines, i)
  local made = copy(lines)
  local one, other = lines[i]:match("^%d+%.%d+"), lines[i + 1]:match("^%d+%.%d+")
  if not (one and other) then return nil end
  made[i], made[i + 1] = one .. lines[i + 1]:sub(#other + 1), other .. lines[i]:sub(#one + 1)
  return made
end

-- One character within each value, another: digit for digit, letter for letter.
local function mutants(line)
  local list = {}
  for start, value in line:gmatch("=()([^ ]+)") do
    local at = start + #value // 2
    local byte = line:sub(at, at)
    local other = byte:find("%d") and tostring((byte + 1) % 10) or byte:find("%a") and (byte == "a" and "b" or "a")
    if other then list[#list + 1] = line:sub(1, at - 1) .. other .. line:sub(at + 1) end
  end
  return list
end

-- Whether a change of this line matters to nobody: what the station calls the recipe and the unit, and what the
-- device says and the recipe never looks at.
local function is_idle(line, was)
  if was:find("^recipe ") or was:find("^unit ") then return true end
  if was:find("< text", 1, true) then return true end
  if was:find("< answer", 1, true) and was:gsub("scp=%d+", "") == line:gsub("scp=%d+", "") then return true end
  if was:find("< frame", 1, true) then
    local function without(text) return (text:gsub("scp=%d+", ""):gsub("command=%d+", "")) end
    return without(was) == without(line)
  end
  return false
end

describe("jig.cassette.player", function()
  for _, name in ipairs { "thermostat", "meter", "gateway" } do
    describe(name, function()
      local plan, lines = plan_of("examples/" .. name), nil

      setup(function() lines = tapes.record { recipe = "examples/" .. name } end)

      it("does what it did, strictly, too", function()
        assert.is_nil(play(lines, plan))
        assert.is_nil(play(lines, plan, { strict = true }))
      end)

      it("differs where a line is missing, but for what the device says to nobody", function()
        for i = 1, #lines do
          local made = copy(lines)
          table.remove(made, i)
          local found = outcome(made, plan)
          if not lines[i]:find("< text", 1, true) then assert.not_equal("same", found, lines[i]) end
        end
      end)

      it("differs where two lines stand in another order, but for what the device says to nobody", function()
        for i = 1, #lines - 1 do
          local made = swap(lines, i)
          local said = (lines[i] .. lines[i + 1]):find("< text", 1, true)
          if made and not said then assert.not_equal("same", outcome(made, plan), lines[i]) end
        end
      end)

      it("differs where jig did more", function()
        for i = 4, #lines do
          if not lines[i]:find(" < ", 1, true) then
            local made = copy(lines)
            table.insert(made, i, lines[i])
            assert.not_equal("same", outcome(made, plan), lines[i])
          end
        end
      end)

      if name == "gateway" then return end -- it has no values that the others have not

      it("differs where a value is another, but for what nobody looks at", function()
        local differed = 0
        for i = 1, #lines do
          for _, line in ipairs(mutants(lines[i])) do
            local made = copy(lines)
            made[i] = line
            local found = outcome(made, plan)
            if found ~= "same" then differed = differed + 1 end
            if not is_idle(line, lines[i]) then assert.not_equal("same", found, line) end
          end
        end
        assert.is_true(differed > 15)
      end)
    end)
  end

  -- A recipe of one's own, recorded as it is and played to another.
  local BASE <const> = [[
    local jig = require "jig"
    local framing = require "jig.framing.length" { header = ">I2 length", reply = ">I2 length B status" }
    return jig.recipe { name = "lamp", port = "tcp:127.0.0.1:1", framing = framing, limits = { exchange = 2 }, %s }]]

  local function device(self)
    self:write("SN=T1\nready\n")
    for _ = 1, 2 do
      self:receive()
      self:send { status = 0, payload = "an answer of some bytes" }
    end
  end

  local function change(before, after, more)
    local one <close> = scratch.folder { ["recipe.lua"] = BASE:format(before) }
    local other <close> = scratch.folder { ["recipe.lua"] = BASE:format(after) }
    local options = { recipe = one.path, device = device }
    for key, value in pairs(more or {}) do options[key] = value end
    options.play, options.hook = nil, nil
    local lines = tapes.record(options)
    local found = play(lines, plan_of(other.path), more and more.play)
    return found, lines
  end

  for what, case in pairs {
    ["a changed byte"] = { "unit.port:write('go')", "unit.port:write('gu')", "other content: bytes" },
    ["a byte more"] = { "unit.port:write('go')", "unit.port:write('go!')", "other content: bytes" },
    ["a byte less"] = { "unit.port:write('go!')", "unit.port:write('go')", "less was written" },
    ["a missing call"] = { "unit.port:set('dtr', true)", "", "missing, or in another order" },
    ["an extra call"] = { "", "unit.port:set('dtr', true)", "another step, or one more" },
    ["another order"] = { "unit.port:set('dtr', true) unit.port:write('a')",
      "unit.port:write('a') unit.port:set('dtr', true)", "missing, or in another order" },
    ["another serial number"] = { "unit.serial = unit.port:expect('SN=(%w+)\\n')",
      "unit.serial = unit.port:expect('SN=T(%w+)\\n')", "another verdict: serial" },
    ["a unit that fails now"] = { "", "unit:fail('lamp.broken', { code = 7, reason = 'oh' })",
      "missing, or in another order" },
    ["an answer that is not awaited"] = { "unit.port:expect('ready\\n') unit.port:write('go')", "unit.port:write('go')",
      "done before the lines above it were read" },
  } do
    it("finds " .. what, function()
      local found = change(("prepare = function(unit) %s end"):format(case[1]),
        ("prepare = function(unit) %s end"):format(case[2]))
      assert.truthy(found, "the same")
      assert.truthy(found.what:find(case[3], 1, true), found.what)
    end)
  end

  it("finds another code, and another message to the device", function()
    local broken = "status = { [7] = { 'lamp.broken', code = %d, reason = 'oh' } }"
    local function seven(self) self:receive() self:send { status = 7 } end
    local found = change(broken:format(1), broken:format(2), { device = seven })
    assert.equal("other content: code", found.what)
    found = change("", [[run = function(unit)
        local init = unit:new_device()
        unit:exchange { payload = init.payload .. "!" }
      end]])
    assert.equal("other content: payload", found.what)
  end)

  it("finds no difference in how text is cut, unless it is strict", function()
    local before = "prepare = function(unit) unit.port:write('go') unit.port:write('on') end"
    local after = "prepare = function(unit) unit.port:write('g') unit.port:write('oon') end"
    assert.is_nil((change(before, after)))
    assert.is_nil((change(after, before)))
    assert.equal("other content: bytes", change(before, after, { play = { strict = true } }).what)
  end)

  it("finds no difference in times, unless it is strict, and not within the tolerance", function()
    local before = "prepare = function(unit) unit.port:write('go') jig.sleep(0.1) unit.port:write('on') end"
    local after = "prepare = function(unit) unit.port:write('go') jig.sleep(0.5) unit.port:write('on') end"
    assert.is_nil((change(before, after)))
    assert.truthy(change(before, after, { play = { strict = true } }).what:find("at another time", 1, true))
    assert.is_nil((change(before, after, { play = { strict = true, tolerance = 0.5 } })))
  end)

  for what, options in pairs {
    ["a silent device"] = { device = function() end },
    ["a device that hangs up"] = { device = function(self) self:receive() self:hang_up() end },
    ["an answer that is cut"] = { device = function(self) self:receive() self:write("\0\50\0cut") end },
    ["a CLI that refuses"] = { cli = { new_device = { exit = 3, err = "no such lot" } } },
    ["a CLI that refuses with an answer"] = { cli = { new_device = { exit = 3, out = "SCP 1\nPAYLOAD 00\n" } } },
    ["a CLI that is killed"] = { cli = { get_device_configuration = { signal = 11 } } },
    ["a CLI that hangs"] = { cli = { handle_device_response = { after = math.huge } } },
    ["a CLI that prints rubbish"] = { cli = { get_device_configuration = { out = "SCP 1\nPAYLOAD zz\n" } } },
    ["a CLI that is not there"] = { cli = { new_device = { missing = true } } },
    ["a report that is refused"] = { device = function() end, cli = { report_error = { exit = 1, err = "no" } } },
    ["an interrupt"] = { device = function(self) self:receive() end, interrupt = 0.5 },
    ["an interrupt while the CLI works"] = { cli = { new_device = { after = 5 } }, interrupt = 1 },
    ["settings of the CLI"] = { cli = { new_device = { exit = 3 } },
      service = { accept = { 0, 5 }, report = { refused = true } } },
    ["a limit of the CLI"] = { cli = { new_device = { after = 2 } }, service = { limits = { new_device = 1 } } },
    ["payloads that were kept"] = { recording = { keep = true } },
    ["an exchange of one's own, with payloads"] = { recording = { keep = true }, hook = [[
      exchange = function(unit, request)
        for byte in request.payload:gmatch(".") do
          unit.port:write(byte)
          unit.port:read(1)
        end
        return { payload = unit.port:read(4) }
      end]], device = function(self)
      self:write("x")
      for _ = 1, 2 do
        for _ = 1, 48 do self:write(self:read(1)) end
        self:write("done")
      end
    end },
  } do
    it("plays again " .. what, function()
      local hook = options.hook or ""
      local found, lines = change(hook, hook, options)
      assert.is_nil(found, found and table.concat(lines, "\n"))
    end)
  end

  it("plays a token's trouble again", function()
    local service = { token = false }
    for name, words in pairs { busy = "in use", missing = "none", pin = "wrong" } do
      service.token = service.token or { folder = "/tmp" }
      service.token[name] = { patterns = { words } }
    end
    local folder <close> = scratch.folder()
    service.token.folder = folder.path .. "/locks"
    for words, code in pairs { none = "token_missing", wrong = "pin" } do
      local found, lines = change("", "", { service = service,
        cli = { new_device = { exit = 20, err = "token: " .. words } } })
      assert.is_nil(found)
      assert.truthy(table.concat(lines, "\n"):find("code=" .. code, 1, true))
    end
  end)

  it("ends in the middle of what is unfinished", function()
    local plan = plan_of("examples/thermostat")
    local lines = tapes.record { recipe = "examples/thermostat" }
    for last = 5, #lines do
      local text = format.VERSION .. "\n" .. table.concat(lines, "\n", 1, last) .. "\n"
      assert.is_nil(player.new(assert(reader.of("a", text, true)), plan, {}):play(), lines[last])
    end
  end)

  it("says what it cannot play", function()
    local plan = plan_of("examples/thermostat")
    local lines = tapes.record { recipe = "examples/thermostat", cli = { new_device = { exit = 3 } } }
    for i, line in ipairs(lines) do lines[i] = line:gsub("code=refused", "code=duplicate") end
    local ok, message = pcall(play, lines, plan)
    assert.is_false(ok)
    assert.truthy(message:find("is not played again: duplicate", 1, true), message)
    lines = tapes.record { recipe = "examples/thermostat" }
    for i, line in ipairs(lines) do lines[i] = line:gsub("< frame (.*)scp=256", "< frame %1scp=70000") end
    ok, message = pcall(play, lines, plan)
    assert.is_false(ok)
    assert.truthy(message:find("cannot make this frame", 1, true), message)
  end)
end)
