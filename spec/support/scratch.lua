-- Folders of a spec's own, the programs that were built, and a CLI that answers as it is told.
--
--     local folder <close> = scratch.folder { ["recipe.lua"] = "…" }
--     local result = scratch.jig { "check", folder.path }

local proc = require "jig.proc"
local system = require "jig.system"

local scratch = {}

local build = assert(system.realpath(os.getenv("JIG_BUILD") or "build"))
local support = assert(system.realpath("spec/support"))

--- The program under test.
scratch.program = build .. "/jig"

--- Whether this process runs under valgrind, or the program under test does (make valgrind-flow). There posix_spawn
--- does not tell that a program cannot be started: it ends with status 127.
scratch.valgrind = (os.getenv("LD_PRELOAD") or ""):find("vgpreload", 1, true) ~= nil
  or build:find("/valgrind$") ~= nil

--- Whether the program under test keeps memory that was freed, for a checker.
scratch.checked = scratch.valgrind or build:find("san", 1, true) ~= nil

-- Seconds that a program under test may take, however slow the machine.
local PATIENCE <const> = 120

--- Runs a program to its end. Yields.
---@param words table  as for proc.start
---@return { exit?: integer, signal?: integer, stdout: string, stderr: string }
function scratch.run(words)
  words.limit = words.limit or PATIENCE
  local child <close> = assert(proc.start(words))
  return assert(child:wait())
end

--- Runs jig with words (and cwd, env as for proc.start) to its end, with a journal of its own unless one
-- is named. Yields.
function scratch.jig(words)
  table.insert(words, 1, scratch.program)
  if words[2] ~= "run" then return scratch.run(words) end
  local state <close> = scratch.folder()
  words.env = words.env or {}
  words.env.XDG_STATE_HOME = state.path
  words.env.XDG_RUNTIME_DIR = words.env.XDG_RUNTIME_DIR or state.path
  return scratch.run(words)
end

--- Calls f(...) and keeps what it writes: stdout, stderr, then what it returns. For code that does not wait.
function scratch.capture(f, ...)
  local stdout, stderr, real_print, out, err = io.stdout, io.stderr, print, {}, {}
  local function sink(parts)
    return { write = function(_, ...) parts[#parts + 1] = table.concat { ... } end, flush = function() end }
  end
  rawset(io, "stdout", sink(out))
  rawset(io, "stderr", sink(err))
  rawset(_G, "print", function(line) out[#out + 1] = line .. "\n" end)
  local results = table.pack(pcall(f, ...))
  rawset(io, "stdout", stdout)
  rawset(io, "stderr", stderr)
  rawset(_G, "print", real_print)
  assert(results[1], results[2])
  return table.concat(out), table.concat(err), table.unpack(results, 2, results.n)
end

local folder = {}
folder.__index = folder

--- Writes a file of the folder and gives its path.
function folder:write(name, text)
  local path = self.path .. "/" .. name
  local directory = name:match("^(.*)/")
  if directory then scratch.run { "mkdir", "-p", self.path .. "/" .. directory } end
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

--- The text of a file of the folder; "" when there is none.
function folder:read(name)
  local file = io.open(self.path .. "/" .. name, "rb")
  if not file then return "" end
  local text = file:read("a")
  file:close()
  return text
end

--- Writes a program: a script that jig runs. Its path has no ".lua".
function folder:tool(name, body)
  local path = self:write(name, "#!" .. scratch.program .. "\n" .. body)
  scratch.run { "chmod", "755", path }
  return path
end

--- Sets what the fake CLI of this folder answers: the text of a table as spec/support/fake_tool.lua
-- takes it. Gives the settings with which session.service and station files call it.
function folder:cli(plan)
  self:write("plan.lua", "return " .. (plan or "{}"))
  return { cli = scratch.program, arguments = { support .. "/fake_tool.lua", self.path } }
end

--- The calls of the fake CLI so far: { command, session, … } each.
function folder:calls()
  local calls = {}
  for line in self:read("calls"):gmatch("[^\n]+") do
    local words = {}
    for word in line:gmatch("[^\t]+") do words[#words + 1] = word end
    calls[#calls + 1] = words
  end
  return calls
end

--- The commands of those calls, joined by spaces.
function folder:commands()
  local commands = {}
  for i, call in ipairs(self:calls()) do commands[i] = call[1] end
  return table.concat(commands, " ")
end

function folder:__close()
  scratch.run { "rm", "-rf", self.path }
end

--- A new folder with files in it: name -> text. Close it.
function scratch.folder(files)
  local name = os.tmpname()
  os.remove(name)
  assert(scratch.run { "mkdir", name }.exit == 0)
  local made = setmetatable({ path = name }, folder)
  for file, text in pairs(files or {}) do made:write(file, text) end
  return made
end

--- A recipe for spec/support/fake_device.lua; `more` are further fields, as text.
function scratch.recipe(more)
  return ([[
local jig = require "jig"
local length = require "jig.framing.length"
return jig.recipe {
  name = "lamp",
  version = "2",
  port = "pair:nowhere",
  framing = length { header = ">I2 scp I2 length", reply = ">I2 scp I2 length B status", crc = "CRC-16/IBM-3740",
    max = 4096 },
  limits = { exchange = 60, between = 60 },
  status = {
    [5] = { "lamp.dark", code = 50, reason = "dark", retry = true, advice = "Turn it on." },
    [6] = { "lamp.broken", code = 51, reason = "broken" },
  },
%s
}
]]):format(more or "")
end

--- The address of a fake device that answers with these statuses.
function scratch.device(...)
  return table.concat({ "exec:" .. scratch.program, support .. "/fake_device.lua", ... }, " ")
end

--- A station file's text for the fake CLI: `settings` as folder:cli gives them, other lines and those of the
-- token as they are. Its locks are in the folder, too.
function scratch.station(settings, more, token)
  local at = settings.arguments[2]
  local form = "return { cli = { path = %q, arguments = { %q, %q }, token = { folder = %q, %s }, " -- the CLI is a jig
    .. "env = { ASAN_OPTIONS = true } }, journal = { path = %q }, %s }"
  return form:format(settings.cli, settings.arguments[1], at, at .. "/lock", token or "", at .. "/journal", more or "")
end

return scratch
