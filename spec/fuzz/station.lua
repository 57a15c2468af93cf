--- Loading a station file: jig.station.
--
-- The first byte of an input says what the rest is: the file (below 128), or edits of a station's table, which a file
-- returns.
--
--   - Whatever the file is, reading it raises nothing and ends: a station, or nil and what is wrong.
--   - What is read has no metatable, and can be worked by: each slot has a name, each limit is a number.

local station = require "jig.station"
local slots = require "jig.slots"
local values = dofile "spec/fuzz/values.lua"

local FILE <const> = "build/fuzz/work/station/station.lua"

local WORDS <const> = {
  "name", "slots", "slot", "port", "recipe", "lot", "operator", "retries", "stop", "watch", "start", "scanner",
  "journal", "path", "emergency", "key", "refusals", "trust", "keys", "cli", "versions", "arguments", "env", "cwd",
  "accept", "limits", "grace", "hurry", "report", "token", "calls", "width", "folder", "missing", "busy", "pin",
  "tries", "statuses", "patterns", "refused", "new_device", "gate", "line", "scan", "/x", "1.2.3", ("0a"):rep(32),
}

local function plain_station()
  return {
    name = "line 3", slots = { { name = "A", port = "serial:/dev/a" }, { name = "B", recipe = "../b" } }, lot = "7",
    retries = 1, stop = 60, watch = true, start = "scan", journal = { path = "/j", refusals = 2 },
    trust = { keys = { "/k" }, cli = ("0a"):rep(32), versions = { lamp = "1.2" } },
    cli = { path = "/t", arguments = { "-x" }, env = { A = "b", C = false }, accept = { 0, 1 }, limits = { gate = 1 },
      report = { refused = true },
      token = { name = "t", width = 1, pin = { statuses = { 3 }, patterns = { "pin" } } } },
  }
end

local function write(text)
  local file <close> = assert(io.open(FILE, "wb"))
  assert(file:write(text))
end

local function check_plain(value)
  if type(value) ~= "table" then return end
  assert(debug.getmetatable(value) == nil, "a metatable")
  for _, element in next, value do check_plain(element) end
end

local function check(made, message)
  if not made then
    assert(type(message) == "string" and message ~= "", "no message") -- a file may throw a table, which names no place
    return
  end
  assert(type(made) == "table")
  check_plain(made)
  for _, slot in ipairs(made.slots or {}) do assert(slots.is_name(slot.name), "a slot without a name") end
  for _, seconds in pairs((made.cli or {}).limits or {}) do assert(seconds > 0, "a limit that is none") end
  assert(made.stop == nil or made.stop >= 0)
  assert(not made.trust or made.cli.path:sub(1, 1) == "/")
end

-- The table is handed to the file by a loader that knows nothing but it.
local function files_of(given)
  return { load = function() return function() return given end end }
end

return function(input)
  if #input < 1 then return end
  local rest = input:sub(2)
  if input:byte(1) < 128 then
    write(rest)
    return check(station.read(FILE))
  end
  write "return {\n}\n"
  check(station.read(FILE, files_of(values.edit(plain_station(), values.bytes(rest), WORDS))))
end
