local host = require "jig.doctor.host"
local machine = require "spec.support.machine"
local reading = require "spec.support.reading"
local scratch = require "spec.support.scratch"

describe("jig.doctor.host", function()
  it("answers all that a machine of the specs does, and more", function()
    for name in pairs(machine.new()) do assert.equal("function", type(host[name]), name) end
  end)

  it("reads files up to a megabyte", function()
    local folder <close> = scratch.folder { a = "text", big = ("x"):rep((1 << 20) + 1), none = "" }
    assert.equal("text", host.read(folder.path .. "/a"))
    assert.equal("", host.read(folder.path .. "/none"))
    assert.equal(1 << 20, #host.read(folder.path .. "/big"))
    for _, path in ipairs { folder.path, folder.path .. "/b" } do
      local text, message = host.read(path)
      assert.is_nil(text)
      assert.equal("string", type(message))
    end
  end)

  it("digests them", function()
    local folder <close> = scratch.folder { a = "abc" }
    assert.equal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", host.sha256(folder.path .. "/a"))
    assert.is_nil(host.sha256(folder.path .. "/b"))
  end)

  it("makes no journal where there is none", function()
    local folder <close> = scratch.folder()
    local path = folder.path .. "/journal.db"
    assert.equal("not_found", (select(3, host.journal(path))))
    assert.equal("not_found", (select(3, host.verify(path))))
    assert.same({}, host.list(folder.path))
  end)

  -- by another process, whose SQLite is jig's own
  it("tells of a journal's events, its newest record, and the sessions that are without an end", function()
    local at <close> = reading.journal()
    local script = at.folder:write("try.lua", [[
      local host = require "jig.doctor.host"
      local about = assert(host.journal(arg[1]))
      local report = host.verify(arg[1])
      print(about.events, about.newest, #about.open, about.open[1].id, report.sound, report.events)]])
    local result = scratch.jig { script, at.path }
    assert.equal("", result.stderr)
    local verified = at:read("verify", "--json").objects[1]
    local events, time, open, id, sound, checked = result.stdout:match("(%d+)\t(%d+)\t(%d+)\t(%w+)\t(%w+)\t(%d+)")
    assert.same({ verified.events, 1772323270000000, 1, "s6", "true", verified.events },
      { tonumber(events), tonumber(time), tonumber(open), id, sound, tonumber(checked) })
  end)
end)
