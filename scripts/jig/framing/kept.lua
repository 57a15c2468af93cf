--- What decoders keep: bytes that came in pieces, and the device's text for the next frame.

local kept = {}

--- Text kept for the next frame, in bytes.
kept.LOG = 65536

-- How many small pieces are joined to one: bytes may come one at a time, and each piece in a table
-- costs 16 bytes.
local FEW <const> = 256

---@class jig.Pieces  bytes gathered in pieces; joining them costs time proportional to their number
local Pieces = {}
local pieces_meta = { __index = Pieces, __metatable = false }

--- Makes an empty gathering of bytes.
---@return jig.Pieces
function kept.pieces()
  return setmetatable({ many = {}, few = {}, count = 0, size = 0 }, pieces_meta)
end

--- Adds bytes at the end.
---@param bytes string
function Pieces:add(bytes)
  local count = self.count + 1
  self.few[count] = bytes
  self.size = self.size + #bytes
  if count == FEW then
    self.many[#self.many + 1] = table.concat(self.few)
    self.few, count = {}, 0
  end
  self.count = count
end

--- Gives all bytes as one string and is empty afterwards.
---@return string
function Pieces:take()
  local bytes
  if #self.many == 0 then
    bytes = self.count == 1 and self.few[1] or table.concat(self.few)
  else
    self.many[#self.many + 1] = table.concat(self.few)
    bytes = table.concat(self.many)
  end
  if self.count > 0 or #self.many > 0 then self.many, self.few, self.count = {}, {}, 0 end
  self.size = 0
  return bytes
end

---@class jig.LogText  the latest text of a device, up to kept.LOG bytes
local Log = {}
local log_meta = { __index = Log, __metatable = false }

--- Makes an empty log.
---@return jig.LogText
function kept.log()
  return setmetatable({ pieces = kept.pieces(), dropped = 0 }, log_meta)
end

-- Forgets all but the last kept.LOG bytes.
local function trim(log)
  local text = log.pieces:take()
  log.dropped = log.dropped + math.max(0, #text - kept.LOG)
  log.pieces:add(text:sub(-kept.LOG))
end

--- Adds text. Twice the cap may pile up before the oldest is dropped, so that dropping stays cheap.
---@param text string
function Log:add(text)
  if text == "" then return end
  self.pieces:add(text)
  if self.pieces.size > 2 * kept.LOG then trim(self) end
end

-- A line as it may be shown: UTF-8 or else ASCII, a few other bytes replaced by "?". A line in
-- which more than about one byte in eight is other is no text but perhaps a frame whose start was
-- damaged, so a payload: only its size is told.
local function readable(line)
  local other = utf8.len(line) and "[\0-\8\11\12\14-\26\28-\31\127]" or "[^\t\r\27\32-\126]"
  local shown, count = line:gsub(other, "?")
  if 8 * count > #line + 7 then return ("[%d bytes]"):format(#line) end
  return shown
end

--- Gives the text, line by line in readable form, and is empty afterwards.
---@return string?  nil when there is none; a first line tells what was dropped
function Log:take()
  if self.pieces.size == 0 then return nil end
  if self.pieces.size > kept.LOG then trim(self) end
  local text, dropped = self.pieces:take():gsub("[^\n]+", readable), self.dropped
  self.dropped = 0
  if dropped > 0 then text = ("[%d bytes of older text dropped]\n"):format(dropped) .. text end
  return text
end

--- What a decoder's rest() answers: the text, then the bytes that may be part of a frame.
---@param log jig.LogText  empty afterwards
---@param bytes string
---@return string bytes, integer text
function kept.rest(log, bytes)
  local text = log:take() or ""
  return text .. bytes, #text
end

return kept
