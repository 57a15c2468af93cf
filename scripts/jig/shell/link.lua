--- The shell's port: opened, looked at while nobody reads, lost, and got again when the device is put back.

local budget = require "jig.budget"
local clock = require "jig.clock"
local port = require "jig.port"
local tap = require "jig.shell.tap"
local task = require "jig.task"
local wire = require "jig.wire"

---@class jig.ShellLink
---@field wire? jig.Wire   the latest that was open
---@field tap? jig.Tap     below it
local link = {}
link.__index = link

-- Seconds between two looks for a device that went, and how long it is looked for.
local LOOK <const>, LOOKS <const> = 0.2, 3000

--- `hooks`: sink(event), see jig.shell.tap, and { kind = "open", address = }; patience() and silence() as
-- jig.shell.view; opened() when there is a new wire, lost() when it is gone; failed(thrown) when what looks
-- at it ended.
---@param plan table  address, limits, pacing, name, folder (of the recipe), opener? (as of jig.wire)
---@param hooks table
---@return jig.ShellLink
function link.new(plan, hooks)
  return setmetatable({ plan = plan, hooks = hooks }, link)
end

--- Whether there is an open wire.
function link:is_open()
  return self.tap ~= nil and not self.tap.lost and not self.tap.closed
end

local function open(self)
  local made = wire.open(self.plan.address, self.plan.name, self.plan.limits, self.plan.pacing, self.plan.opener)
  self.tap = tap.new(wire.handle(made), function(event)
    self.hooks.sink(event)
    if event.kind ~= "lost" then return end
    self:await()
    self.hooks.lost()
  end)
  wire.take(made, self.tap)
  self.wire = made
  self.hooks.sink { kind = "open", address = self.plan.address }
  self.hooks.opened()
end

--- Opens the port, which is closed before if it was open. Yields; throws as jig.wire.open.
---@param address? string  another one from now on, if it can be opened
function link:open(address)
  self:close()
  local before = self.plan.address
  self.plan.address = address or before
  local ok, thrown = pcall(open, self)
  if ok then return end
  self.plan.address = before
  error(thrown, 0)
end

--- Closes the port, and looks for no device. Does not yield.
function link:close()
  if self.tap then self.tap:close() end
  if self.awaiting then self.awaiting:interrupt() end
  self.awaiting = nil
end

-- Opens it as soon as it is there; one that is there and cannot be opened yet is tried again.
local function look_for(self)
  for _ = 1, LOOKS do
    if not clock.sleep(LOOK) then return end
    if port.present(self.plan.address) ~= false and pcall(open, self) then break end
  end
  self.awaiting = nil
end

--- Gets the port again when the device comes back, within ten minutes; where it cannot be looked for without
-- opening it, `open()` does. Whether it is looked for.
---@return boolean
function link:await()
  local _, _, code = port.present(self.plan.address)
  if code ~= "unsupported" and not self.awaiting then self.awaiting = task.spawn(look_for, self) end
  return self.awaiting ~= nil
end

-- Shows what arrives, until it is stopped or the wire is gone. A device that never stops keeps nobody waiting:
-- after each piece others have their turn.
local function look(self)
  repeat
    local ok, _, code = self.tap:fetch(self.hooks.patience())
    if ok then
      self.tap:trim()
      task.turn()
    elseif code == "timeout" then
      self.hooks.silence()
    end
  until self.stopping or not ok and code ~= "timeout"
end

-- The framing is the recipe's, and so is the time that it takes.
local function listen(self)
  local ok, thrown, spent = budget.run(self.plan.folder, nil, look, self)
  self.watching = nil
  if not ok then self.hooks.failed(spent and spent.reason or thrown) end
end

--- Looks at what arrives from now on; nobody else may read. Does not yield.
function link:watch()
  if not self:is_open() or self.watching then return end
  self.stopping = false
  self.watching = task.spawn(listen, self)
end

--- From now on others read. Yields.
function link:pause()
  local watching = self.watching
  if not watching then return end
  self.stopping = true
  watching:interrupt()
  watching:join()
end

return link
