-- A journal on disk and `jig journal` on it, for specs of what reads.
--
--     local at <close> = reading.journal()                 -- something of everything
--     local result = at:run("list", "--limit", "1")

local cjson = require "cjson.safe"
local journals = require "spec.support.journals"
local ledgers = require "spec.ledger"
local scratch = require "spec.support.scratch"

local reading = {}

local place = {}
place.__index = place

--- Adds to the journal: fill(ledger). The file must not be open elsewhere in this process, so it is
-- closed again, and only other processes read it.
function place:fill(fill)
  local ledger <close> = assert(ledgers.ledger(self.path))
  fill(ledger)
end

--- Runs `jig journal VERB --journal PATH ...`. Yields.
---@return { exit: integer, stdout: string, stderr: string, lines: string[], objects: table[] }
function place:run(verb, ...)
  local result = scratch.jig { "journal", verb, "--journal", self.path, ... }
  result.lines, result.objects = {}, {}
  for line in result.stdout:gmatch("([^\n]*)\n") do
    result.lines[#result.lines + 1] = line
    result.objects[#result.objects + 1] = cjson.decode(line)
  end
  return result
end

--- The same, which must end with 0 and say nothing on stderr.
function place:read(verb, ...)
  local result = self:run(verb, ...)
  assert(result.exit == 0 and result.stderr == "", ("%s: exit %s: %s"):format(verb, result.exit, result.stderr))
  return result
end

--- A column of the objects.
function reading.column(result, name)
  local values = {}
  for i, object in ipairs(result.objects) do values[i] = object[name] or "-" end
  return values
end

function place:__close()
  self.folder:__close()
end

--- A journal that `fill` fills; by default with every kind of event.
function reading.journal(fill)
  local folder = scratch.folder()
  local self = setmetatable({ folder = folder, path = folder.path .. "/journal.db" }, place)
  self:fill(fill or journals.fill)
  return self
end

--- A journal without events.
function reading.empty()
  return reading.journal(function() end)
end

return reading
