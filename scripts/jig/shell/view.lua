--- What happens on the wire, as lines for a person. Bytes that arrive go through a decoder of the recipe's
-- framing: frames are shown with their fields named and the payload as a dump, the device's own text apart.
-- What may yet become a frame is held back for a moment; then it is shown as it is.
--
--     > 00000000  41 54 0d 0a                                       |AT..|      sent
--     < 00000000  00 01 02 …                                                    received, and no frame
--     < frame status=0, 4 bytes of payload                                      received
--     | booting…                                                                the device's text
--     = dtr off                                                                 a line was set
--     * lost: …                                                                 about the port

local common = require "jig.framing.common"
local escape = require "jig.shell.escape"
local hexdump = require "jig.shell.hexdump"

---@class jig.ShellView
---@field held string     what arrived, is no frame yet, and was not shown
---@field shown integer   bytes before it, of which the same is true but that they were shown
---@field at integer      received before `held`; sent
local view = {}
view.__index = view

-- Seconds of silence after which what is held back is shown, and how much is held at most.
local QUIET <const>, HOLD <const> = 0.05, 65536

-- Lines of text that are shown at once, and bytes of one.
local MOST_LINES <const>, LONGEST <const> = 256, 1000

---@param recipe jig.Recipe
---@param say fun(line: string)
---@return jig.ShellView
function view.new(recipe, say)
  local self = setmetatable({ recipe = recipe, say = say, sent = 0 }, view)
  return self:restart()
end

--- Begins anew, as the wire does when it is opened.
function view:restart()
  self.held, self.shown, self.received, self.idle_told = "", 0, 0, true
  self.decoder = self.recipe.framing.host.decoder()
  self.sent = 0
  return self
end

local function dump(self, mark, bytes, offset)
  for _, line in ipairs(hexdump(bytes, offset)) do self.say(mark .. line) end
end

local function shortened(line)
  if #line <= LONGEST then return escape(line) end
  return ("%s… %d more bytes"):format(escape(line:sub(1, LONGEST)), #line - LONGEST)
end

local function text(self, bytes)
  local count = 0
  for line in bytes:gsub("\r\n", "\n"):gmatch("[^\n]+") do
    count = count + 1
    if count <= MOST_LINES then self.say("| " .. shortened(line)) end
  end
  if count > MOST_LINES then self.say(("| … %d more lines"):format(count - MOST_LINES)) end
end

-- Shows what is held back as what it looks like. Whether that is text.
local function show_held(self)
  local bytes = self.held
  if bytes == "" then return false end
  local is_text = common.is_text(bytes) or not bytes:find("[^\t\r\n\32-\126]")
  self.held = ""
  if is_text then text(self, bytes) else dump(self, "< ", bytes, self.received - #bytes) end
  self.shown = self.shown + #bytes
  return is_text
end

-- ---- frames ----

local function status_text(self, status)
  local entry = self.recipe.status[status]
  return entry and ("%s (%s)"):format(status, escape(tostring(entry[1]))) or tostring(status)
end

local function frame_fields(self, frame)
  local keys, parts = {}, {}
  for key in pairs(frame) do
    if key ~= "payload" and key ~= "log" then keys[#keys + 1] = tostring(key) end
  end
  table.sort(keys)
  for i, key in ipairs(keys) do
    local value = key == "status" and status_text(self, frame.status) or escape(tostring(frame[key]))
    parts[i] = escape(key) .. "=" .. value
  end
  parts[#parts + 1] = ("%d byte%s of payload"):format(#frame.payload, #frame.payload == 1 and "" or "s")
  return table.concat(parts, ", ")
end

local function show_frame(self, frame)
  if frame.log then text(self, frame.log:sub(self.shown + 1)) end
  self.say("< frame " .. frame_fields(self, frame))
  dump(self, "<   ", frame.payload)
end

-- Bytes that are no frame. Text is nothing to complain of: the decoder, which may have to wait for silence now,
-- begins anew behind it. Gives what that is to be fed.
local function show_bad(self, count, reason)
  if not show_held(self) then
    self.say(("* no frame: %s (%d bytes)"):format(escape(tostring(reason)), count))
    return ""
  end
  local rest = self.decoder:rest()
  self.decoder = self.recipe.framing.host.decoder()
  return rest
end

-- What the decoder answered, and what it goes on to answer.
local function follow(self, frame, answer, count, reason)
  while frame or answer == "bad" do
    local rest
    if frame then
      show_frame(self, frame)
      rest = self.decoder:rest()
      self.held = rest
    else
      rest = show_bad(self, count, reason)
    end
    self.shown = 0
    frame, answer, count, reason = self.decoder:feed(rest)
  end
end

-- A framing of the recipe's own may be wrong: then bytes are shown as they are.
local function decode(self, method, ...)
  if not self.decoder then return end
  local ok, thrown = pcall(function(...) follow(self, self.decoder[method](self.decoder, ...)) end, ...)
  if ok then return end
  self.decoder = nil
  self.say("* the framing failed, and frames are not shown any more: " .. escape(tostring(thrown)))
end

-- ---- events ----

local shows = {}

shows["in"] = function(self, event)
  self.held = self.held .. event.bytes
  self.received = self.received + #event.bytes
  self.idle_told = false
  decode(self, "feed", event.bytes)
  if #self.held > HOLD or not self.decoder then show_held(self) end
end

function shows:out(event)
  show_held(self)
  dump(self, "> ", event.bytes, self.sent)
  self.sent = self.sent + #event.bytes
end

function shows:set(event)
  local value = event.value
  if type(value) == "boolean" then value = value and "on" or "off" end
  self.say(("= %s %s"):format(escape(event.name), value))
end

function shows:open(event)
  self:restart()
  self.say("* open: " .. escape(event.address))
end

function shows:lost(event)
  show_held(self)
  self.say("* lost: " .. escape(event.reason))
end

--- Shows one event of the wire: see jig.shell.tap and jig.shell.link.
---@param event { kind: "in"|"out"|"set"|"open"|"lost", bytes?: string, name?: string, value?: any, address?: string,
---  reason?: string }
function view:show(event)
  shows[event.kind](self, event)
end

--- Seconds of silence after which it is to be told so; nil: it waits for nothing.
---@return number?
function view:patience()
  if self.held ~= "" then return QUIET end
  return not self.idle_told and self.decoder and self.recipe.limits.between or nil
end

--- There was silence for that long.
function view:silence()
  if self.held ~= "" then
    show_held(self)
  else
    self.idle_told = true
    decode(self, "idle")
    show_held(self)
  end
end

--- Shows what is held back, since something else is shown next.
function view:settle()
  show_held(self)
end

return view
