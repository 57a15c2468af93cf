--- What `jig journal` makes of a journal that was changed: export, in each form, and stats, and the words of show.
--
-- The ledger gives rows that the bytes of an input make, of the types that the tables have (core/schema.c): texts
-- may hold anything, also what should be JSON. The first byte says the form and what the rest is: below 128 the facts
-- of both attempts, else edits of the rows.
--
--   - Nothing raises.
--   - CSV: each row has a cell for each column, and none is a formula; JSON: each line is an object; JUnit:
--     well-formed.

local cjson = require "cjson.safe"
local values = dofile "spec/fuzz/values.lua"
local xml = dofile "spec/support/xml.lua"

local rows = {}
local ledger = setmetatable({}, { __close = function() end })
function ledger.rows()
  local at = 0
  return function()
    at = at + 1
    return rows[at]
  end
end
package.loaded["jig.ledger"] = { open = function() return ledger end }

local export = require "jig.commands.journal.export"
local stats = require "jig.commands.journal.stats"
local words = require "jig.commands.journal.words"

local FILE <const> = "build/fuzz/work/journal_export/out"
local FORMATS <const> = { "csv", "jsonl", "junit" }
local INTEGERS <const> = {
  first = 1, event = 1, number = 1, unit_started = 1, session_attempt = 1, opened = 1, ended = 1, calls = 1,
  refusals = 1, code = 1, told = 1, attempts = 1, count = 1,
}
local NEEDED <const> = { unit = "r.1", told = 1700000000000000, facts = "{}", attempts = 1, count = 1, name = "a" }
local WORDS <const> = {
  "facts", "name", "reason", "serial", "slot", "state", "session", "finished", "reported", "told", "opened", "number",
  "code", "result", "passed", "took", "gate_us", "phases", "us", "fault", "traceback", "received", "sent", "manifest",
  '{"took":1e999}', '{"phases":[1]}', '{"phases":[{"name":[],"us":"x"}]}', '{"fault":{"traceback":{}}}', "[]", "7",
  "null", "=cmd|' /C calc'!A0", '"', "\r\n", "]]>", "\u{FFFE}", "&",
}

local FACTS <const> = '{"result":"passed","took":420000,"gate_us":1,"phases":[{"name":"exchange","us":5}],"received":3,'
  .. '"sent":4,"serial":"T1","fault":{"name":"a","traceback":"t"}}'

local function plain_rows()
  local one = {
    first = 1, event = 2, unit = "r.1", number = 1, unit_started = 1700000000000000, slot = "A", station = "line",
    lot = "7", recipe = "lamp", version = "1", session = "4f1a", session_attempt = 1, state = "finished",
    opened = 1700000000000000, fingerprint = "ab", calls = 0, refusals = 0, told = 1700000001000000, facts = FACTS,
    result = "passed", attempts = 1,
  }
  local other = values.copy(one)
  other.session, other.opened, other.name, other.code, other.reason = nil, nil, "lamp.dark", -5, "dark"
  return { one, other }
end

-- Of the types of the columns: no others can be in the tables.
local function fit(row)
  for name, value in pairs(row) do
    if type(name) ~= "string" then
      row[name] = nil
    elseif INTEGERS[name] then
      row[name] = math.type(value) == "integer" and value or NEEDED[name]
    elseif math.type(value) then
      row[name] = tostring(value)
    elseif type(value) ~= "string" then
      row[name] = NEEDED[name]
    end
  end
  for name, value in pairs(NEEDED) do
    if row[name] == nil then row[name] = value end
  end
  return row
end

local function make_rows(first, rest)
  local made = plain_rows()
  if first < 128 then
    made[1].facts, made[2].facts = rest, rest
  else
    values.edit(made, values.bytes(rest), WORDS)
  end
  rows = {}
  for i = 1, 2 do
    if type(made[i]) == "table" then rows[#rows + 1] = fit(made[i]) end
  end
end

local checks = {}

-- The cells of a line of CSV (RFC 4180) from byte `at` on, and where the next begins.
local function read_line(text, at)
  local cells = {}
  repeat
    local quoted, past = text:match('^"([^"]*)"()', at)
    while quoted and text:sub(past, past) == '"' do
      local more, behind = text:match('^"([^"]*)"()', past)
      quoted, past = quoted .. '"' .. assert(more, "a quote is open"), behind
    end
    local plain, after = text:match('^([^",\r\n]*)()', at)
    cells[#cells + 1] = quoted or plain
    at = past or after
    local comma = text:sub(at, at) == ","
    at = at + 1
  until not comma
  assert(text:sub(at - 1, at) == "\r\n", "a cell does not end where it should")
  return cells, at + 1
end

function checks.csv(text)
  local columns, cells
  local at = 1
  while at <= #text do
    cells, at = read_line(text, at)
    columns = columns or #cells
    assert(columns == #cells, "a row has another number of cells")
    for _, cell in ipairs(cells) do assert(not cell:find "^[=+%-@\t\r]" or tonumber(cell), "a formula") end
  end
end

function checks.jsonl(text)
  for line in text:gmatch("[^\n]+") do assert(type(cjson.decode(line)) == "table", line) end
end

function checks.junit(text)
  xml(text)
end

local function silent(f, ...)
  local real = io.stdout
  local sink <close> = assert(io.open("/dev/null", "wb"))
  io.stdout = sink -- luacheck: ignore 122 (the export writes there)
  local ok, message = xpcall(f, debug.traceback, ...)
  io.stdout = real -- luacheck: ignore 122 (the export writes there)
  assert(ok, message)
end

return function(input)
  if #input < 1 then return end
  local first = input:byte(1)
  make_rows(first, input:sub(2))
  local form = FORMATS[1 + first % 3]
  assert(export { "--journal", "/j", "--format", form, FILE } == 0)
  local file <close> = assert(io.open(FILE, "rb"))
  checks[form](file:read("a"))
  for _, row in ipairs(rows) do
    for _, kind in ipairs { "ended", "opening", "reporting", "pruned", "settled", "started", row.result or "?" } do
      assert(not words.event(kind, words.facts(row)):find("[%c]"), "a control character for a terminal")
    end
  end
  if first & 64 ~= 0 then silent(stats, { "--journal", "/j" }) end
end
