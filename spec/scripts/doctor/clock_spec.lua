local machine = require "spec.support.machine"

local NOW <const> = 1790000000 -- of the machine: 2026-09-21T14:13:20Z

local function said(files, change)
  files["/j"] = ""
  local host = machine.new(files)
  host.journal = function() return { events = 0 } end
  change(host)
  return machine.check("clock", host, { journal = { path = "/j" } })
end

describe("jig doctor: clock", function()
  it("is content with one that is kept right", function()
    machine.says(said({}, function() end), "ok", "it is 2026-09-21T14:13:20Z, and kept right within 0.01 s")
  end)

  it("warns of one that nobody sets", function()
    local function nobody(host) host.clock = function() return { synchronised = false, off = 16 } end end
    machine.says(said({}, nobody), "warn", "nothing keeps the clock right: timedatectl set-ntp true")
    machine.says(said({ ["/run/systemd/timesync/synchronized"] = "" }, nobody), "ok", "was set by systemd-timesyncd")
  end)

  it("says so when it may not ask, as in a unit with ProtectClock", function()
    local function denied(host) host.clock = function() return nil, "denied", "denied" end end
    machine.says(said({}, denied), "warn", "may not be asked here")
    machine.says(said({ ["/run/systemd/timesync/synchronized"] = "" }, denied), "ok", "was set")
  end)

  it("fails when it is behind the newest record, to the second", function()
    local function newest(microseconds)
      return function(host) host.journal = function() return { events = 1, newest = microseconds } end end
    end
    machine.says(said({}, newest(NOW * 1000000 + 999999)), "ok", "kept right")
    machine.says(said({}, newest((NOW + 1) * 1000000)), "fail", "the newest record is of 2026-09-21T14:13:21Z")
  end)

  it("asks no journal that is not there", function()
    local host = machine.new {}
    host.journal = function() error "asked" end
    machine.says(machine.check("clock", host, { journal = { path = "/j" } }), "ok", "kept right")
    machine.says(machine.check("clock", host, {}), "ok", "kept right")
  end)
end)
