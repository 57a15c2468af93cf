local locks = require "jig.doctor.locks"
local machine = require "spec.support.machine"

local LOCKS <const> = [[
1: FLOCK  ADVISORY  WRITE 23177 fe:00:42 0 EOF
2: POSIX  ADVISORY  WRITE 22630 fe:00:42 120 120
3: FLOCK  ADVISORY  WRITE 23178 fe:00:421 0 EOF
3: -> FLOCK  ADVISORY  WRITE 23179 fe:00:42 0 EOF
4: FLOCK  ADVISORY  READ 5 fe:00:42 0 EOF
]]

describe("jig.doctor.locks", function()
  it("finds who holds a file's lock of flock, and not who waits or has a lock of another kind", function()
    local host = machine.new { ["/proc/locks"] = LOCKS, ["/a"] = { id = "fe:00:42" }, ["/b"] = { id = "fe:00:43" } }
    assert.same({ 23177, 5 }, locks.holders(host, "/a"))
    assert.same({}, locks.holders(host, "/b"))
    assert.same({}, locks.holders(host, "/c"))
    assert.same({}, locks.holders(machine.new { ["/a"] = "" }, "/a"))
  end)

  it("names a program", function()
    local host = machine.new { ["/proc/7/comm"] = "minicom\n" }
    assert.equal("minicom (process 7)", locks.program(host, 7))
    assert.equal("a program (process 8)", locks.program(host, 8))
  end)
end)
