--- What is done to the ports of a device that is played in a rig (jig.testing.rig): each is an effect, told to the rig
-- before it happens. Which device an address means is judged as a usb address is: by the options vid, pid and serial;
-- `interface` is one of the device's further wires.

local description = require "jig.testing.description"

local stage = {}

-- The options behind the name of a port.
local function options_of(name)
  local options = {}
  for key, value in name:gmatch("[?&]([^=]+)=([^&]*)") do options[key] = value end
  return options
end

local function id(text)
  return tonumber(text, 16)
end

-- Whether the device is there and is the one that is meant.
local function is_there(rig, options)
  local about = rig.device.about
  return not rig.absent and (not options.vid or about.vid == nil or id(options.vid) == about.vid)
    and (not options.pid or about.pid == nil or id(options.pid) == about.pid)
    and (not options.serial or about.serial == nil or options.serial == about.serial)
end

local function line_of(rig, name)
  return rig.lines[tonumber(options_of(name).interface or 0)]
end

-- Why a port cannot be opened that nothing else keeps from it; nil when it can.
local function refusal(rig, name)
  if not is_there(rig, options_of(name)) then return { "not_found", "there is no such device" } end
  local line = line_of(rig, name)
  if not line then return { "invalid", "the device has no such interface" } end
  if line.is_open then return { "busy", "the interface is claimed already" } end
end

local function called(rig, name)
  local line = line_of(rig, name)
  return line and line.number > 0 and ("interface %d"):format(line.number) or "port"
end

local function open(rig, name)
  local effect = { phase = rig.phase }
  local action = rig:note("open", called(rig, name), effect)
  if action == "later" then return "later" end
  local refused = action or refusal(rig, name)
  if refused then
    effect.failed = true
    return nil, refused[2], refused[1]
  end
  local line = line_of(rig, name)
  line:opened(name)
  if line.number == 0 then rig.device:opened() end
  return true, rig.device.about.serial
end

local function write(rig, name, bytes)
  local line = line_of(rig, name)
  local action = rig:note("write", "bytes", { size = #bytes, wire = line.number > 0 and line.number or nil })
  if action and action.lose then return nil, action.lose end
  if action and action.block then return 0 end
  if not rig.world:dead() then line:take(bytes) end
  if action and action.done then action.done() end
  return #bytes
end

local function set(rig, key, number)
  local action = rig:note("set", key, { value = number })
  if action then return nil, action[2], action[1] end
  rig.device:set(key, number)
  return true
end

-- The device's answer is under way as long as all that it writes.
local function answer(rig, name, number, told, what)
  local line = line_of(rig, name)
  local opens = line.opens
  rig:after(rig.device.latency, function()
    if rig.world:dead() or line.opens ~= opens then return end
    if told then
      rig.world:answered(name, number, told)
    else
      rig.world:answered(name, number, nil, ("the device refused control request %s (stall)"):format(what), "refused")
    end
  end)
end

local function control(rig, name, request, number)
  local what = ("%02x/%02x"):format(request.request_type, request.request)
  local size = request.data and #request.data or request.length
  if rig.in_session then rig:keep_secret(request.data) end
  local action = rig:note("control", what, { size = size })
  if action == "hang" or rig.world:dead() then return true end
  if action and action.lose then
    line_of(rig, name):lose(action.lose)
    return true
  end
  if action then return nil, action[2], action[1] end
  if not rig.device.answers_control then return end
  local told = rig.device:control(request)
  if rig.in_session and type(told) == "string" then rig:keep_secret(told) end
  answer(rig, name, number, told, what)
  return true
end

local function close(rig, name)
  rig:note("close", called(rig, name))
  local line = line_of(rig, name)
  local was_open = line.is_open
  line:closed()
  if line.number == 0 and was_open then rig.device:closed() end
end

-- Behind the serial number of a device that comes in place of another.
local OTHER <const> = "-other"

local function come_back(rig, plan, action)
  if action == "never" then return end
  for key, value in pairs(plan.changes) do rig.device.about[key] = value end
  if action == "another" then rig.device.about.serial = rig.device.about.serial .. OTHER end
  rig.absent = false
end

local function leave_now(rig, plan)
  if rig.absent or rig.world:dead() then return end
  local action = rig:note("leave", "device", { serial = rig.device.about.serial })
  if rig.world:dead() then return end
  rig.absent = true
  rig.device:closed()
  for number = 0, description.MOST_WIRES do
    local line = rig.lines[number]
    if line and line.is_open then line:lose("the device has left") end
    if line then line:closed() end
  end
  rig:after(plan.away, function() come_back(rig, plan, action) end)
end

--- The device leaves, and comes back.
---@param rig jig.testing.Rig
---@param plan { after: number, away: number, changes: table }  seconds until it does, and until it is back; what is
--  new then
function stage.leave(rig, plan)
  rig:after(plan.after, function() leave_now(rig, plan) end)
end

--- The hooks of jig.world for a rig with a device that is played.
---@param rig jig.testing.Rig
---@return table
function stage.hooks(rig)
  return {
    open = function(name) return open(rig, name) end,
    present = function(name) return is_there(rig, options_of(name)) end,
    write = function(name, bytes) return write(rig, name, bytes) end,
    set = function(_, key, number) return set(rig, key, number) end,
    control = function(name, request, number) return control(rig, name, request, number) end,
    close = function(name) close(rig, name) end,
  }
end

return stage
