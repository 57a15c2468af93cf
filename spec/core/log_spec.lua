-- The log writes to jig's stderr, so a child runs with it.

local proc = require "jig.proc"
local wires = require "spec.support.wires"

-- What a script writes to stderr, as lines.
local function lines_of(script)
  local path = os.tmpname() .. ".lua"
  local file = assert(io.open(path, "w"))
  file:write([[
    local port, system = require "jig.port", require "jig.system"
    local function send(name, bytes)
      local p <close> = assert(port.open("exec:cat", { name = name }))
      p:write(bytes, 5)
      p:read(#bytes, 5)
    end
  ]], script)
  file:close()
  local result = assert(proc.start { wires.jig, path, limit = 20 }):wait()
  os.remove(path)
  assert.equal(0, result.exit)
  local lines = {}
  for line in result.stderr:gmatch("[^\n]*\n") do lines[#lines + 1] = line:sub(1, -2) end
  return lines
end

describe("core/log", function()
  it("shows traffic as time, name, direction, length and digest", function()
    local lines = lines_of [[system.log("trace") send("A", "abc")]]
    assert.equal(2, #lines)
    assert.matches("^ *%d+%.%d%d%d A > 3 bytes sha256:ba7816bf$", lines[1])
    assert.matches("^ *%d+%.%d%d%d A < 3 bytes sha256:ba7816bf$", lines[2])
  end)

  it("shows the bytes, 64 a line, only when it is told to", function()
    local lines = lines_of [[system.log("trace", true) send("A", ("\xFF"):rep(64) .. "\0")]]
    assert.equal(6, #lines)
    for _, first in ipairs { 1, 4 } do
      assert.matches("65 bytes sha256:%x+$", lines[first])
      assert.equal(("ff"):rep(64), lines[first + 1]:match("^ +(%x+)$"))
      assert.equal("00", lines[first + 2]:match("^ +(%x+)$"))
    end
  end)

  it("is silent below the level of a line", function()
    assert.same({}, lines_of [[system.log("debug", true) send("A", "abc")]])
  end)

  it("lets no control characters out", function()
    local lines = lines_of [[system.log("trace") send("\27[2J\n\127\xC2\x9B\xC3\xA9", "abc")]]
    assert.equal(2, #lines)
    assert.matches(" ?[2J????\xC3\xA9 > 3 bytes", lines[1], 1, true)
  end)
end)
