--- Text of a recipe's making that is shown, recorded and reported. Bytes that are no text may be a message's: they
-- become their number and digest. Secrets that a recipe has exposed are hidden.

local cut = require "jig.cut"
local digest = require "jig.digest"
local secret = require "jig.secret"

local legible = {}

-- No text has them. Tabs, line ends and colour sequences are a device's.
local CONTROLS <const> = "[%z\1-\8\11\12\14-\26\28-\31\127]"

-- Bytes that are looked at: a few times those of the longest text that is shown, so that no secret is cut in two there.
local MOST <const> = 65536

--- Whether bytes are text: UTF-8, with no control characters but tabs, line ends and escapes.
---@param bytes string
---@return boolean
function legible.is_text(bytes)
  -- most have none of %c at all, which is a quarter of the work to see
  return (not bytes:find "%c" or not bytes:find(CONTROLS)) and utf8.len(bytes) ~= nil
end

--- The bytes where they are text; else how many there are, and their digest. Of more than 64 KiB it is the beginning:
-- a recipe may make them of all its memory, and each secret is looked for in them.
---@param bytes string
---@return string
function legible.text(bytes)
  bytes = secret.hide(cut(bytes, MOST))
  return legible.is_text(bytes) and bytes or "bytes that are no text: " .. digest.brief(bytes)
end

--- The same for what a recipe threw: the line that Lua put before it stays.
---@param thrown string
---@return string
function legible.thrown(thrown)
  thrown = secret.hide(cut(thrown, MOST))
  if legible.is_text(thrown) then return thrown end
  local place, rest = thrown:match("^([^\n]-%.lua:%d+: )(.*)$")
  if not place or not legible.is_text(place) then return legible.text(thrown) end
  return place .. legible.text(rest)
end

return legible
