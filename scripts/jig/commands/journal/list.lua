--- jig journal list: one line per unit, newest last.

local clean = require "jig.output.clean"
local filters = require "jig.commands.journal.filters"
local json = require "jig.output.json"
local moment = require "jig.commands.journal.moment"
local options = require "jig.commands.options"
local place = require "jig.commands.journal.place"
local system = require "jig.system"

local SQL <const> = [[
  SELECT u.started, u.id AS unit, u.slot, u.serial, u.lot, u.result, u.fault, u.code, u.fingerprint, u.session,
    u.took, %s AS attempts FROM unit u WHERE %s ORDER BY %s LIMIT ?%d]]

local HEADER <const> = { "start", "slot", "serial", "result", "fault or fingerprint", "n", "session", "s" }
local SERIAL <const>, WHAT <const>, TRIES <const>, SESSION <const>, SECONDS <const> = 3, 5, 6, 7, 8

-- On a terminal a session is shown by what `show` takes for it, and columns are cut, to these widths at
-- least, until a line fits.
local SHORT <const> = 8
local LEAST <const> = { [WHAT] = 12, [SERIAL] = 8 }

local WORDS <const> = { ["manufactured with fault"] = "fault" }

local function cells(row)
  local result = row.result and (WORDS[row.result] or row.result) or "running"
  local what = row.fingerprint or "-"
  if row.fault then what = ("%d %s"):format(row.code or 0, row.fault) end
  local seconds = row.took and ("%.2f"):format(row.took / 1000000) or "-"
  local list = { moment.show(row.started), row.slot or "-", row.serial or "-", result, what, tostring(row.attempts),
    row.session or "-", seconds }
  for i, cell in ipairs(list) do list[i] = clean(cell) end
  return list
end

local function width_of(lines, column)
  local width = 0
  for _, line in ipairs(lines) do width = math.max(width, utf8.len(line[column])) end
  return width
end

local function measure(lines, columns)
  local widths, total = {}, #HEADER - 1
  for i = 1, #HEADER do
    widths[i] = width_of(lines, i)
    total = total + widths[i]
  end
  for _, column in ipairs { WHAT, SERIAL } do
    local cut = math.max(0, math.min(total - columns, widths[column] - LEAST[column]))
    widths[column], total = widths[column] - cut, total - cut
  end
  return widths
end

local function fit(cell, width, right)
  local length = utf8.len(cell)
  if length > width then return cell:sub(1, utf8.offset(cell, width) - 1) .. "~" end
  local gap = (" "):rep(width - length)
  return right and gap .. cell or cell .. gap
end

local function shorten(lines)
  for _, line in ipairs(lines) do line[SESSION] = line[SESSION]:sub(1, SHORT) end
  table.insert(lines, 1, HEADER)
end

local function print_lines(lines)
  local columns = system.terminal(1)
  if columns then shorten(lines) end
  local widths = measure(lines, columns or math.huge)
  for _, line in ipairs(lines) do
    local parts = {}
    for i, cell in ipairs(line) do
      parts[i] = fit(cell, widths[i], i == TRIES or i == SECONDS)
    end
    io.stdout:write(table.concat(parts, " "), "\n")
  end
end

local function plain(row)
  row.seconds, row.took = moment.seconds(row.took), nil
  row.started = moment.show(row.started)
  return row
end

local function list(ledger, o)
  local where, parameters = filters.where(o)
  parameters.n = parameters.n + 1
  parameters[parameters.n] = o.limit
  local rows = place.list(ledger, SQL:format(filters.ATTEMPTS, where, filters.newest(o), parameters.n), parameters)
  local lines = {}
  for i = #rows, 1, -1 do
    lines[#lines + 1] = o.json and json.line(plain(rows[i])) or cells(rows[i])
  end
  if #lines == 0 then
    if not o.json then place.say("list", "no unit fits") end
  elseif o.json then
    io.stdout:write(table.concat(lines, "\n"), "\n")
  else
    print_lines(lines)
  end
  return place.OK
end

return function(words)
  local p = options.parser("journal list", "List units, newest last.")
  place.options(p)
  filters.options(p, "50")
  local o, status = options.parse(p, words)
  if not o then return status end
  return place.open("list", o, "read", function(ledger) return list(ledger, o) end)
end
