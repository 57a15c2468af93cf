local machine = require "spec.support.machine"

local SUM <const> = ("ab"):rep(32)
local ELF <const> = "\127ELF"

local function said(at, station)
  local host = machine.new { ["/opt/tool"] = at }
  host.sha256 = function(path)
    if path == "/opt/tool" and not at.unreadable then return SUM end
    return nil, path .. ": Permission denied"
  end
  return machine.check("cli", host, { cli = { cli = "/opt/tool" }, station = station })
end

describe("jig doctor: cli", function()
  it("tells its path and its SHA-256", function() machine.says(said {}, "ok", "/opt/tool, SHA-256 " .. SUM) end)

  it("fails when it cannot be started, or read", function()
    local said_of = machine.check("cli", machine.new {}, { cli = { cli = "/opt/tool" } })
    machine.says(said_of, "fail", "cannot be started: /opt/tool: No such file or directory; name it by cli.path")
    machine.says(said { unreadable = true }, "fail", "the CLI cannot be read: /opt/tool: Permission denied")
  end)

  it("fails when others may change it: it gets the PIN", function()
    machine.says(said { mode = 511 }, "fail", "everybody may write /opt/tool, and so the CLI, which gets the PIN")
  end)

  it("holds it against the one that the station pins", function()
    machine.says(said({ text = ELF }, { trust = { cli = SUM } }), "ok", SUM .. ", as the station file pins it")
    machine.says(said({}, { trust = { cli = ("cd"):rep(32) } }), "fail", "the station file pins " .. ("cd"):rep(32))
    machine.says(said({ mode = 511 }, { trust = { cli = ("cd"):rep(32) } }), "fail", "everybody", "fail", "pins")
  end)

  it("fails when the station pins a script, which a run refuses", function()
    for _, text in ipairs { "#!/bin/sh\n", "" } do
      machine.says(said({ text = text }, { trust = { cli = SUM } }), "fail", "/opt/tool is a script, or no program")
      machine.says(said({ text = text }), "ok", SUM)
    end
  end)

  it("fails when the station pins it and its path leads over a link", function()
    local host = machine.new { ["/opt/tool"] = {} }
    host.realpath, host.sha256 = function() return "/opt/real" end, function() return SUM end
    local about = { cli = { cli = "/opt/tool" }, station = { trust = { cli = SUM } } }
    machine.says(machine.check("cli", host, about), "fail", "/opt/tool leads over a link, and a run of a station that "
      .. "says trust refuses it: name /opt/real as cli.path")
    about.station.trust = nil
    machine.says(machine.check("cli", host, about), "ok", "/opt/tool, SHA-256 ")
  end)
end)
