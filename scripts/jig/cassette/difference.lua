--- Compares what a recipe does with what it did, line by line, and says where they differ.

local clean = require "jig.output.clean"
local format = require "jig.cassette.format"
local noise = require "jig.cassette.noise"
local veil = require "jig.cassette.veil"

local difference = {}

---@class jig.cassette.Difference
---@field what string                        in a few words
---@field expected? jig.cassette.Event       nil: nothing more
---@field found? jig.cassette.Event|string   nil: nothing more; a text: no event at all
---@field line? integer                      of the cassette
---@field fault? jig.Fault                    with which the unit failed then, where it ended behind the difference

-- ---- fillers and what they stand for ----

---@class jig.cassette.Fillers
---@field [string] table<string, true>  "size:digest" of a filler -> digests that it stands for

--- What the fillers of a cassette's payloads stand for.
---@param events jig.cassette.Event[]
---@return jig.cassette.Fillers
function difference.fillers(events)
  local known = {}
  for _, event in ipairs(events) do
    for _, value in pairs(event.fields) do
      if type(value) == "table" and value.digest then
        local filler = veil.payload(veil.filler(value))
        local key = ("%d:%s"):format(filler.size, filler.digest)
        known[key] = known[key] or {}
        known[key][value.digest] = true
      end
    end
  end
  return known
end

-- ---- comparing ----

--- Said of a frame whose fields are what they were.
difference.FRAMED = "the framing makes other bytes of this frame than it did: its options, its CRC, or another framing"

local function same_payload(expected, found, fillers)
  if expected.size ~= found.size then return false end
  if expected.bytes or found.bytes then
    return veil.payload(expected.bytes or "").digest == veil.payload(found.bytes or "").digest
  end
  local stands_for = fillers[("%d:%s"):format(found.size, found.digest)]
  return expected.digest == found.digest or stands_for ~= nil and stands_for[expected.digest] == true
end

-- Seconds in a sentence are those of the run.
local function without_seconds(text)
  return (text:gsub("%d+%.?%d* s%f[^%w]", "… s"))
end

-- A sentence in which a message stood is not there to be compared.
local function same_sentence(expected, found, rough)
  if type(expected) == "table" or type(found) == "table" then return true end
  if rough == "all" then return true end
  if rough then return noise.skeleton(tostring(expected)) == noise.skeleton(tostring(found)) end
  return without_seconds(tostring(expected)) == without_seconds(tostring(found))
end

local function same_value(key, expected, found, fillers, rough)
  if key == "wired" then return expected == nil or expected == found end
  if key == "reason" then return same_sentence(expected, found, rough) end
  if type(expected) == "table" and type(found) == "table" then return same_payload(expected, found, fillers) end
  return expected == found
end

-- The fields in which two events differ, in order.
local function fields(expected, found, fillers, rough)
  local seen, list = {}, {}
  for _, event in ipairs { expected, found } do
    for key in pairs(event.fields) do
      local own = key == "session" and event.kind == "call" -- its id is made anew in each run
      own = own or key == "wired" -- what comes of the others
      if not seen[key] and not own and not same_value(key, expected.fields[key], found.fields[key], fillers, rough) then
        list[#list + 1] = key
      end
      seen[key] = true
    end
  end
  table.sort(list)
  if #list == 0 and not same_value("wired", expected.fields.wired, found.fields.wired) then list[1] = "wired" end
  return list
end

local function same_kind(expected, found)
  return expected.side == found.side and expected.kind == found.kind
    and expected.fields.command == found.fields.command
end

--- Whether an event is what the cassette has; else in what it is not.
---@param expected jig.cassette.Event
---@param found jig.cassette.Event
---@param fillers jig.cassette.Fillers
---@param rough? "numbers"|"all"  they do not count in sentences, or nothing does: what jig could not read stood
---  before them, and something else does now
---@return boolean same, string? what
function difference.compare(expected, found, fillers, rough)
  if not same_kind(expected, found) then return false, "another step" end
  local differing = fields(expected, found, fillers, rough)
  if #differing == 0 then return true end
  if #differing == 1 and differing[1] == "wired" then return false, difference.FRAMED end
  local what = found.kind == "verdict" and "another verdict" or "other content"
  return false, ("%s: %s"):format(what, table.concat(differing, ", "))
end

-- ---- texts ----

-- Whether it is text that jig wrote.
local function is_text(event)
  return event ~= nil and event.kind == "text" and event.side == ">"
end

--- The events, with those of text that jig wrote in a row as one: how a recipe cuts what it writes does not matter.
---@param events jig.cassette.Event[]
---@return jig.cassette.Event[]
function difference.joined(events)
  local list, at = {}, 1
  while events[at] do
    local event, parts = events[at], {}
    while is_text(events[at]) do
      parts[#parts + 1] = events[at].fields.bytes
      at = at + 1
    end
    if #parts > 0 then event.fields.bytes = table.concat(parts) else at = at + 1 end
    list[#list + 1] = event
  end
  return list
end

-- ---- showing ----

local COLUMNS <const> = 160

local function shown(event)
  if type(event) == "string" then return event end
  local line = format.line(event)
  return #line > COLUMNS and line:sub(1, COLUMNS) .. " …" or line
end

local CONTEXT <const> = 4

-- Why a unit failed, with the recipe's line.
local function said(fault)
  local reason = clean(fault.reason)
  if #reason > COLUMNS then reason = reason:sub(1, COLUMNS) .. " …" end
  local is_told = not fault.line or reason:find(fault.line, 1, true)
  return ("  the unit fails now with %s: %s%s"):format(fault.name, reason, is_told and "" or ", at " .. fault.line)
end

--- A difference for people: the lines before it, what was then and what is now.
---@param found jig.cassette.Difference
---@param events jig.cassette.Event[]
---@return string
function difference.text(found, events)
  local lines, last = {}, #events
  for i, event in ipairs(events) do
    if event == found.expected then last = i - 1 end
  end
  for i = math.max(1, last - CONTEXT + 1), last do
    lines[#lines + 1] = ("  %6d  %s"):format(events[i].line, shown(events[i]))
  end
  local expected = found.expected
  lines[#lines + 1] = expected and ("  %6d- %s"):format(expected.line, shown(expected)) or "        - nothing more"
  lines[#lines + 1] = found.found and "        + " .. shown(found.found) or "        + nothing more"
  if found.fault then lines[#lines + 1] = said(found.fault) end
  return table.concat(lines, "\n")
end

return difference
