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
        complain("3 nothing is handed over twice", "the device received a message twice")
        told[key] = true
      end
      seen[key], latest = true, key
    end
  end
end

-- Faults by which another answer than the device's own is handed on, where the framing cannot tell.
local ALTERS <const> = { corrupt = true, short = true, junk = true, duplicate = true, drip = true }

local function altered(history)
  for _, injection in ipairs(history.injections) do
    local name, kind = injection.fault.name, injection.effect.kind
    if (ALTERS[name] or kind == "wait") and not history.subject.traits.check then return true end
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

local function is_answer(history, call, first, last)
  for _, answer in ipairs(history.answers) do
    if answer.attempt == call.attempt and answer.taken >= first and answer.taken <= last
      and answer.payload == call.response then
      return true
    end
  end
  return false
end

-- What is handed to the service is the device's answer to that message, and no other.
function device.answers(history, complain)
  if altered(history) then return end
  for _, call in ipairs(history.calls) do
    local before = ANSWERS[call.command]
    if before then
      local first, last = place_of(history, history.usual[before].payload, call.attempt)
      if first and not is_answer(history, call, first, last) then
        complain("2 order", ("what %s hands over is not the device's answer to %s"):format(call.command, before),
          call.effect)
      end
    end
  end
end

-- A device that may answer statuses answers them where jig looks for them.
function device.statuses(history, complain)
  if not (history.subject.statuses and #history.injections == 0) then return end
  for _, effect in ipairs(history.trail) do
    if faults.carries_status(effect, history.subject) then return end
  end
  complain(faults.MAPPED, "the device may answer statuses, and no answer has a field 'status'")
end

--- What a run without any fault gives no hold to check.
---@param history table
---@return string[]  a sentence each
function device.unchecked(history)
  local list = {}
  for _, command in ipairs { "new_device", "get_device_configuration" } do
    if not place_of(history, history.usual[command].payload, 1) then
      list[#list + 1] = ("that the device gets the message of %s once, and that its answer to it is handed on: it"
        .. " stands in no frame alone"):format(command)
    end
  end
  return list
end

return device
