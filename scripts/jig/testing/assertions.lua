--- Assertions on the result of testing.run, for luassert: requiring jig.testing inside busted registers them.
--
--     assert.passed(result)                      also with the fingerprint that is expected
--     assert.failed(result, "cli.refused")       also with the code
--     assert.reported(result, "factory_init.keygen", 301)   failed so, and the last attempt was reported once,
--                                                with that code, which was accepted
--     assert.not_reported(result)                no report was made; assert.is_not.reported is the same
--     assert.replays("line4.cassette")          the recipe does what was recorded; also with the options of
--                                                testing.replay
--     assert.sent(result, "0100")                the device was given these bytes, as hex, in one piece
--
-- A failure shows what was found, and the last lines of the transcript.

local hex = require "jig.hex"
local luassert = require "luassert"
local replay = require "jig.testing.replay"
local say = require "say"

local LINES <const> = 15

local function is_result(value)
  return type(value) == "table" and type(value.attempts) == "table" and type(value.trail) == "table"
end

local function found(result)
  if result.passed then return "PASS " .. tostring(result.fingerprint) end
  if not result.fault then return "no verdict at all" end
  return ("FAIL %s (%d): %s"):format(result.fault.name, result.fault.code, result.fault.reason)
end

-- The reports of the last attempt, or of all: as jig told of them, for of a real CLI there is no other account.
local function reports_of(result, last)
  local list = {}
  for _, event in ipairs(result.events) do
    if event.event == "report" and (not last or event.attempt == result.ended.attempt) then
      list[#list + 1] = event
    end
  end
  return list
end

local function reports_found(result)
  local lines = {}
  for _, event in ipairs(reports_of(result)) do
    lines[#lines + 1] = ("report_error %d %q, %s"):format(event.code, event.reason,
      event.accepted and "accepted" or "not accepted: " .. tostring(event.trouble))
  end
  return #lines == 0 and "no report" or table.concat(lines, "\n  ")
end

-- What failed, what is there instead, and how it came to that.
local function explain(expected, actual, result)
  return ("expected %s\nfound    %s\n\n%s"):format(expected, actual, result:transcript(LINES))
end

-- Makes an assertion: `check` gives true, or false with what was expected and what was found.
local function register(name, check)
  local key = "assertion.jig." .. name
  say:set(key, "") -- nothing more: luassert would show the whole result behind it
  luassert:register("assertion", name, function(state, arguments)
    local result = arguments[1]
    if not is_result(result) then
      error(("assert.%s takes what testing.run gives, got a %s"):format(name, type(result)), 3)
    end
    local ok, expected, actual = check(result, table.unpack(arguments, 2, arguments.n))
    if not state.mod then expected = "not: " .. expected end
    state.failure_message = explain(expected, actual, result)
    return ok
  end, key, key)
end

register("passed", function(result, fingerprint)
  local expected = "PASS" .. (fingerprint and " " .. fingerprint or "")
  return result.passed == true and (not fingerprint or result.fingerprint == fingerprint), expected, found(result)
end)

local function failed_as(result, name, code)
  local fault = not result.passed and result.fault
  return fault and (not name or fault.name == name) and (not code or fault.code == code) or false
end

local function failure(name, code)
  return ("FAIL%s%s"):format(name and " " .. name or "", code and (" (%d)"):format(code) or "")
end

register("failed", function(result, name, code)
  return failed_as(result, name, code), failure(name, code), found(result)
end)

register("reported", function(result, name, code)
  local expected = failure(name, code) .. ", reported once"
  local actual = found(result) .. "\n  " .. reports_found(result)
  if not failed_as(result, name, code) then return false, expected, actual end
  local reports = reports_of(result, true)
  return #reports == 1 and reports[1].accepted and reports[1].code == result.fault.code, expected, actual
end)

register("not_reported", function(result)
  return #result.reports == 0 and #reports_of(result) == 0, "no report", reports_found(result)
end)

register("sent", function(result, digits)
  local bytes = type(digits) == "string" and hex.decode(digits)
  if not bytes or bytes == "" then error("assert.sent takes bytes as hex: assert.sent(result, \"0100\")", 4) end
  if not result.written then error("assert.sent: what a real device was given is not known here", 4) end
  local actual = ("%d bytes: %s"):format(#result.written, hex.encode(result.written):sub(1, 200))
  return result.written:find(bytes, 1, true) ~= nil, digits .. " on the wire", actual
end)

-- A cassette stands for a result here, so this one is no different from an assertion of luassert's own.
say:set("assertion.jig.replays", "")
luassert:register("assertion", "replays", function(state, arguments)
  local path, options = arguments[1], arguments[2]
  if type(path) ~= "string" then
    error(("assert.replays takes the path of a cassette, got a %s"):format(type(path)), 3)
  end
  local ok, result = pcall(replay.run, path, options)
  if not ok then error(result, 3) end
  state.failure_message = result.same and path .. ": the recipe does what was recorded"
    or result.text .. "\n" .. table.concat(result.notes, "\n")
  return result.same
end, "assertion.jig.replays", "assertion.jig.replays")

return luassert
