--- A unit whose messages are secrets that a spec knows: the device is a task of the spec, at a pseudo-terminal; the CLI
-- is spec/support/fake_tool.lua. What jig makes of it lies in `place`; the CLI's own files, with the messages, do not.
--
--     local unit <close> = carrier.new { statuses = { 0, 5 } }
--     local run <close> = unit:start { "--trace" }
--     local result = run:finish()
--     assert.is_nil(carrier.leak(result.stderr))

local canary = require "spec.support.canary"
local clock = require "jig.clock"
local digest = require "jig.digest"
local hex = require "jig.hex"
local length = require "jig.framing.length"
local lfs = require "lfs"
local peer = require "spec.peer"
local scratch = require "spec.support.scratch"
local station = require "spec.support.station"
local task = require "jig.task"
local wires = require "spec.support.wires"

local carrier = {}

-- Bytes of a secret that are looked for: enough not to stand anywhere by chance.
local LOOKED_FOR <const> = 12

-- Bytes of each message, small blocks of memory and large ones among them: a secret at each end, and what is none
-- between them.
local SIZES <const> = { 100, 90, 1984, 600 }

--- The messages of a unit, in the order in which they pass, and what is looked for of each.
---@type string[], string[]
carrier.messages, carrier.secrets = {}, {}
for i, size in ipairs(SIZES) do
  local secret = digest.sha256("canary " .. i)
  carrier.secrets[i] = secret:sub(1, LOOKED_FOR)
  carrier.messages[i] = secret .. ("\1"):rep(size - 2 * #secret) .. secret
end

local CODEC <const> = length {
  header = ">I2 scp I2 length", reply = ">I2 scp I2 length B status", crc = "CRC-16/IBM-3740", max = 4096,
}.device

---@class spec.Carrier
---@field place spec.Place   all that jig writes
---@field tool any           the folder of the CLI
local methods = {}
methods.__index = methods

-- Answers each message, for unit after unit, until the wire is gone.
local function serve(self)
  local decoder, count = CODEC.decoder(), 0
  while not self.closed do
    local bytes = self.pty:read()
    local frame = decoder:feed(bytes or "")
    if frame then
      count = count % 2 + 1
      local status = self.statuses[count] or 0
      wires.write(self.pty, CODEC.encode { scp = frame.scp, status = status, payload = carrier.messages[2 * count] })
      if status ~= 0 then count = 0 end
    elseif not bytes then
      clock.sleep(0.001)
    end
  end
end

--- What the CLI prints of its n-th payload.
---@param n integer  1 or 2
---@return string
function carrier.printed(n)
  return ("SCP %d\nPAYLOAD %s\n"):format(n, hex.encode(carrier.messages[2 * n - 1]))
end

-- What the CLI answers, as the text of fake_tool's plan; `more` has the text of some commands' answers.
local function plan(more)
  local answers = {
    new_device = ("{ stdout = %q }"):format(carrier.printed(1)),
    get_device_configuration = ("{ stdout = %q }"):format(carrier.printed(2)),
  }
  for command, text in pairs(more or {}) do answers[command] = text end
  local parts = {}
  for command, text in pairs(answers) do parts[#parts + 1] = ("%s = %s,"):format(command, text) end
  return "{ " .. table.concat(parts, "\n") .. " }"
end

--- A station with its device and CLI. Yields.
---@param options { statuses?: integer[], cli?: table<string, string>, recipe?: string }  statuses of the device's
---  answers; answers of the CLI by command, as text for fake_tool's plan; further fields of the recipe, as text
---@return spec.Carrier
function carrier.new(options)
  local self = setmetatable({ place = station.place(), tool = scratch.folder(), statuses = options.statuses or {},
    pty = assert(peer.pty(true)) }, methods)
  self.settings = self.tool:cli(plan(options.cli))
  self.recipe = self.tool:write("recipe.lua", scratch.recipe(options.recipe))
  self.task = task.spawn(serve, self)
  return self
end

--- What follows "jig" to run it, with a journal.
---@param arguments string[]
---@return string[]
function methods:words(arguments)
  self.journal = self.place:fresh "journal"
  local words = { "run", self.recipe, "--port", "tty:" .. self.pty:path(), "--journal", self.journal,
    "--station", self.tool:write("station.lua", ([[return {
      cli = { path = %q, arguments = { %q, %q }, token = { folder = %q } } }]]):format(self.settings.cli,
      self.settings.arguments[1], self.settings.arguments[2], self.place.path .. "/locks")) }
  return table.move(arguments, 1, #arguments, #words + 1, words)
end

--- Starts `jig run` on it. Does not wait.
---@param arguments string[]
---@return spec.Run
function methods:start(arguments)
  local run = station.start_jig(self.place, self:words(arguments))
  run.json = arguments.json
  return run
end

--- Looks for the secrets in a text.
---@param text string
---@return string|nil what
function carrier.leak(text)
  for i, secret in ipairs(carrier.secrets) do
    local form, at = canary.find(text, secret)
    if form then return ("message %d, as %s, at %d of: %s"):format(i, form, at, text:sub(math.max(at - 200, 1), at)) end
  end
end

--- The CLI's processes that run now: the arguments of each, by its id.
---@return table<string, string>
function methods:calls()
  local found, of_cli = {}, "/fake_tool.lua\0" .. self.tool.path .. "\0"
  for name in lfs.dir "/proc" do
    local words = name:find "^%d+$" and station.read("/proc/" .. name .. "/cmdline") or ""
    if words:find(of_cli, 1, true) then found[name] = words end
  end
  return found
end

--- Looks for them in all files that jig wrote.
---@return string|nil what
---@return integer files
function methods:leak_on_disk()
  local count = 0
  for path in station.execute("find", self.place.path, "-type", "f"):gmatch("[^\n]+") do
    local what = carrier.leak(station.read(path))
    if what then return path .. ": " .. what, count end
    count = count + 1
  end
  return nil, count
end

function methods:__close()
  self.closed = true
  assert(self.task:join())
  self.pty:close()
  self.place:close()
  self.tool:__close()
end

return carrier
