--- Where a sub-verb of `jig journal` reads, and how it ends when it cannot.

local clean = require "jig.output.clean"
local journaling = require "jig.commands.journaling"
local ledger = require "jig.ledger"

local place = {}

place.OK, place.FOUND, place.USAGE, place.UNREADABLE = 0, 1, 2, 4

-- What to do about a code of jig.ledger.
local ADVICE <const> = {
  not_found = "name it with --journal PATH or --station FILE; the first `jig run` makes it",
  denied = "run as a user who may read it: its owner, or a member of its group",
  invalid = "name the right file with --journal PATH; if it is the right one, take the latest copy of it",
  busy = "another program holds it: try again",
  system = "look into the system's log for what is wrong with the disk",
}
local OTHER <const> = "make a copy of it with its -wal file, and try again on the copy"

-- What a query throws when the file cannot be read: told from a mistake in jig by its type.
local trouble = {}

--- Adds the options that all sub-verbs have.
---@param p jig.Options
function place.options(p)
  p:option("--journal", "Path of the journal."):value "PATH"
  p:option("--station", "Station file, which may name the journal."):value "FILE"
  p:flag("--json", "One JSON object per line on stdout.")
end

--- A line for people.
function place.say(verb, text)
  io.stderr:write("jig journal ", verb, ": ", text, "\n")
end

local function unreadable(verb, path, message, code)
  place.say(verb, ("the journal %s cannot be used: %s\n  %s"):format(clean(path), clean(message),
    ADVICE[code] or OTHER))
  return place.UNREADABLE
end

-- The path of the journal; nil and the exit status.
local function find(verb, o)
  local from = {}
  if o.station then
    local message
    from, message = require("jig.station").open(o.station)
    message = message or from.trust and require("jig.trust").usage(o)
    if message then
      place.say(verb, message)
      return nil, place.USAGE
    end
  end
  local settings = journaling.settings(o, from)
  if settings then return settings.path end
  place.say(verb, "the station file says journal = false: name a journal with --journal PATH")
  return nil, place.USAGE
end

--- Opens the journal and calls f(ledger, path), which gives the exit status.
---@param verb string
---@param o table
---@param mode "read"|"write"
---@param f fun(ledger: userdata, path: string): integer
---@return integer status
function place.open(verb, o, mode, f)
  local path, status = find(verb, o)
  if not path then return status end
  local opened <close>, message, code = ledger.open(path, mode)
  if not opened then return unreadable(verb, path, message, code) end
  local ok, result = xpcall(f, function(thrown)
    return getmetatable(thrown) == trouble and thrown or debug.traceback(thrown, 2)
  end, opened, path)
  if ok then return result end
  if getmetatable(result) == trouble then return unreadable(verb, path, result.message, result.code) end
  error(result, 0)
end

--- Ends f of place.open: the journal cannot be used.
function place.fail(message, code)
  error(setmetatable({ message = message, code = code }, trouble))
end

--- The rows of a query, for a generic `for`: ledger:rows, whose failures end f of place.open.
---@param from userdata
---@param sql string
---@param parameters? any[]  n = how many
function place.rows(from, sql, parameters)
  parameters = parameters or { n = 0 }
  local ok, step, state, control, closing = pcall(from.rows, from, sql,
    table.unpack(parameters, 1, parameters.n or #parameters))
  if not ok then place.fail(step) end
  local function next_row(...)
    local read, row = pcall(step, ...)
    if not read then place.fail(row) end
    return row
  end
  return next_row, state, control, closing
end

--- The first row of a few; nil when there is none.
function place.row(from, sql, parameters)
  return place.list(from, sql, parameters)[1]
end

--- All rows as a list.
function place.list(from, sql, parameters)
  local list = {}
  for row in place.rows(from, sql, parameters) do list[#list + 1] = row end
  return list
end

return place
