local clock = require "jig.clock"
local peer = require "spec.peer"
local port = require "jig.port"
local proc = require "jig.proc"
local scratch = require "spec.support.scratch"
local wires = require "spec.support.wires"

local function open(address)
  return assert(port.open(address, { limit = 5 }))
end

describe("transports/exec", function()
  it("hands the words over as they are, without a shell", function()
    local words = { "a b", "*", "$HOME", "'\"", "\\", "?", "%", ";", "\xFF", "--" }
    local escaped = {}
    for i, word in ipairs(words) do
      escaped[i] = word:gsub("[^%w]", function(c) return ("%%%02x"):format(c:byte()) end)
    end
    local p <close> = open("exec:printf [%25s] " .. table.concat(escaped, " "))
    local wanted = "[" .. table.concat(words, "][") .. "]"
    assert.equal(wanted, p:read(#wanted, 5))
  end)

  it("says how the program ended, after everything it wrote", function()
    local cases = {
      { "exec:sh -c printf%20all;exit%203", "all", "exited with status 3" },
      { "exec:sh -c exit%200", "", "exited with status 0" },
      { "exec:sh -c printf%20x;kill%20-9%20$$", "x", "signal 9 " },
      { "exec:sh -c printf%20x;exit%203?pty=1", "x", "exited with status 3" },
    }
    for _, case in ipairs(cases) do
      local p <close> = open(case[1])
      assert.equal(case[2], p:read(#case[2], 5))
      local got, message, code = p:read(1, 5)
      assert.same({ nil, "lost" }, { got, code })
      assert.matches(case[3], message, 1, true)
      assert.same({ nil, message, "lost" }, { p:write("x", 5) })
    end
  end)

  it("is lost with its program even when somebody holds the wire open", function()
    local p <close> = open("exec:sh -c sleep%2060%20&%20echo%20$!;exit%204")
    local orphan = math.tointeger(p:read_until("\n", 5))
    local _, message, code = p:read(1, 5)
    peer.kill(orphan)
    assert.equal("lost", code)
    assert.matches("status 4", message)
  end)

  it("is lost when the program closes its end and runs on", function()
    local p <close> = open("exec:sh -c exec%20>&-%20<&-;sleep%2060")
    local _, message, code = p:read(1, 5)
    assert.equal("lost", code)
    assert.matches("still runs", message)
  end)

  it("hands out what a program said before it closed its end, also when a write meets that first", function()
    for _, after in ipairs { "sleep%2060", "sleep%200.05;exit%203" } do
      local p <close> = open("exec:sh -c printf%20bye;exec%20>&-%20<&-;" .. after)
      local from = clock.now()
      repeat
        local sent, _, code = p:write("x", 5)
        if not sent then assert.equal("lost", code) end
      until not sent or clock.now() - from > 5
      assert.equal("bye", p:read(3, 5))
      assert.same("lost", (select(3, p:read(1, 5))))
    end
  end)

  it("carries more than the wire holds before the program reads", function()
    local p <close> = open("exec:sh -c sleep%200.1;wc%20-c")
    assert.is_true(p:write(("x"):rep(1 << 20), 5))
    p:close()
  end)

  it("keeps the program's stderr out of the wire", function()
    local p <close> = open("exec:sh -c echo%20noise%20>&2;echo%20signal")
    assert.equal("signal\n", p:read(7, 5))
  end)

  it("gives the program a terminal with pty=1, and a raw one", function()
    local p <close> = open("exec:sh -c test%20-t%200%20&&%20test%20-t%201%20&&%20echo%20yes;cat?pty=1")
    assert.equal("yes\n", p:read(4, 5))
    p:write("a\r\n\x03\x04", 5)
    assert.equal("a\r\n\x03\x04", p:read(5, 5))
    local q <close> = open("exec:sh -c test%20-t%200%20||%20echo%20no")
    assert.equal("no\n", q:read(3, 5))
  end)

  it("ends the program when it is closed, and kills one that ignores that", function()
    for _, script in ipairs { "", "trap%20''%20TERM;" } do
      local p <close> = open("exec:sh -c " .. script .. "echo%20$$;while%20:;do%20sleep%200.05;done")
      local pid = math.tointeger(p:read_until("\n", 5))
      assert.is_true(peer.alive(pid))
      local from = clock.now()
      p:close()
      assert.is_true(clock.now() - from < 0.5)
      wires.eventually(function() return not peer.alive(pid) and proc.running() == 0 end)
    end
  end)

  it("says what is wrong with a program or an option", function()
    if scratch.valgrind then pending "posix_spawn tells no errors under valgrind" end
    local cases = {
      { "exec:no-such-program-here", "not_found", "no-such-program-here" },
      { "exec:/etc/passwd", "denied", "/etc/passwd" },
      { "exec:cat?pty=yes", "invalid", "pty" },
      { "exec:cat?stderr=file", "invalid", "stderr" },
      { "exec:cat?tty=1", "invalid", "tty" },
    }
    local before = peer.descriptors()
    for _, case in ipairs(cases) do
      local p, message, code = port.open(case[1])
      assert.same({ nil, case[2] }, { p, code })
      assert.matches(case[3], message, 1, true)
    end
    assert.equal(before, peer.descriptors())
  end)
end)
