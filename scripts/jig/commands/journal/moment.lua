--- Times of the journal, which are microseconds of UTC since 1970: as people write them, and as they are
-- shown.

local moment = {}

local SECOND <const> = 1000000
local UNITS <const> = { s = 1, m = 60, h = 3600, d = 86400, w = 604800 }
local EXPECTED <const> = "expected a date (2026-11-24), a date and time (2026-11-24T13:05) or an age (2h, 3d), all UTC,"

-- Days from 1970-01-01; years are taken from March, so that the leap day is a year's last.
local function days(year, month, day)
  local y = month > 2 and year or year - 1
  local of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
  return y * 365 + y // 4 - y // 100 + y // 400 + of_year - 719468
end

local function days_in(year, month)
  return month == 12 and 31 or days(year, month + 1, 1) - days(year, month, 1)
end

local function split_time(text)
  local hour, minute, rest = text:match("^[T ](%d%d):(%d%d)(.*)$")
  if not hour then return nil end
  rest = rest:gsub("Z$", "")
  local second, fraction = rest:match("^:(%d%d)(.*)$")
  if rest ~= "" and not second then return nil end
  if fraction and fraction ~= "" and not fraction:match("^%.%d%d?%d?%d?%d?%d?$") then return nil end
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second or 0)
  if hour > 23 or minute > 59 or second > 59 then return nil end
  local us = ((fraction or ""):sub(2) .. "000000"):sub(1, 6)
  return (hour * 3600 + minute * 60 + second) * SECOND + math.tointeger(us)
end

local function calendar(text)
  local year, month, day, rest = text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)(.*)$")
  if not year then return nil end
  year, month, day = math.tointeger(year), math.tointeger(month), math.tointeger(day)
  if month < 1 or month > 12 or day < 1 or day > days_in(year, month) then return nil end
  local time = rest == "" and 0 or split_time(rest)
  return time and days(year, month, day) * UNITS.d * SECOND + time
end

--- Reads a date, its midnight; a date and time; or an age, which is so long before now.
---@param text string
---@return integer|nil us, string? message
function moment.parse(text)
  local count, unit = text:match("^(%d+)([smhdw])$")
  if count and #count <= 9 then
    return (os.time() - math.tointeger(count) * UNITS[unit]) * SECOND
  end
  local us = calendar(text)
  if us then return us end
  return nil, ("%s got '%s'"):format(EXPECTED, text)
end

--- "2026-11-24T13:05:09.120Z"
---@param us integer
---@return string
function moment.show(us)
  return os.date("!%Y-%m-%dT%H:%M:%S", us // SECOND) .. (".%03dZ"):format(us % SECOND // 1000)
end

--- Seconds as a number, for JSON; nil stays nil.
---@param us integer|nil
---@return number|nil
function moment.seconds(us)
  return us and us / SECOND
end

return moment
