local machine = require "spec.support.machine"

local function said(journal, report, settings)
  local host = machine.new { ["/j"] = "" }
  host.journal = function() return table.unpack(journal) end
  host.verify = function(_, key)
    if report == nil then error "verified" end
    if report.key then assert.equal(report.key, key) end
    return table.unpack(report)
  end
  return machine.check("journal", host, { journal = settings or { path = "/j" } })
end

describe("jig doctor: journal", function()
  it("verifies it, with the key that signs it", function()
    machine.says(said({ { events = 3 } }, { { sound = true, events = 3 } }), "ok", "/j is sound, 3 events")
    local keyed = { { sound = true, events = 3 }, key = "/k" }
    machine.says(said({ { events = 3 } }, keyed, { path = "/j", key = "/k" }), "ok", "sound")
  end)

  it("fails for one that is not sound, or cannot be read", function()
    machine.says(said({ { events = 3 } }, { { sound = false, text = "event 2 was changed" } }), "fail",
      "/j is not sound: event 2 was changed; keep a copy")
    machine.says(said({ { events = 3 } }, { nil, "no key" }), "fail", "/j cannot be verified: no key")
    machine.says(said({ nil, "file is not a database" }), "fail", "/j cannot be read: file is not a database")
  end)

  it("leaves one of more than 50,000 events to jig journal verify", function()
    machine.says(said({ { events = 50000 } }, { { sound = true, events = 50000 } }), "ok", "sound")
    machine.says(said { { events = 50001 } }, "ok", "too many to verify each time: jig journal verify --journal /j")
  end)

  it("says when there is none: not yet, on purpose, or nowhere", function()
    local none = machine.check("journal", machine.new {}, { journal = { path = "/j" } })
    machine.says(none, "ok", "the first run makes /j")
    local host = machine.new {}
    host.stat = function(path) return nil, path .. ": Permission denied", "denied" end
    machine.says(machine.check("journal", host, { journal = { path = "/j" } }), "fail", "/j: Permission denied; ask as")
    machine.says(machine.check("journal", machine.new {}, {}), "warn", "journal = false")
    machine.says(machine.check("journal", machine.new {}, { journal = {} }), "fail", "there is no HOME")
  end)
end)
