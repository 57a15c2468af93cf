local machine = require "spec.support.machine"

local function said(open, file)
  local host = machine.new { ["/j"] = "", ["/j.d/owners/aa"] = { id = "1:1:1" }, ["/j.d/owners/bb"] = { id = "1:1:2" },
    ["/proc/locks"] = "1: FLOCK  ADVISORY  WRITE 12 1:1:1 0 EOF\n" }
  host.journal = function() return { events = 1, open = open } end
  return machine.check("sessions", host, { journal = { path = "/j" }, file = file })
end

describe("jig doctor: sessions", function()
  it("is content when all have an end", function() machine.says(said {}, "ok", "all sessions have an end") end)

  it("warns of those whose jig is gone", function()
    machine.says(said { { owner = "bb" } }, "warn",
      "1 session is not reported: the next jig run does it, or now jig recover")
    machine.says(said({ { owner = "bb" }, { owner = "cc" }, {} }, "/s.lua"), "warn",
      "3 sessions are not reported: the next jig run does it, or now jig recover --station /s.lua")
  end)

  it("tells those of a jig that runs from them", function()
    machine.says(said { { owner = "aa" } }, "ok", "1 session is at work in a jig that runs")
    machine.says(said { { owner = "aa" }, { owner = "aa" }, { owner = "bb" } }, "warn", "1 session is not reported")
  end)

  it("has nothing to say without a journal", function()
    assert.same({}, machine.check("sessions", machine.new {}, { journal = { path = "/j" } }))
    assert.same({}, machine.check("sessions", machine.new {}, {}))
  end)
end)
