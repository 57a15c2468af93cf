--- What the device and the service learn of each other: each message once, and the answer to it, no other.

local faults = require "jig.prove.faults"

local device = {}

-- A message may come again only where blocks are sent again, and before another has come.
function device.once(history, complain)
  local arq = history.subject.recipe.link == "arq"
  local seen, latest, told = {}, nil, {}
  for i, frame in ipairs(history.taken) do
    local payload = frame.payload
    if history.served[payload] then
      local key = history.taken_in[i] .. payload
      if seen[key] and not (arq and latest == key) and not told[key] then
        complain("3 nothing is handed over twice", "the device received a message twice", history.taken_by[i])
        told[key] = true
      end
      seen[key], latest = true, key
    end
  end
end

-- Faults by which another answer than the device's own is handed on, where the framing cannot tell, or where the
-- recipe makes one of several frames.
local ALTERS <const> = { corrupt = true, short = true, junk = true, duplicate = true, drip = true }

local function altered(history)
  for _, injection in ipairs(history.injections) do
    local name, kind = injection.fault.name, injection.effect.kind
    local subject = history.subject
    if (ALTERS[name] or kind == "wait") and (not subject.traits.check or subject.recipe.exchange) then return true end
  end
  return false
end

-- How many messages the device had in an attempt when it got this one, and before it got the next of the service;
-- nil when it never did.
local function place_of(history, payload, attempt)
  local first
  for i, frame in ipairs(history.taken) do
    if history.taken_in[i] == attempt then
      if first and history.served[frame.payload] and frame.payload ~= payload then return first, i - 1 end
      if not first and frame.payload == payload then first = i end
    end
  end
  return first, #history.taken
end

-- Which message of the service each response belongs to.
local ANSWERS <const> = { get_device_configuration = "new_device", handle_device_response = "get_device_configuration" }

-- What the device sent in an attempt after so many messages, and before so many more.
local function sent(history, attempt, first, last)
  local parts = {}
  for _, answer in ipairs(history.answers) do
    if answer.attempt == attempt and answer.taken >= first and answer.taken <= last then
      parts[#parts + 1] = answer.payload
    end
  end
  return table.concat(parts)
end

-- Whether a response is what the device sent then, or a part of it: a recipe may take a status off, and join frames.
-- Nil where nothing can be said: the recipe makes of every answer something else, or the message stood in no frame.
local function is_answer(history, call)
  local message = history.usual[ANSWERS[call.command]].payload
  local first, last = place_of(history, message, call.attempt)
  if not first then return nil end
  if sent(history, call.attempt, first, last):find(call.response, 1, true) then return true end
  if sent(history, call.attempt, 0, math.huge):find(call.response, 1, true) then return false end
  if #history.injections > 0 and not history.subject.reshapes then return false end
end

-- What is handed to the service is the device's answer to that message, and no other.
function device.answers(history, complain)
  if altered(history) then return end
  for _, call in ipairs(history.calls) do
    if ANSWERS[call.command] and is_answer(history, call) == false then
      complain("2 order", ("what %s hands over is not the device's answer to %s"):format(call.command,
        ANSWERS[call.command]), call.effect)
    end
  end
end

--- Whether the recipe makes of the device's answers something else, so that nobody can tell whose they are.
---@param history table  without any fault
---@return boolean
function device.reshapes(history)
  for _, call in ipairs(history.calls) do
    if ANSWERS[call.command] and is_answer(history, call) == nil then return true end
  end
  return false
end

local function carries_any_status(history)
  for _, effect in ipairs(history.trail) do
    if faults.carries_status(effect, history.subject) then return true end
  end
  return false
end

-- A device that may answer statuses answers them where jig looks for them.
function device.statuses(history, complain)
  if history.subject.statuses and #history.injections == 0 and not carries_any_status(history) then
    complain(faults.MAPPED, "the device may answer statuses, and no answer has a field 'status'")
  end
end

--- What a run without any fault gives no hold to check.
---@param history table
---@return string[]  a sentence each
function device.unchecked(history)
  local list, alone = {}, true
  for _, command in ipairs { "new_device", "get_device_configuration" } do
    if not place_of(history, history.usual[command].payload, 1) then
      alone = false
      list[#list + 1] = ("that the device gets the message of %s once, and that its answer to it is handed on: it"
        .. " stands in no frame alone"):format(command)
    end
  end
  if alone and device.reshapes(history) then
    list[#list + 1] = "that each answer is handed on: the recipe makes something else of it"
  end
  if not carries_any_status(history) then
    list[#list + 1] = "what becomes of a status of the device: no answer carries one where jig sees it"
  end
  return list
end

return device
