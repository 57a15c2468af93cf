--- Measures many units at once in one process, beside a bare C + Lua program, python3 with pyserial and
-- node: each call takes 100 ms and each answer of the device 50 ms, so a unit cannot take less than 400 ms.
-- See README.md. Usage, from the repository's root:
--
--     build/jig spec/bench/gangs.lua PROGRAMS     (make bench)
--
-- PROGRAMS is the folder of the built programs. ROUNDS=n rounds count (7). SIZES="8 256" measures these.

local port = require "jig.port"
local proc = require "jig.proc"

local here = arg[0]:match("^(.*)/[^/]*$") or "."
local report = dofile(here .. "/report.lua")
local column, median, span = report.column, report.median, report.span

local ROUNDS <const> = tonumber(os.getenv("ROUNDS")) or 7
local SIZES <const> = {}
for size in (os.getenv("SIZES") or "1 8 64 256"):gmatch("%d+") do SIZES[#SIZES + 1] = math.tointeger(size) end
local CALL <const>, ANSWER <const> = 100, 50 -- milliseconds
local IDEAL <const> = 3 * CALL + 2 * ANSWER
local LIMIT <const> = 60 -- seconds that a run may take
local FINGERPRINT <const> = "e603eb9d1cb55d2288cb639fccf30e1687f5bb90"

local programs = assert(arg[1], "the folder of the built programs is missing")

local function output(...)
  local result = assert(proc.start { ... }):wait(LIMIT)
  return result and result.exit == 0 and result.stdout or nil
end

-- ---- peers ----

local function find(name, paths, ...)
  for _, path in ipairs(paths) do
    local ok, found = pcall(output, path, ...)
    if ok and found then return path end
  end
  print(name .. ": not installed")
end

local function jig_words(tool, link, count, spread, ...)
  return { arg[-1], here .. "/gang.lua", tool, link, count, "spread=" .. spread, ... }
end

-- Each: its name, and the words that run it.
local function list_peers()
  local peers = {
    { "bare C + Lua", function(...) return { programs .. "/floor", ... } end },
    { "jig, no journal", jig_words },
    { "jig", function(tool, link, count, spread) return jig_words(tool, link, count, spread, link .. ".db") end },
  }
  local python = find("python3 with pyserial", { os.getenv("PYTHON") or "/usr/bin/python3", "python3" }, "-c",
    "import serial, asyncio")
  if python then
    peers[#peers + 1] = { "asyncio + pyserial", function(...) return { python, here .. "/gang.py", ... } end }
  end
  local node = find("node", { os.getenv("NODE") or "node" }, "--version")
  if node then peers[#peers + 1] = { "node", function(...) return { node, here .. "/gang.js", ... } end } end
  return peers
end

-- ---- one run ----

local function encode(word)
  return (word:gsub("[^%w%-%._~/]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- When each of the boards wrote its answers.
local function read_times(board, count)
  local times = {}
  assert(board:write("?\n", LIMIT))
  for i = 1, count do
    local first, second = assert(board:read_until("\n", LIMIT)):match("^(%d+) (%d+)\n$")
    times[i] = { math.tointeger(first), math.tointeger(second) }
  end
  return times
end

-- Milliseconds between the write of an answer and the script that goes on with it.
local function delays_of(printed, times)
  local delays = {}
  for number, first, second in printed:gmatch("(%d+) " .. FINGERPRINT .. " (%d+) (%d+)\n") do
    local written = times[tonumber(number)]
    delays[#delays + 1] = (first - written[1]) / 1e6
    delays[#delays + 1] = (second - written[2]) / 1e6
  end
  return delays
end

local function figures(result, times)
  local wall, peak, own = result.stderr:match("@ (%d+) %d+ %d+ (%d+) %d+ (%d+)\n$")
  local making, making_cpu = result.stdout:match("making (%d+) (%d+)\n")
  local delays = delays_of(result.stdout, times)
  return {
    passed = #delays // 2,
    total = (result.stdout:match("total (%d+)\n") or math.huge) / 1e6,
    wall = wall / 1e3,
    own = own / 1e3,
    cpu = own / 1e3 - (making_cpu or 0) / 1e6, -- beside the making of states
    making = (making or 0) / 1e6,
    making_cpu = (making_cpu or 0) / 1e6,
    peak = peak / 1024,
    p50 = report.percentile(delays, 50),
    p99 = report.percentile(delays, 99),
    most = report.percentile(delays, 100),
    trouble = result.stderr:match("^[^@\n]+"),
  }
end

-- With boards of its own: what one run leaves on the wires meets no other.
local function run(peer, folder, count, spread)
  local link = folder .. "/gang"
  output("sh", "-c", 'rm -rf "$1"/*', "sh", folder)
  local board <close> = assert(port.open(("exec:%s/board %s %d %d"):format(encode(programs), encode(link),
    math.max(count, 2), ANSWER)))
  assert(board:read_until("\n", LIMIT))
  local words = peer[2](programs .. "/tool", link, tostring(count), tostring(spread))
  words.env, words.limit = { TOOL_MS = tostring(CALL) }, LIMIT
  table.insert(words, 1, programs .. "/measure")
  local result = assert(proc.start(words)):wait()
  if not result.exit then return { passed = 0, trouble = "hangs" } end
  return figures(result, read_times(board, count))
end

-- ---- campaigns: what all peers do in turns ----

local function complete(rows, count)
  for _, row in ipairs(rows) do
    if row.passed < count then return false end
  end
  return true
end

-- The figures of each peer, round by round; the first round warms caches and does not count.
local function campaign(peers, folder, count, spread)
  local found = {}
  for round = 0, ROUNDS do
    for i, peer in ipairs(peers) do
      found[i] = found[i] or {}
      local one = run(peer, folder, count, spread)
      if round > 0 then found[i][round] = one end
    end
  end
  return found
end

local function failed(rows, count)
  local least, trouble = count, nil
  for _, row in ipairs(rows) do
    if row.passed < least then least, trouble = row.passed, row.trouble end
  end
  return ("fails: %d of %d passed. %s"):format(least, count, trouble or "")
end

local function print_gang(peers, found, count)
  local rows = { { "", "passed", "total ms", "× ideal", "process ms", "own CPU ms", "× bare", "peak RSS MiB",
    "p99 delay ms" } }
  for i, peer in ipairs(peers) do
    local of = found[i]
    if complete(of, count) then
      rows[#rows + 1] = {
        peer[1], ("%d of %d"):format(count, count), span(column(of, "total"), "%.0f"),
        ("%.2f"):format(median(column(of, "total")) / IDEAL), ("%.0f"):format(median(column(of, "wall"))),
        span(column(of, "cpu"), "%.1f"), ("%.2f"):format(median(report.ratios(of, found[1], "cpu"))),
        ("%.1f"):format(median(column(of, "peak"))), span(column(of, "p99"), "%.2f"),
      }
    else
      rows[#rows + 1] = { peer[1], failed(of, count) }
    end
  end
  report.print_table(("%d units at once, started together"):format(count), rows)
end

local function print_making(found)
  local rows = { { "slots", "ms", "CPU ms", "µs of CPU a slot" } }
  for k, count in ipairs(SIZES) do
    local of = found[k][2]
    rows[#rows + 1] = {
      tostring(count), span(column(of, "making"), "%.1f"), span(column(of, "making_cpu"), "%.1f"),
      ("%.0f"):format(median(column(of, "making_cpu")) * 1000 / count),
    }
  end
  report.print_table("jig: making the slots' states, which the figures of own CPU and total leave out", rows)
end

local function print_spread(peers, spread, count)
  local rows = { { "", "median ms", "p99 ms", "most ms" } }
  for i, peer in ipairs(peers) do
    local of = spread[i]
    rows[#rows + 1] = complete(of, count)
      and { peer[1], span(column(of, "p50"), "%.2f"), span(column(of, "p99"), "%.2f"),
        span(column(of, "most"), "%.2f") }
      or { peer[1], failed(of, count) }
  end
  report.print_table(("%d units, started over %d ms: from the device's last byte to the script that goes on"):format(
    count, IDEAL), rows)
end

local function print_goals(found, spread)
  local rows, count = {}, SIZES[#SIZES]
  local last = found[#SIZES]
  for i = 2, 3 do
    local what, of = i == 2 and "no journal" or "journal", last[i]
    local passed = complete(of, count)
    local total = median(column(of, "total")) / IDEAL
    local peak, most = median(column(of, "peak")), 8 + count / 4
    report.verdict(rows, what .. ": all units at once", "≤ 1.2 × ideal", "%.2f", total, passed and total <= 1.2)
    report.verdict(rows, what .. ": peak RSS", ("≤ %.0f MiB"):format(most), "%.1f", peak, peak <= most)
    local late = median(column(spread[i], "p99"))
    report.verdict(rows, what .. ": delay, p99, starts spread", "< 5 ms", "%.2f", late, late < 5)
  end
  local cpu = median(report.ratios(last[2], last[1], "cpu"))
  report.verdict(rows, "no journal: own CPU", "≤ 1.5 × bare", "%.2f", cpu, cpu <= 1.5)
  report.print_table(("Goals for %d slots"):format(count), rows)
end

local function main(folder)
  local peers, found = list_peers(), {}
  for k, count in ipairs(SIZES) do
    found[k] = campaign(peers, folder, count, 0)
    print_gang(peers, found[k], count)
  end
  print_making(found)
  local most = SIZES[#SIZES]
  local spread = campaign(peers, folder, most, IDEAL)
  print_spread(peers, spread, most)
  print_goals(found, spread)
end

local function first_line(path)
  local file <close> = assert(io.open(path))
  return file:read("l")
end

print(("\nGangs, %d rounds. Load average at the start: %s"):format(ROUNDS,
  first_line("/proc/loadavg"):match("^%S+ %S+ %S+")))
local folder = assert(output("mktemp", "-d")):match("^[^\n]+")
local ok, message = pcall(main, folder)
output("rm", "-rf", folder)
if not ok then error(message, 0) end
