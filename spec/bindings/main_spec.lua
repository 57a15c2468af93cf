-- The program as it is started; what its scripts do then: spec/scripts/main_spec.lua.

local lfs = require "lfs"
local proc = require "jig.proc"
local scratch = require "spec.support.scratch"
local wires = require "spec.support.wires"

local SIGTERM <const> = 15

-- Runs text as the first of jig's scripts.
local function as_main(text, words)
  local folder <close> = scratch.folder { ["jig/main.lua"] = text }
  words = words or {}
  words.env = { JIG_PATH = folder.path, LD_PRELOAD = words.preload or nil, SLOWNAME_SECONDS = "60",
    ASAN_OPTIONS = words.preload and "verify_asan_link_order=0" or nil }
  words.preload = nil
  return scratch.jig(words)
end

describe("bindings/main", function()
  it("ends with the status that its scripts give", function()
    for text, status in pairs {
      ["return function() return 3 end"] = 3,
      ["return function() return 0 end"] = 0,
      ["return function() end"] = 0,
      ["return function() return 255 end"] = 255,
    } do
      assert.same({ status, "" }, { as_main(text).exit, as_main(text).stderr })
    end
  end)

  it("shows an error of its scripts with the traceback, and ends with 1", function()
    for _, text in ipairs { "error 'boom'", "return function() error 'boom' end",
      "return function() error(setmetatable({}, { __tostring = function() return 'boom' end })) end", } do
      local result = as_main(text)
      assert.same({ 1, "" }, { result.exit, result.stdout })
      assert.matches("^jig: [^\n]*boom\nstack traceback:", result.stderr)
    end
  end)

  it("hands over its words as arg", function()
    local result = as_main("return function() print(#arg, arg[0] ~= nil, table.concat(arg, '|')) end",
      { "a b", "", "--x", "\xFF" })
    assert.equal("4\ttrue\ta b||--x|\xFF\n", result.stdout)
  end)

  it("takes many words", function()
    local words = {}
    for i = 1, 2000 do words[i] = "w" .. i end
    local folder <close> = scratch.folder { ["try.lua"] = "print(#arg, select('#', ...), (select(2000, ...)))" }
    table.insert(words, 1, folder.path .. "/try.lua")
    local result = scratch.jig(words)
    assert.same({ 0, "2000\t2000\tw2000\n" }, { result.exit, result.stdout })
  end)

  it("opens no file under the numbers of stdin, stdout and stderr when they are closed", function()
    local folder <close> = scratch.folder {
      ["try.lua"] = [[
        local out = io.open(arg[1], "w")
        local proc = require "jig.proc"
        local result = assert(proc.start { "sh", "-c", "echo out; echo err >&2" }):wait()
        print "lost"
        io.stderr:write "lost"
        out:write(result.stdout, result.stderr, tostring(io.read()))
        out:close()
      ]],
    }
    for _, closed in ipairs { "<&-", ">&-", "2>&-", "<&- >&- 2>&-" } do
      local seen = folder.path .. "/seen"
      local command = ("exec %s %s/try.lua %s %s"):format(scratch.program, folder.path, seen, closed)
      assert.equal(0, scratch.run({ "sh", "-c", command }).exit)
      assert.equal("out\nerr\nnil", folder:read "seen")
    end
  end)

  it("raises its limit of descriptors to what it may have", function()
    local folder <close> = scratch.folder {
      ["try.lua"] = [[
        for line in io.lines "/proc/self/limits" do
          local soft, hard = line:match "^Max open files%s+(%S+)%s+(%S+)"
          if soft then print(soft == hard) end
        end
      ]],
    }
    local result = scratch.run { "sh", "-c", "ulimit -S -n 64; exec \"$0\" \"$1\"", scratch.program,
      folder.path .. "/try.lua" }
    assert.equal("true\n", result.stdout)
  end)

  it("survives a reader of its output that goes away", function()
    local folder <close> = scratch.folder {
      ["try.lua"] = [[
        for _ = 1, 10000 do io.write(("x"):rep(100), "\n") end
        io.stderr:write "alive"
      ]],
    }
    local result = scratch.run { "sh", "-c", "\"$0\" \"$1\" | head -n 1 >/dev/null", scratch.program,
      folder.path .. "/try.lua" }
    assert.same({ 0, "alive" }, { result.exit, result.stderr })
  end)

  it("does not wait for a name at its end that nobody looks for any more", function()
    local result = as_main([[return function()
      print(select(4, require("jig.port").open("tcp:device.example:7", { limit = 0.1 })))
      return 3
    end]], { preload = wires.build .. "/spec/slowname.so", limit = 30 })
    assert.same({ "open\n", "", 3 }, { result.stdout, result.stderr, result.exit })
  end)

  it("ends at a second signal where the loop has no turn to hear of the first", function()
    local folder <close> = scratch.folder { ["endless.lua"] = [[
      io.open(arg[1], "w"):close()
      while true do pcall(error) end]] }
    local child <close> = assert(proc.start { scratch.program, folder.path .. "/endless.lua", folder.path .. "/begun" })
    wires.eventually(function() return lfs.attributes(folder.path .. "/begun") end)
    child:kill(SIGTERM)
    assert.is_nil(child:wait(0.1))
    child:kill(SIGTERM)
    assert.equal(SIGTERM, assert(child:wait(30)).signal)
  end)

  it("tells that its output was lost, which is no success but of units", function()
    local folder <close> = scratch.folder { ["jig/main.lua"] = [[
      return function()
        for _ = 1, tonumber(arg[2]) do print "row" end
        return tonumber(arg[3])
      end]] }
    local function into(file, verb, rows, status)
      return scratch.run { "sh", "-c", ("exec \"$0\" %s %d %d >%s"):format(verb, rows, status, file), scratch.program,
        env = { JIG_PATH = folder.path } }
    end
    for _, case in ipairs { { "journal", 1, 0, 1 }, { "journal", 100000, 0, 1 }, { "journal", 1, 3, 3 },
      { "run", 1, 0, 0 } } do
      local result = into("/dev/full", table.unpack(case, 1, 3))
      assert.equal(case[4], result.exit)
      assert.matches("^jig: cannot write stdout", result.stderr)
    end
    assert.same({ 0, "" }, { into("/dev/full", "journal", 0, 0).exit, into("/dev/full", "journal", 0, 0).stderr })
    assert.same({ 0, "" }, { into("&-", "journal", 1, 0).exit, into("&-", "journal", 1, 0).stderr })
  end)
end)
