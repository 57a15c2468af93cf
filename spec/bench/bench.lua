--- Measures one unit cold and each of 200 further ones, beside a bare C + Lua program and python3 with
-- pyserial, then hex and CRC beside memcpy. See README.md. Usage, from the repository's root:
--
--     build/jig spec/bench/bench.lua PROGRAMS     (make bench)
--
-- PROGRAMS is the folder of the built floor, tool, board, measure and codec. ROUNDS=n rounds count (7).

local clock = require "jig.clock"
local port = require "jig.port"
local proc = require "jig.proc"

local ROUNDS <const> = tonumber(os.getenv("ROUNDS")) or 7
local COLD <const> = 11     -- cold runs of a peer in a round, whose median counts
local FURTHER <const> = 200
local LIMIT <const> = 120   -- seconds a run may take
local FINGERPRINT <const> = "e603eb9d1cb55d2288cb639fccf30e1687f5bb90"

local programs = assert(arg[1], "the folder of the built programs is missing")
local here = arg[0]:match("^(.*)/[^/]*$") or "."
local report = dofile(here .. "/report.lua")
local column, median, print_table, ratios = report.column, report.median, report.print_table, report.ratios
local span, verdict = report.span, report.verdict

local function output(...)
  local result = assert(proc.start { ... }):wait(LIMIT)
  return result and result.exit == 0 and result.stdout or nil
end

-- ---- peers ----

local function find_python()
  for _, path in ipairs { os.getenv("PYTHON") or "/usr/bin/python3", "python3" } do
    local ok, found = pcall(output, path, "-c", "import serial")
    if ok and found then return path end
  end
end

local function jig_words(tool, terminal, count, ...)
  return {
    arg[-1], "run", here .. "/recipe", "--cli", tool, "--port", "tty:" .. terminal, "--count", tostring(count), ...,
  }
end

-- Each: its name, and the words that run it for so many units.
local function list_peers()
  local peers = {
    { "bare C + Lua", function(...) return { programs .. "/floor", ... } end },
    { "jig run --no-journal", function(tool, terminal, count)
      return jig_words(tool, terminal, count, "--no-journal")
    end },
    { "jig run", function(tool, terminal, count)
      return jig_words(tool, terminal, count, "--journal", terminal .. ".db")
    end },
  }
  local python = find_python()
  if python then
    peers[#peers + 1] = { "python3 + pyserial", function(...) return { python, here .. "/peer.py", ... } end }
  else
    print("python3 with pyserial: not installed")
  end
  return peers
end

-- Runs a peer for `count` units; raises unless each was provisioned.
local function run(peer, terminal, count)
  local words = peer[2](programs .. "/tool", terminal, tostring(count))
  local result = assert(proc.start { programs .. "/measure", table.unpack(words) }):wait(LIMIT)
  local wall, user, system, peak, status = result.stderr:match("@ (%d+) (%d+) (%d+) (%d+) (%d+) %S+\n$")
  local _, done = result.stdout:gsub(FINGERPRINT, "")
  if status ~= "0" or done ~= count then
    error(("%s: status %s, %d of %d units\n%s"):format(peer[1], status, done, count, result.stderr), 0)
  end
  return { wall = wall / 1000, cpu = (user + system) / 1000, peak = peak / 1024 }
end

local function encode(word)
  return (word:gsub("[^%w%-%._~/]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- A board for a peer: what one leaves on the wire meets no other. Gives the wire that keeps it alive.
local function start_board(terminal)
  os.remove(terminal)
  local board = assert(port.open(("exec:%s/board %s"):format(encode(programs), encode(terminal))))
  assert(board:read_until("\n", LIMIT))
  return board
end

local function figures(cold, row)
  local wall, cpu = median(column(cold, "wall")), median(column(cold, "cpu"))
  return {
    wall = wall,
    cpu = cpu,
    peak = median(column(cold, "peak")),
    further_wall = (row.wall - wall) / FURTHER,
    further_cpu = (row.cpu - cpu) / FURTHER,
    row_peak = row.peak,
  }
end

-- One round: the cold runs of all peers in turn, then each one's row. Gives the figures of each.
local function measure(peers, folder)
  local boards, cold, found = {}, {}, {}
  for i in ipairs(peers) do
    boards[i], cold[i] = start_board(folder .. "/board" .. i), {}
  end
  for k = 1, COLD do
    for i, peer in ipairs(peers) do
      cold[i][k] = run(peer, folder .. "/board" .. i, 1)
    end
  end
  for i, peer in ipairs(peers) do
    found[i] = figures(cold[i], run(peer, folder .. "/board" .. i, 1 + FURTHER))
    boards[i]:close()
  end
  return found
end

-- ---- throughput ----

local KINDS <const> = {
  { "memcpy", "memcpy" }, { "encode", "hex encode" }, { "decode", "hex decode" }, { "crc", "CRC-16/IBM-3740" },
}
local SIZES <const> = { "24", "1984", "1048576" }

local function add_throughput(into)
  for kind, size, rate in assert(output(programs .. "/codec")):gmatch("(%a+) (%d+) (%S+)\n") do
    local key = kind .. size
    into[key] = into[key] or {}
    table.insert(into[key], tonumber(rate))
  end
end

local function print_throughput(rates)
  local rows = { { "GB/s of payload", "24 B", "1984 B", "1 MiB" } }
  for _, kind in ipairs(KINDS) do
    local row = { kind[2] }
    for _, size in ipairs(SIZES) do
      row[#row + 1] = span(rates[kind[1] .. size], "%.2f")
    end
    rows[#rows + 1] = row
  end
  print_table("Hex and CRC, best of five repetitions, beside memcpy", rows)
end

-- ---- the report ----

local function print_units(title, peers, found, wall, cpu, peak)
  local rows = { { "", "wall ms", "× bare", "CPU ms", "peak RSS MiB" } }
  for i, peer in ipairs(peers) do
    rows[#rows + 1] = {
      peer[1],
      span(column(found[i], wall), "%.2f"),
      span(ratios(found[i], found[1], wall), "%.2f"),
      span(column(found[i], cpu), "%.2f"),
      ("%.1f"):format(median(column(found[i], peak))),
    }
  end
  print_table(title, rows)
end

local function print_goals(found)
  local bare, jig, recorded, python = found[1], found[2], found[3], found[4]
  local rows = {}
  local cold = median(ratios(jig, bare, "wall"))
  local further = median(ratios(jig, bare, "further_wall"))
  local peak = median(column(jig, "row_peak"))
  verdict(rows, "one unit cold", "≤ 1.5 × bare", "%.2f", cold, cold <= 1.5)
  verdict(rows, "each further unit", "≤ 1.2 × bare", "%.2f", further, further <= 1.2)
  local cold_recorded = median(ratios(recorded, bare, "wall"))
  local further_recorded = median(ratios(recorded, bare, "further_wall"))
  verdict(rows, "one unit cold, journal", "≤ 2.5 × bare", "%.2f", cold_recorded, cold_recorded <= 2.5)
  verdict(rows, "each further unit, journal", "≤ 1.5 × bare", "%.2f", further_recorded, further_recorded <= 1.5)
  if python then
    local other = median(ratios(jig, python, "further_wall"))
    verdict(rows, "each further unit", "≤ python3 + pyserial", "%.2f", other, other <= 1)
  end
  verdict(rows, "peak RSS, one slot", "≤ 8.25 MiB", "%.1f", peak, peak <= 8.25)
  print_table("Goals", rows)
end

-- ---- the journal ----

local GANGS <const> = { 1, 8, 64, 256 }
local GANG_UNITS <const> = 512 -- in all
local SYNCS <const> = 500

-- Milliseconds of one write that is on disk before the next begins, on the disk of the journal.
local function plain_sync(folder)
  local begun = clock.now()
  assert(output("dd", "if=/dev/zero", "of=" .. folder .. "/plain", "bs=4096", "count=" .. SYNCS, "oflag=dsync",
    "status=none"))
  return (clock.now() - begun) * 1000 / SYNCS
end

local function run_gang(link, slots, journal_path)
  local words = { arg[-1], here .. "/gang.lua", programs .. "/tool", link, tostring(slots),
    tostring(GANG_UNITS // slots), journal_path }
  local units, seconds, commits = assert(output(table.unpack(words))):match("(%d+)%s+(%S+)%s+(%d+)")
  assert(tonumber(units) == GANG_UNITS // slots * slots, "a unit did not pass")
  return { rate = tonumber(units) / tonumber(seconds), commits = tonumber(commits) / tonumber(units) }
end

-- With a journal and without, in turns, with the plain cost of a sync in the same round.
local function print_gangs(folder)
  local link = folder .. "/gang"
  local board <close> = assert(port.open("exec:" .. programs .. "/board " .. link .. " " .. GANGS[#GANGS]))
  assert(board:read_until("\n", LIMIT) == "ready\n")
  local with, without, syncs = {}, {}, {}
  for round = 0, ROUNDS do
    if round > 0 then syncs[round] = plain_sync(folder) end
    for i, slots in ipairs(GANGS) do
      with[i], without[i] = with[i] or {}, without[i] or {}
      local one, other = run_gang(link, slots, folder .. "/gang.db"), run_gang(link, slots)
      if round > 0 then with[i][round], without[i][round] = one, other end
    end
  end
  local rows = { { "slots", "units/s, no journal", "units/s, journal", "commits a unit", "× plain syncs" } }
  for i, slots in ipairs(GANGS) do
    local costs = {} -- what the journal adds to a unit, in syncs of this round
    for round, one in ipairs(with[i]) do
      costs[round] = (1000 / one.rate - 1000 / without[i][round].rate) / syncs[round]
    end
    rows[#rows + 1] = {
      tostring(slots), span(column(without[i], "rate"), "%.0f"), span(column(with[i], "rate"), "%.0f"),
      span(column(with[i], "commits"), "%.2f"), span(costs, "%.2f"),
    }
  end
  print_table(("The journal: %d units in one process; a plain synced write takes %s ms"):format(GANG_UNITS,
    span(syncs, "%.3f")), rows)
end

local function main(folder)
  local peers, found, rates = list_peers(), {}, {}
  for round = 0, ROUNDS do -- the first warms caches and does not count
    for i, one in ipairs(measure(peers, folder)) do
      found[i] = found[i] or {}
      if round > 0 then table.insert(found[i], one) end
    end
    if round > 0 then add_throughput(rates) end
  end
  print_units("One unit cold, from process start to exit", peers, found, "wall", "cpu", "peak")
  print_units(("Each of %d further units in one process"):format(FURTHER), peers, found, "further_wall",
    "further_cpu", "row_peak")
  print_throughput(rates)
  print_goals(found)
  print_gangs(folder)
end

local function first_line(path)
  local file <close> = assert(io.open(path))
  return file:read("l")
end

print(("%d rounds, interleaved: median (least–most). Load average at the start: %s"):format(ROUNDS,
  first_line("/proc/loadavg"):match("^%S+ %S+ %S+")))
local folder = assert(output("mktemp", "-d")):match("^[^\n]+")
local ok, message = pcall(main, folder)
output("rm", "-rf", folder)
if not ok then error(message, 0) end
