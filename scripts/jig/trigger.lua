--- The start trigger: lines that a person types or a scanner reads say which slot begins, and with which
-- serial number.
--
--     start = "line"   an empty line: every slot that waits; NAME: that slot
--     start = "scan"   SERIAL: the slot that has waited longest; NAME SERIAL: that slot

local port = require "jig.port"

---@class jig.Trigger
---@field kind "line"|"scan"
---@field waiting string[]  names of the slots that wait, the longest first
local trigger = {}
trigger.__index = trigger

-- Bytes of a line.
local LINE <const> = 200

--- `send` starts a slot: its name, and { serial? }. `say` tells people why a line started nothing.
---@param kind "line"|"scan"
---@param send fun(slot: string, message: table)
---@param say fun(text: string)
---@return jig.Trigger
function trigger.new(kind, send, say)
  return setmetatable({ kind = kind, send = send, say = say, waiting = {} }, trigger)
end

--- A slot waits for its start from now on.
---@param name string
function trigger:wait(name)
  self.waiting[#self.waiting + 1] = name
end

-- Takes a name out of those that wait; false when it does not.
local function take(self, name)
  for i, one in ipairs(self.waiting) do
    if one == name then return table.remove(self.waiting, i) end
  end
  return false
end

local hear = {}

function hear.line(self, line)
  if line == "" then
    local all = self.waiting
    self.waiting = {}
    for _, name in ipairs(all) do self.send(name, {}) end
    return #all > 0 or "no slot waits for its start"
  end
  if not take(self, line) then return ("no slot that waits is named '%s'"):format(line) end
  self.send(line, {})
end

function hear.scan(self, line)
  if line == "" then return end
  local name, serial = line:match("^(%S+) (%S+)$")
  if not name then serial = line:match("^%S+$") end
  if not serial then return ("'%s' is no serial number"):format(line) end
  if not name then
    name = table.remove(self.waiting, 1)
    if not name then return ("no slot waits: %s starts nothing"):format(serial) end
  elseif not take(self, name) then
    return ("no slot that waits is named '%s': %s starts nothing"):format(name, serial)
  end
  self.send(name, { serial = serial })
end

--- Acts on a line. One that is no printable ASCII, or over 200 characters, starts nothing.
---@param line string  without its end
function trigger:hear(line)
  line = line:match("^%s*(.-)%s*$")
  if #line > LINE or line:find("[^\32-\126]") then
    return self.say("a line that is no printable text of 200 characters at most starts nothing")
  end
  local trouble = hear[self.kind](self, line)
  if type(trouble) == "string" then self.say(trouble) end
end

--- Hears lines from a wire to its end, and says why it ended. Much without the end of a line ends it, too.
-- Yields.
---@param address string  "stdin:-", or that of a serial scanner
---@return string message, string code
function trigger:listen(address)
  local wire <close>, message, code = port.open(address, { name = "start" })
  if not wire then return message, code end
  while true do
    local line, why, word = wire:read_until("\n", math.huge, LINE)
    if not line then return why, word end
    self:hear(line)
  end
end

return trigger
