--- What events mean, for people. Never bytes of a message: no event has any.

local clean = require "jig.output.clean"
local cjson = require "cjson.safe"

local words = {}

local function because(why)
  return why and ": " .. clean(why) or ""
end

-- JSON's numbers come as floats.
local function number(value)
  return clean(math.tointeger(value) or value or "?")
end

-- "lamp.dark (50): dark  in finish"
local function fault(name, code, reason, phase)
  local text = ("%s (%s)%s"):format(clean(name or "?"), number(code), because(reason))
  return phase and text .. "  in " .. clean(phase) or text
end

local kinds = {}

function kinds.started(f)
  return ("a run began: slot %s, recipe %s %s"):format(clean(f.slot or "-"), clean(f.recipe or "-"),
    clean(f.version or ""))
end

function kinds.opening(f)
  return "new_device is called" .. (f.again and "; made once before, and again because" .. because(f.again) or "")
end

function kinds.opened() return "new_device has answered: the session is open" end
function kinds.configured() return "get_device_configuration has answered" end

function kinds.failed(f)
  return ("%s failed%s; a report is owed"):format(clean(f.command or "?"), because(f.why))
end

function kinds.refused(f)
  if f.command == "report_error" then return "the report was not accepted" .. because(f.why) end
  return ("%s was refused, so nothing was opened%s"):format(clean(f.command or "?"), because(f.why))
end

function kinds.unknown(f)
  return ("%s was called, and what it did is unknown%s"):format(clean(f.command or "?"), because(f.why))
end

function kinds.finishing() return "handle_device_response is called" end
function kinds.finished(f) return "made: the fingerprint is " .. clean(f.fingerprint or "?") end

function kinds.reporting(f)
  return "report_error is called for " .. fault(f.fault, f.code, f.reason, f.phase)
end

function kinds.reported() return "the report was accepted: the session has ended" end

function kinds.settled(f)
  return ("given up by %s%s; it is not reported any more"):format(clean(f.operator or "?"), because(f.reason))
end

function kinds.manufactured_with_fault(f)
  return "failed after the fingerprint: " .. fault(f.fault, f.code, f.reason, f.phase)
end

function kinds.ended(f)
  return ("the attempt ended: %s"):format(clean(f.result or (f.passed and "passed" or "failed")))
end

function kinds.pruned(f)
  return ("%s events were removed, through event %s"):format(number(f.events), number(f.through))
end

--- The facts of an event's row; an empty table when they cannot be read.
---@param row { facts: string }
---@return table
function words.facts(row)
  local facts = cjson.decode(row.facts)
  return type(facts) == "table" and facts or {}
end

-- What "ended" says (core/ledger.h) and is told further, by type.
local ENDED <const> = {
  result = "string", serial = "string", manifest = "string", took = "integer", gate_us = "integer",
  received = "integer", sent = "integer",
}

-- A value of a type; nil when it is another. JSON's numbers come as floats.
local function typed(value, kind)
  if kind == "integer" then return math.type(value) and math.tointeger(value) or nil end
  return type(value) == kind and value or nil
end

-- Those phases that have a name and a time; nil when there are none.
local function phases_of(list)
  local made = {}
  for _, phase in ipairs(typed(list, "table") or {}) do
    local of = typed(phase, "table") or {}
    local name, us = typed(of.name, "string"), typed(of.us, "integer")
    if name and us then made[#made + 1] = { name = name, us = us } end
  end
  return made[1] and made or nil
end

---@class jig.EndedFacts  each may be missing; times in microseconds
---@field result? string
---@field serial? string
---@field manifest? string
---@field took? integer
---@field gate_us? integer
---@field received? integer
---@field sent? integer
---@field phases? { name: string, us: integer }[]
---@field traceback? string  of the fault
---@field by_recipe? true     who gave the fault its name

--- What "ended" says, as far as it is of the right type: a journal may have been changed.
---@param text string|nil  the event's facts
---@return jig.EndedFacts
function words.ended(text)
  local facts, made = words.facts { facts = text or "" }, {}
  for name, kind in pairs(ENDED) do made[name] = typed(facts[name], kind) end
  made.phases = phases_of(facts.phases)
  local fault_told = typed(facts.fault, "table") or {}
  made.traceback, made.by_recipe = typed(fault_told.traceback, "string"), fault_told.by_recipe == true or nil
  return made
end

--- One sentence.
---@param kind string
---@param facts table
---@return string
function words.event(kind, facts)
  local f = kinds[kind]
  return f and f(facts) or clean(kind)
end

words.fault = fault

return words
