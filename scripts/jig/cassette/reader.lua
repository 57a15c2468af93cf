--- Reads a cassette. What comes from the file is checked before anything is done with it: its size, its lines, its
-- seal, each line (jig.cassette.format), and that it tells of one unit from its beginning on.

local format = require "jig.cassette.format"
local noise = require "jig.cassette.noise"
local system = require "jig.system"
local tape = require "jig.cassette.tape"

local reader = {}

---@class jig.cassette.Cassette
---@field path string
---@field recipe table<string, any>   fields of these lines
---@field unit table<string, any>
---@field cli table<string, any>
---@field events jig.cassette.Event[]
---@field finished boolean            it has its seal
---@field keep boolean                payloads stand in it

local HEAD <const> = { "recipe", "unit", "cli" }

local function slurp(path)
  local kind = system.kind(path)
  if not kind then return nil, "there is no such file" end
  if kind ~= "file" then return nil, "is no file" end
  local file <close>, message = io.open(path, "rb")
  if not file then return nil, message end
  local text = file:read(format.SIZE + 1)
  if not text then return nil, "is empty" end
  if #text > format.SIZE then return nil, ("is larger than %d bytes"):format(format.SIZE) end
  return text
end

local SEAL <const> = "^sha256 [0-9a-f]+\n$"

-- The text without its seal, and whether it had one. nil, message when the seal is wrong.
local function unseal(text)
  local start = text:match("^.*\n()[^\n]*\n$") or 1
  local last = text:sub(start)
  if not last:find("^sha256 ") then return text, false end
  if not last:find(SEAL) or last ~= tape.seal(text:sub(1, start - 1)) then
    return nil, "was changed: its last line is not the SHA-256 of all before it\n"
      .. "  one who changed it on purpose makes it anew: jig replay --seal FILE"
  end
  return text:sub(1, start - 1), true
end

-- The events of the lines behind the first. nil, message.
local function events_of(body)
  local list, number = {}, 1
  for line in body:gmatch("([^\n]*)\n") do
    number = number + 1
    if number > format.LINES then return nil, ("has more than %d lines"):format(format.LINES) end
    local event, message = format.event(line)
    if not event then return nil, ("line %d %s"):format(number, message) end
    event.line = number
    list[#list + 1] = event
  end
  return list
end

-- ---- what it tells ----

-- Names, for paths are made of them.
local function is_name(text)
  return text:find("^[%w_%-][%w_.%-]*$") ~= nil
end

local function cli_mistake(made)
  local statuses = made.cli.accept and select(2, made.cli.accept:gsub("%d+", ""))
  if statuses and (made.cli.accept:find("[^%d,]") or statuses < 1 or statuses > 64) then
    return "has exit statuses that are none"
  end
  for key, value in pairs(made.cli) do
    if type(value) == "number" and value < 0 then return ("has a setting below 0: %s"):format(key) end
  end
end

local function head_mistake(made)
  local recipe, unit = made.recipe, made.unit
  if not is_name(recipe.file) or recipe.folder ~= "" and not is_name(recipe.folder) then
    return "names a recipe by more than the name of a file and of its folder"
  end
  if math.type(unit.number) ~= "integer" or math.type(unit.retries) ~= "integer" or unit.retries < 0
    or unit.retries > 100 or unit.number < 1 then
    return "has a unit without a number, or with impossible retries"
  end
  if not unit.slot:find("^[%w_.:%-]+$") or #unit.slot > 32 then return "has a slot without a name" end
  return cli_mistake(made)
end

-- Which answers may follow what, as side and kind.
local ANSWERS <const> = { opened = "open", answer = "call", refusal = "call" }
local ASKS <const> = { open = true, call = true }

-- Attempts count from 1, and each has one session at most.
local function attempt_mistake(event, state)
  if event.kind == "attempt" then
    state.attempts, state.session = state.attempts + 1, nil
    if event.fields.number ~= state.attempts then return "counts the attempts wrong" end
  end
  if state.attempts == 0 then return "comes before the first attempt" end
  if event.kind ~= "call" then return end
  state.session = state.session or event.fields.session
  if event.fields.session ~= state.session then return "is of another session" end
end

-- What opens a port and what calls the CLI is answered before anything else is done.
local function answer_mistake(event, state)
  if event.side ~= "<" then
    if state.asked then return ("comes before the '%s' above it was answered"):format(state.asked) end
    state.asked = ASKS[event.kind] and event.kind
  elseif ANSWERS[event.kind] then
    if state.asked ~= ANSWERS[event.kind] then return "answers nothing" end
    state.asked = nil
  elseif event.kind == "interrupt" or event.kind == "failed" then
    state.asked = nil
  end
end

-- What is wrong with one event behind the others; nil when nothing is. `state` is what was so far.
local function event_mistake(event, state)
  if not event.at then return "stands in no head" end
  if event.at < state.at then return "is earlier than the one before" end
  state.at = event.at
  local like = event.kind == "bytes" and event.fields.like
  if like and not noise.is_kind(like) then return "is like nothing that is known" end
  return attempt_mistake(event, state) or answer_mistake(event, state)
end

-- What is too much of payloads; nil when it is not.
local function payload_mistake(events)
  local sum = 0
  for _, event in ipairs(events) do
    for _, value in pairs(event.fields) do sum = sum + (type(value) == "table" and value.size or 0) end
  end
  if sum > format.PAYLOADS then return ("tells of more than %d bytes of payloads"):format(format.PAYLOADS) end
end

local function keeps(events)
  for _, event in ipairs(events) do
    for _, value in pairs(event.fields) do
      if type(value) == "table" and value.bytes then return true end
    end
  end
  return false
end

-- A cassette of lines. nil, message.
local function assemble(list)
  local made = {}
  for i, kind in ipairs(HEAD) do
    if not list[i] or list[i].kind ~= kind or list[i].at then
      return nil, ("line %d: expected the line '%s'"):format(i + 1, kind)
    end
    made[kind] = list[i].fields
  end
  local message = head_mistake(made)
  if message then return nil, message end
  made.events = table.move(list, #HEAD + 1, #list, 1, {})
  local state = { at = 0, attempts = 0 }
  for _, event in ipairs(made.events) do
    message = event_mistake(event, state)
    if message then return nil, ("line %d: '%s' %s"):format(event.line, event.kind, message) end
  end
  if #made.events == 0 then return nil, "tells of nothing" end
  message = payload_mistake(made.events)
  if message then return nil, message end
  made.keep = keeps(made.events)
  return made
end

-- ---- files ----

-- A line that has no end was being written when jig ended.
local function whole_lines(text)
  return text:match("^(.*\n)[^\n]*$") or ""
end

-- Its lines, without the first, and whether they have their seal. nil, message.
local function body_of(text, unfinished)
  local first = text:match("^([^\n]*)\n")
  if not first then return nil, "is no cassette" end
  if first == format.VERSION .. "\r" or first == "\239\187\191" .. format.VERSION then
    local what = first:sub(-1) == "\r" and "its lines end in CR LF" or "a byte order mark stands before it"
    return nil, ("was changed on its way here: %s; take it as it was, as a binary file"):format(what)
  end
  if first ~= format.VERSION then
    if first:find("^jig%-cassette %d+$") then
      return nil, ("is of another version: '%s', and this jig reads '%s'"):format(first, format.VERSION)
    end
    return nil, "is no cassette: its first line is not '" .. format.VERSION .. "'"
  end
  local rest, sealed = unseal(text)
  if not rest then return nil, sealed end
  if not sealed and text:find("\nsha256 " .. ("%x"):rep(64) .. "\n") then
    return nil, "has something behind its last line, which is that with the SHA-256: take that away"
  end
  if not sealed and not unfinished then
    return nil, "is unfinished: it has no last line with its SHA-256, so jig ended while it was written, or it was "
      .. "cut\n  jig replay --unfinished takes what is there"
  end
  return whole_lines(rest):sub(#first + 2), sealed
end

--- Reads one from its text. Does not throw, whatever that is; nil and a sentence when it cannot be used.
---@param path string          what it is called
---@param text string
---@param unfinished? boolean  one without a seal is taken, as far as it goes
---@return jig.cassette.Cassette|nil made, string? message
function reader.of(path, text, unfinished)
  local body, sealed = body_of(text, unfinished)
  local list, made, message
  if body then list, message = events_of(body) else message = sealed end
  if list then made, message = assemble(list) end
  if made and sealed and made.events[#made.events].kind ~= "verdict" then
    made, message = nil, "has no verdict: it is of a shell (jig shell --record), and there is no unit to replay"
  end
  if not made then return nil, ("%s: %s"):format(path, message) end
  made.path, made.finished = path, sealed
  return made
end

--- The same from its file.
---@param path string
---@param unfinished? boolean
---@return jig.cassette.Cassette|nil made, string? message
function reader.read(path, unfinished)
  local text, message = slurp(path)
  if not text then return nil, ("%s: %s"):format(path, message) end
  return reader.of(path, text, unfinished)
end

--- Makes the seal of a file anew. nil, message when it is no cassette, or cannot be written.
---@param path string
---@return true|nil, string? message
function reader.seal(path)
  local text, message = slurp(path)
  if not text then return nil, ("%s: %s"):format(path, message) end
  local body = whole_lines(text):gsub("sha256 [^\n]*\n$", "")
  local sealed = body .. tape.seal(body)
  local lines, why = body_of(sealed, true)
  local list
  if lines then list, why = events_of(lines) end
  if list then list, why = assemble(list) end
  if not list then return nil, ("%s: %s"):format(path, why) end
  message = require("jig.output.whole")(path, sealed)
  if message then return nil, message end
  return true
end

return reader
