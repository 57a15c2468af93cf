--- What the journal learns of a slot's units besides what core/session records itself: the settings of
-- this run, what a session is for, and how each attempt ended (core/ledger.h names the fields). Runs in
-- the slot's state. Never bytes of a message.

local cjson = require "cjson.safe"
local digest = require "jig.digest"
local hex = require "jig.hex"
local journal = require "jig.journal"

---@class jig.Record
---@field run string       what this run is called in the journal
---@field settings table   of the worker: slot, lot, operator, journal
---@field files table      sandbox.files() of the recipe
---@field manifest? string  SHA-256 of the signed recipe's manifest, in hex
local record = {}
record.__index = record

-- A traceback says where; what is below that depth says no more.
local TRACEBACK <const> = 4000

---@param config table  of the worker; config.journal as jig.commands.journaling makes it, and perhaps `run`
---@param files table
---@return jig.Record
function record.new(config, files)
  return setmetatable({
    run = config.journal.run or config.journal.owner .. "-" .. config.slot,
    settings = config,
    manifest = config.sealed and config.sealed.manifest,
    files = files,
    attempts = {},
  }, record)
end

--- One digest for a recipe: of the names and contents of all its files that were loaded so far.
---@param files table
---@param folder string
---@return string hex
function record.digest(files, folder)
  local names = {}
  for path in pairs(files) do names[#names + 1] = path end
  table.sort(names)
  local parts = {}
  for i, path in ipairs(names) do
    parts[i] = ("%s\0%s\0"):format(path:sub(#folder + 1), files[path].sha256)
  end
  return hex.encode(digest.sha256(table.concat(parts)))
end

local function micro(seconds)
  return math.tointeger(seconds * 1e6 // 1)
end

--- Records what is the same for all units of this run; with the first of them.
---@param made jig.Recipe
function record:started(made)
  if self.said then return end
  self.said = true
  self.after = (made.run or made.finish) and 1 or 0
  local facts = {
    run = self.run, slot = self.settings.slot, lot = self.settings.lot, operator = self.settings.operator,
    recipe = made.name, version = made.version,
    recipe_sha256 = record.digest(self.files, self.settings.folder), manifest = self.manifest,
  }
  for key, value in pairs(self.settings.journal.started) do facts[key] = value end
  journal.append("started", "", 0, assert(cjson.encode(facts)), true)
end

local function unit_id(self, number)
  return ("%s.%d"):format(self.run, number)
end

--- What "opening" says of a unit, as JSON, and the attempt by which the journal knows the session: the
-- unit's, counted on from the first when the session's id was used before.
---@param truth table  of it: number, attempt, slot, serial, session_id
---@return string facts, integer attempt
function record:opening(truth)
  local settings = self.settings.journal
  local attempt = (settings.first_attempt or 1) + truth.attempt - 1
  self.attempts[truth.session_id] = attempt
  return assert(cjson.encode {
    run = self.run, number = truth.number, unit = unit_id(self, truth.number), owner = settings.owner,
    slot = truth.slot, serial = truth.serial, lot = self.settings.lot,
    service = settings.started.service, after = self.after, again = settings.again, manifest = self.manifest,
  }), attempt
end

local function phases(result)
  local list = {}
  for i, phase in ipairs(result.phases) do
    list[i] = { name = phase.name, us = micro(phase.seconds) }
  end
  return list
end

local function fault_facts(fault)
  if not fault then return end
  return {
    name = fault.name, code = fault.code, reason = fault.reason, phase = fault.phase, line = fault.line,
    traceback = fault.traceback and fault.traceback:sub(1, TRACEBACK), by_recipe = fault.by_recipe,
  }
end

local function ended_facts(self, result, number)
  return {
    run = self.run, number = number, unit = unit_id(self, number), slot = self.settings.slot,
    serial = result.serial, lot = self.settings.lot, passed = result.passed,
    result = result.passed and "passed" or result.manufactured_with_fault and "manufactured with fault" or "failed",
    took = micro(result.seconds), phases = phases(result),
    gate_us = micro(result.gate_seconds or 0), received = result.received,
    sent = result.sent, fingerprint = result.fingerprint, fault = fault_facts(result.fault), manifest = self.manifest,
  }
end

--- Records what failed after the fingerprint.
---@param result table  of jig.attempt, with fault and session
---@param relaxed? boolean
function record:faulty(result, relaxed)
  local f = result.fault
  journal.append("manufactured_with_fault", result.session, self.attempts[result.session] or result.attempt,
    assert(cjson.encode { fault = f.name, code = f.code, reason = f.reason, phase = f.phase }), relaxed)
end

--- Records how an attempt ended. Yields when something hangs on it: "manufactured with fault", PASS after hooks
-- that could still have failed, and another attempt; every other outcome is durable already, or is no PASS.
---@param result table    of jig.attempt, with serial and session
---@param number integer  of the unit
---@param retry boolean   the unit may be tried again
---@return string|nil kept, string? message
function record:ended(result, number, retry)
  local facts = assert(cjson.encode(ended_facts(self, result, number)))
  local opened = self.attempts[result.session]
  local session, attempt = opened and result.session or "", opened or result.attempt
  if result.manufactured_with_fault and opened then self:faulty(result, true) end
  local waits = retry or result.manufactured_with_fault or (result.passed and self.after == 1)
  return journal.append("ended", session, attempt, facts, not waits)
end

return record
