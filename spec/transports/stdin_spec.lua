local port = require "jig.port"
local proc = require "jig.proc"
local scratch = require "spec.support.scratch"

-- What a script prints that reads lines from stdin:, with the words of a shell before it.
local LINES <const> = [[
local port = require "jig.port"
local wire <close> = assert(port.open "stdin:-")
local _, _, refused = wire:write("x")
io.write("ready ", refused, "\n") io.flush()
while true do
  local line, message, code = wire:read_until("\n", 60)
  if not line then print(message, code) break end
  io.write("<", line:sub(1, -2), ">\n") io.flush()
end
]]

local function lines(folder, before, after)
  local script = folder:write("lines.lua", LINES)
  return scratch.run { "sh", "-c", ("%s %s %s %s"):format(before, scratch.program, script, after or "") }
end

describe("transports/stdin", function()
  it("reads what comes through a pipe, to its end, and cannot be written to", function()
    local folder <close> = scratch.folder()
    local result = lines(folder, "printf 'a\\n\\nb c\\n' |")
    assert.equal("ready unsupported\n<a>\n<>\n<b c>\nstdin:-: the input has ended\tlost\n", result.stdout)
  end)

  it("does not make stdout stop waiting where both are one terminal", function()
    local folder <close> = scratch.folder()
    local script = folder:write("flags.lua", LINES)
    local words = ("exec:%s %s?pty=1"):format(scratch.program, script)
    local wire <close> = assert(port.open(words))
    assert.equal("ready unsupported\n", wire:read_until("\n", 60))
    assert(wire:write("scan me\n"))
    assert.equal("<scan me>\n", wire:read_until("\n", 60))
  end)

  it("refuses a file, which cannot be waited for, and what stands behind its name", function()
    local folder <close> = scratch.folder()
    folder:write("input", "a\n")
    local result = lines(folder, "", "<" .. folder.path .. "/input")
    assert.is_not.equal(0, result.exit)
    assert.matches("it must be a terminal or a pipe", result.stderr, 1, true)
    local _, message, code = port.open "stdin:x"
    assert.same({ "invalid" }, { code })
    assert.matches("stdin: must be stdin:-", message, 1, true)
  end)

  it("shows nothing of what is typed on a terminal, and puts the terminal back", function()
    local folder <close> = scratch.folder()
    local script = folder:write("quiet.lua", [[
local port = require "jig.port"
os.execute("stty -F /dev/tty -a | grep -o '[-]*echo ' ")
do
  local wire <close> = assert(port.open "stdin:-")
  os.execute("stty -F /dev/tty -a | grep -o '[-]*echo ' ")
end
os.execute("stty -F /dev/tty -a | grep -o '[-]*echo ' ")
]])
    local child <close> = assert(proc.start {
      "script", "-qec", scratch.program .. " " .. script, "/dev/null", limit = 60,
    })
    local result = assert(child:wait())
    assert.equal("echo -echo echo", (result.stdout:gsub("%s+", " "):gsub(" $", "")))
  end)
end)
