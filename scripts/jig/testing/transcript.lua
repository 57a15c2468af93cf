--- What happened in a run, for people to read: one line per effect, with its time. No byte of a message stands
-- in it, only sizes and digests.

local digest = require "jig.digest"
local hex = require "jig.hex"

local transcript = {}

local function brief(bytes)
  return ("%d bytes, sha256 %s"):format(#bytes, hex.encode(digest.sha256(bytes)):sub(1, 12))
end

local words = {}

function words.open(effect) return ("the %s is opened"):format(effect.what or "port") end
function words.close(effect) return ("the %s is closed"):format(effect.what or "port") end

local function at(effect)
  return effect.wire and (" at interface %d"):format(effect.wire) or ""
end

function words.write(effect) return ("write %d bytes%s"):format(effect.size, at(effect)) end

function words.control(effect) return ("control request %s, %d bytes"):format(effect.what, effect.size) end
function words.leave() return "the device leaves, to come back" end

function words.set(effect) return ("set %s = %s"):format(effect.what, effect.value) end

function words.read(effect)
  if not effect.frame then return ("the device sends %s%s"):format(brief(effect.bytes), at(effect)) end
  local status = effect.frame.status and (", status %d"):format(effect.frame.status) or ""
  return ("the device answers %s%s%s"):format(brief(effect.frame.payload or ""), status, at(effect))
end

local function answered(played)
  if not played then return "" end
  if played.missing or played.error then return ": cannot be started" end
  if played.after == math.huge then return ": hangs" end
  if played.signal then return (": ended by signal %d"):format(played.signal) end
  return (": exit %d"):format(played.exit or 0)
end

function words.call(effect)
  local call = effect.call
  local with = call.command == "report_error" and (" %d %q"):format(call.code or -1, call.reason or "")
    or call.response and (" (%s)"):format(brief(call.response)) or ""
  return ("factory_tool %s%s%s"):format(call.command, with, answered(call.played))
end

function words.wait(effect)
  local limit = effect.limit == "" and "" or (" (limit %s)"):format(effect.limit)
  return ("wait in %s, at most %g s%s"):format(effect.what, effect.seconds, limit)
end

function words.record(effect) return ("the journal takes '%s'"):format(effect.what) end
function words.hook(effect) return ("the hook %s begins"):format(effect.what) end

--- One effect.
---@param effect jig.testing.Effect
---@return string
function transcript.line(effect)
  local fault = effect.injected and ("   <- %s: %s"):format(effect.injected, effect.means) or ""
  local place = effect.line and ("   [%s]"):format(effect.line) or ""
  return ("%9.3f  %s%s%s"):format(effect.at, words[effect.kind](effect), place, fault)
end

--- A whole run, or its last lines.
---@param trail jig.testing.Effect[]  `life` in them: which start of jig they belong to
---@param last? integer  how many; default all
---@return string
function transcript.text(trail, last)
  local lines = {}
  local first = math.max(1, #trail - (last or #trail) + 1)
  if first > 1 then lines[1] = ("           … %d before"):format(first - 1) end
  for i = first, #trail do
    local before = trail[i - 1]
    if before and before.life ~= trail[i].life then lines[#lines + 1] = "           jig is started again" end
    lines[#lines + 1] = transcript.line(trail[i])
  end
  return table.concat(lines, "\n")
end

return transcript
