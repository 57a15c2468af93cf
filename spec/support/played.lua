-- A unit in a world (jig.world): the recipe of scratch.recipe, a device that is played by the hooks
-- `write` and `open`, and the vendor's CLI by the hook `start`.
--
--     local run <close> = played.new { cli = { new_device = { exit = 3 } } }
--     assert.equal("ended", run.world:run())
--     assert.equal("cli.refused", run:verdict().fault.name)

local product = require "spec.support.product"
local scratch = require "spec.support.scratch"
local world = require "jig.world"

local played = {}

--- What a CLI that is well answers.
played.right = {
  new_device = { out = "SCP 256\nPAYLOAD 01810000\n" },
  get_device_configuration = { out = "SCP 257\nPAYLOAD 02030405060708\n" },
  handle_device_response = { out = "FINGERPRINT " .. product.fingerprint .. "\n" },
  report_error = {},
}

local run = {}
run.__index = run

--- All messages that have come, and no more.
function run:read()
  for _, slot in ipairs(self.slots) do
    local message = slot:next()
    while message do
      self.messages[#self.messages + 1] = message
      message = slot:next()
    end
  end
  return self.messages
end

--- What the last unit came to; nil before.
function run:verdict()
  local last
  for _, message in ipairs(self:read()) do
    if message.event == "ended" then last = message end
  end
  return last
end

--- One more worker, with further fields of its configuration.
function run:work(more)
  local slot = self.world:slot()
  local config = {
    slot = ("A%d"):format(#self.slots + 1),
    file = self.folder.path .. "/recipe.lua",
    folder = self.folder.path .. "/",
    address = ("stage:dev%d"):format(#self.slots + 1),
    service = { cli = "factory_tool", grace = 2 },
    count = 1,
    retries = 0,
    journal = self.recorded,
  }
  for key, value in pairs(more or {}) do config[key] = value end
  self.slots[#self.slots + 1] = slot
  slot:start("jig.worker", config)
  return slot
end

function run:__close()
  self.world:close()
  if not self.lent then self.folder:__close() end
end

-- A device that answers each message at once.
local function device(self, t)
  local decoders, numbers = {}, {}
  return function(name, bytes)
    if t.write then
      local n, why = t.write(self, name, bytes)
      if n ~= nil or why then return n, why end
    end
    decoders[name] = decoders[name] or product.framing.device.decoder()
    local frame = decoders[name]:feed(bytes)
    while frame do
      self.received[#self.received + 1] = frame
      numbers[name] = (numbers[name] or 0) + 1
      local answer = { scp = frame.scp, status = 0, payload = "ok" }
      if t.answer then answer = t.answer(frame, numbers[name], self) end
      if answer then self.world:feed(name, product.framing.device.encode(answer)) end
      frame = decoders[name]:feed("")
    end
    return #bytes
  end
end

-- Keeps what was asked, and answers by `cli`: command -> play, function of the words, or a list of
-- these for the first call, the second …, the last for all that follow.
local function cli(self, t)
  local times = {}
  return function(argv, limit)
    local command = argv[2]
    local answer = (t.cli or {})[command] or played.right[command]
    times[command] = (times[command] or 0) + 1
    self.calls[#self.calls + 1] = command
    if type(answer) == "table" and #answer > 0 then answer = answer[times[command]] or answer[#answer] end
    if type(answer) == "function" then answer = answer(argv, limit, self) end
    return answer
  end
end

--- A world with one worker. `t`: cli, answer (of the device: frame, number), write (before it; what it
-- returns goes first), hooks and options (of the world), config (of the worker), more (of the recipe),
-- text (of the whole recipe), folder (which stays), idle (true: no worker yet).
function played.new(t)
  t = t or {}
  local self = setmetatable({ slots = {}, messages = {}, calls = {}, received = {} }, run)
  self.lent = t.folder ~= nil
  self.folder = t.folder or scratch.folder()
  if not t.kept then self.folder:write("recipe.lua", t.text or scratch.recipe(t.more)) end
  local hooks = { start = cli(self, t), write = device(self, t) }
  for name, hook in pairs(t.hooks or {}) do hooks[name] = hook or nil end
  local record = (t.options or {}).record
  self.recorded = record and { owner = record:owner(), started = { service = "s" } } or nil
  self.world = assert(world.new(hooks, t.options or { seed = 1 }))
  if not t.idle then self:work(t.config) end
  return self
end

return played
