--- Runs the workers of all slots at once, each in a state of its own, and hears what they say.

local slot = require "jig.slot"
local task = require "jig.task"

---@class jig.Gang
---@field workers table<string, userdata>  those that work, by slot
local gang = {}
gang.__index = gang

--- What every event of a worker is given to; it may add to the event.
---@param handle fun(event: table)
---@return jig.Gang
function gang.new(handle)
  return setmetatable({ handle = handle, workers = {}, interrupts = 0 }, gang)
end

-- Where what hears events fails, the slots are stopped: nobody would see what they do.
local function hear(self, event)
  local ok, thrown = pcall(self.handle, event)
  if ok then return end
  self.trouble = self.trouble or thrown
  self:interrupt()
end

-- Hears one worker to its end.
local function follow(self, worker, name)
  local event = worker:next()
  while event do
    event.slot = event.slot or name -- one that crashed does not say it itself
    hear(self, event)
    event = worker:next()
  end
  self.workers[name] = nil
  worker:close()
end

-- A signal that came before it began counts for it, too.
local function start(self, config)
  local worker = slot.new()
  self.workers[config.slot] = worker
  worker:start("jig.worker", config)
  if self.to_all then worker:send(self.to_all) end
  for _ = 1, self.interrupts do worker:interrupt() end
  return task.spawn(follow, self, worker, config.slot)
end

--- Runs them all and waits until each has ended. The first are at work while the states of the last are
-- made. One that is stopped before it began does not begin. Yields.
---@param configs table[]  of jig.worker
function gang:run(configs)
  local following = {}
  for _, config in ipairs(configs) do
    if self.interrupts > 0 then break end
    following[#following + 1] = start(self, config)
    task.turn()
  end
  for _, one in ipairs(following) do
    local ok, thrown = one:join()
    if not ok then error(thrown, 0) end
  end
  if self.trouble then error(self.trouble, 0) end
end

--- Hands a message to the worker of a slot; harmless when that has ended. Does not yield.
---@param name string
---@param message table  plain values
---@return boolean sent  false: it has no memory for it
function gang:send(name, message)
  local worker = self.workers[name]
  return not worker or (pcall(worker.send, worker, message))
end

--- The same for all, those that begin later too.
---@param message table
function gang:send_all(message)
  self.to_all = message
  for _, worker in pairs(self.workers) do worker:send(message) end
end

--- Stops the units that are at work; once more, sooner. Each that is open is reported. Does not yield.
function gang:interrupt()
  self.interrupts = self.interrupts + 1
  for _, worker in pairs(self.workers) do worker:interrupt() end
end

return gang
