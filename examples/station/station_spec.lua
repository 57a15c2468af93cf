-- The files with which a station is set up fit each other, what `make install` puts down, and jig as it is.

local options = require "jig.commands.options"
local scratch = require "spec.support.scratch"
local station = require "jig.station"

local BUILD <const> = os.getenv "JIG_BUILD" or "build"
local HERE <const> = "examples/station/"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- The settings of the unit: of each key the list of its values, as they stand.
local function unit()
  local found, section = {}, nil
  for line in read(HERE .. "jig-station.service"):gmatch("[^\n]+") do
    section = line:match("^%[(%u%l+)%]$") or section
    local key, value = line:match("^(%u[%w]*)=(.*)$")
    assert(key or line:find("^#") or line:find("^%[%u%l+%]$"), "no line of a unit: " .. line)
    if key then
      assert(section, line)
      found[key] = found[key] or {}
      table.insert(found[key], value)
    end
  end
  return found
end

-- The fields of the lines of a file that are no comments.
local function lines(name)
  local list = {}
  for line in read(HERE .. name):gmatch("[^\n]+") do
    local words = {}
    for word in line:gmatch("%S+") do words[#words + 1] = word end
    if not line:find("^#") then list[#list + 1] = words end
  end
  return list
end

describe("examples/station", function()
  local made, settings, folder, installed = nil, unit(), nil, nil

  setup(function()
    made = assert(station.load(HERE .. "station.lua"))
    folder = scratch.folder()
    installed = scratch.run { -- what is built is taken as it is
      "make", "install", "-o", BUILD .. "/jig", "BUILD=" .. BUILD, "DESTDIR=" .. folder.path, "PREFIX=/opt/jig",
      env = { MAKEFLAGS = false, MAKELEVEL = false, MFLAGS = false },
    }
  end)
  teardown(function() folder:__close() end)

  it("is hardened: systemd calls it OK or better", function()
    if not require("jig.system").program "systemd-analyze" then
      pending "systemd-analyze is not installed (package systemd)"
    end
    local result = scratch.run { "systemd-analyze", "security", "--offline=true", HERE .. "jig-station.service" }
    local level, word = result.stdout:match("Overall exposure level for jig%-station%.service: ([%d.]+) (%u+)")
    assert.truthy(level, result.stdout .. result.stderr)
    assert.truthy(({ OK = true, SAFE = true, PERFECT = true })[word], word)
    assert.equal("", result.stderr)
  end)

  it("names no file that is not made by a step before it", function()
    assert.equal(0, installed.exit, installed.stderr)
    local made_by = {
      ["/usr/local/bin/jig"] = folder:read "opt/jig/bin/jig" ~= "", -- by make install, with PREFIX=/usr/local
      ["/etc/jig/station.lua"] = read(HERE .. "README.md"):find("station.lua /etc/jig/", 1, true) ~= nil,
      ["/run/lock/jig"] = lines("jig.tmpfiles")[1][2] == "/run/lock/jig",
      ["/var/lib/jig"] = settings.StateDirectory[1] == "jig",
    }
    local count = 0
    for _, values in pairs(settings) do
      for _, value in ipairs(values) do
        for path in (" " .. value):gmatch("[%s=]%-?(/[^%s:]+)") do
          assert.is_true(made_by[path], path)
          count = count + 1
        end
      end
    end
    assert.equal(6, count)
  end)

  it("is installed as documentation, with the unit's program where jig is", function()
    for _, name in ipairs { "README.md", "station.lua", "jig.sysusers", "jig.tmpfiles", "jig.modules" } do
      assert.equal(read(HERE .. name), folder:read("opt/jig/share/doc/jig/station/" .. name), name)
    end
    local text = folder:read "opt/jig/share/doc/jig/station/jig-station.service"
    assert.equal((read(HERE .. "jig-station.service"):gsub("/usr/local/bin/", "/opt/jig/bin/")), text)
    assert.truthy(text:find("\nExecStart=/opt/jig/bin/jig run ", 1, true))
  end)

  it("calls jig with flags that it has", function()
    for _, line in ipairs { settings.ExecStartPre[1], settings.ExecStart[1] } do
      local verb, rest = line:match("^%-?/usr/local/bin/jig (%l+) (.*)$")
      local known = {}
      for _, option in ipairs((options.of(require("jig.commands." .. verb)))) do known[option.name] = true end
      for flag in rest:gmatch("%-%-[%w-]+") do assert.is_true(known[flag], flag) end
    end
  end)

  it("has a station file that fits the unit: folders, and the time to stop", function()
    assert.is_true(made.watch)
    assert.equal(settings.ReadWritePaths[1], made.cli.token.folder)
    assert.equal("/var/lib/" .. settings.StateDirectory[1] .. "/journal.db", made.journal.path)
    assert.is_true(made.stop < tonumber(settings.TimeoutStopSec[1]))
    for _, slot in ipairs(made.slots) do assert.matches("^recipes/", slot.recipe) end
  end)

  it("is started again after a crash alone: a refused PIN is not tried again", function()
    assert.same({ "on-abnormal", "1 5", "mixed" },
      { settings.Restart[1], settings.SuccessExitStatus[1], settings.KillMode[1] })
    assert.is_nil(settings.RestartForceExitStatus)
  end)

  it("keeps memory off the disk, and the PIN out of the environment", function()
    assert.same({ "0", "0", "0077" }, { settings.LimitCORE[1], settings.MemorySwapMax[1], settings.UMask[1] })
    assert.is_nil(settings.Environment)
    assert.is_nil(settings.EnvironmentFile)
  end)

  it("runs as a user who is made, in the groups that jig udev gives devices to", function()
    local made_users, groups = {}, {}
    for _, words in ipairs(lines "jig.sysusers") do
      if words[1] == "u" then made_users[words[2]] = true end
      if words[1] == "m" then groups[#groups + 1] = words[3] end
    end
    assert.is_true(made_users[settings.User[1]])
    assert.equal(table.concat(groups, " "), settings.SupplementaryGroups[1])
    local rules = require("jig.udev.rules").text { { wire = "serial", vid = 1, name = "x" } }
    for group in rules:gmatch('GROUP="(%w+)"') do
      assert.truthy((" " .. settings.SupplementaryGroups[1] .. " "):find(" " .. group .. " ", 1, true), group)
    end
  end)

  it("shares the lock folder with its group, and with nobody else", function()
    assert.same({ { "d", made.cli.token.folder, "2775", "root", settings.Group[1], "-" } }, lines "jig.tmpfiles")
  end)

  it("loads the drivers of the kinds of devices that it is allowed", function()
    assert.same({ { "usbserial" }, { "cdc_acm" } }, lines "jig.modules")
    assert.same({ "char-ttyS rw", "char-ttyUSB rw", "char-ttyACM rw", "char-usb_device rw" }, settings.DeviceAllow)
    assert.equal("closed", settings.DevicePolicy[1])
  end)
end)
