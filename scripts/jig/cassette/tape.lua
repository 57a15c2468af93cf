--- The file that a cassette is written to, line by line: each is in the system's hands when the call returns, so
-- that a jig that is killed leaves all that it told. The last line, the seal, is written by `finish`.
--
-- Trouble never reaches the unit: from the first failure on nothing is written, and `trouble` says why.

local digest = require "jig.digest"
local format = require "jig.cassette.format"
local hex = require "jig.hex"
local system = require "jig.system"

---@class jig.cassette.Tape
---@field path string
---@field trouble? string
local tape = {}
tape.__index = tape

--- The last line of a file with this text before it.
---@param text string
---@return string  with its end
function tape.seal(text)
  return "sha256 " .. hex.encode(digest.sha256(text)) .. "\n"
end

local function give_up(self, message)
  self.trouble = message
  if self.file then self.file:close() end
  self.file = nil
end

-- Room is left for the seal.
local ROOM <const> = 100

local function put(self, text)
  if not self.file then return end
  self.size, self.lines = self.size + #text, self.lines + 1
  if self.size > format.SIZE - ROOM or self.lines >= format.LINES then
    return give_up(self, ("%s: is full: a cassette has %d bytes and %d lines at most"):format(
      self.path, format.SIZE, format.LINES))
  end
  local ok, message = self.file:write(text)
  if not ok then give_up(self, ("%s: %s"):format(self.path, message)) end
end

--- Makes the file. One that cannot be made has `trouble` from the beginning. Does not yield.
---@param path string
---@param private? boolean  for this user's eyes alone: messages stand in it
---@param open? fun(path: string, private: boolean?): any, string?  default system.create
---@return jig.cassette.Tape
function tape.new(path, private, open)
  local self = setmetatable({ path = path, size = 0, lines = 0 }, tape)
  if system.kind(path) then
    self.trouble = path .. ": exists already, and a recording overwrites nothing"
    return self
  end
  local message
  self.file, message = (open or system.create)(path, private)
  if not self.file then
    self.trouble = message
    return self
  end
  self.file:setvbuf("no")
  put(self, format.VERSION .. "\n")
  return self
end

--- Writes a line, without its end.
---@param line string
function tape:line(line)
  put(self, line .. "\n")
end

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return assert(file:read("a"))
end

--- Seals and closes it.
function tape:finish()
  if not self.file then return end
  local ok, text = pcall(read, self.path)
  if not ok then return give_up(self, tostring(text)) end
  put(self, tape.seal(text))
  if not self.file then return end
  local closed, message = self.file:close()
  self.file = nil
  if not closed then self.trouble = ("%s: %s"):format(self.path, message) end
end

return tape
