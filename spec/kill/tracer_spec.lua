-- The tracer on a program that writes numbered lines: what it counts, and that it kills before a call.

local scratch = require "spec.support.scratch"
local station = require "spec.support.station"

local programs = scratch.program:gsub("[^/]*$", "kill/")
local TRACER <const>, LINES_PROGRAM <const> = programs .. "tracer", programs .. "lines"

-- Runs `lines` under the tracer; gives the points, the last line, the exit status and the folder.
local function trace(place, threads, lines, kill, option)
  local folder, list = place:fresh("lines"), place:fresh("points")
  station.execute("mkdir", folder)
  local words = { TRACER, "--out", list, LINES_PROGRAM, folder, tostring(threads), tostring(lines) }
  if kill then table.move({ option or "--kill", tostring(kill) }, 1, 2, 2, table.move(words, 2, #words, 4)) end
  local result, points, last = scratch.run(words), {}, nil
  for line in station.read(list):gmatch("[^\n]+") do
    local number, thread, name, target = line:match("^(%d+) (%S+) (%S+) (.*)$")
    if number then
      points[#points + 1] = { number = tonumber(number), thread = thread, name = name, target = target }
    else
      last = line
    end
  end
  return { points = points, last = last, exit = result.exit, folder = folder, stderr = result.stderr }
end

-- How many lines the files hold; each must be whole and the next of its file.
local function written(folder, threads)
  local count = 0
  for i = 0, threads - 1 do
    local expected = 0
    for line in station.read(("%s/%d"):format(folder, i)):gmatch("([^\n]*)\n") do
      expected = expected + 1
      assert.equal(tostring(expected), line)
    end
    count = count + expected
  end
  return count
end

local function count(points, name, before)
  local n = 0
  for i = 1, before or #points do
    if points[i].name == name then n = n + 1 end
  end
  return n
end

describe("the tracer", function()
  local place

  setup(function() place = station.place() end)
  teardown(function() place:close() end)

  it("lists the calls that change something, of all threads, and none of a child process", function()
    local run = trace(place, 3, 20)
    assert.equal(0, run.exit, run.stderr)
    assert.equal("end exit 0", run.last)
    assert.equal(60, written(run.folder, 3))
    assert.same({ number = 1, thread = "main", name = "clone", target = "process" }, run.points[1])
    local names = {}
    for i, point in ipairs(run.points) do
      assert.equal(i, point.number)
      names[#names + 1] = point.name == "clone3" and "clone" or point.name -- as the C library has it
    end
    table.sort(names)
    local expected = { "clone", "clone", "clone", "exit_group", "openat", "openat", "openat" }
    for _ = 1, 60 do expected[#expected + 1] = "write" end
    assert.same(expected, names)
    assert.equal("", station.read(run.folder .. "/child"))
  end)

  it("kills before the call, at every point", function()
    local whole = trace(place, 1, 12)
    for n, point in ipairs(whole.points) do
      local run = trace(place, 1, 12, n)
      assert.equal(137, run.exit)
      assert.equal("end signal 9", run.last)
      assert.same({ { n, point.name } }, { { run.points[1].number, run.points[1].name } })
      assert.equal(1, #run.points)
      assert.equal(count(whole.points, "write", n - 1), written(run.folder, 1))
      assert.equal(n > 1, io.open(run.folder .. "/child") ~= nil) -- the child's start is point 1
      assert.equal(n > 2, io.open(run.folder .. "/0") ~= nil)     -- its file is made at point 2
    end
  end)

  it("kills behind the call, when what it started runs", function()
    local whole = trace(place, 1, 12)
    for n = 1, #whole.points - 1 do -- nobody is left behind exit_group
      local run = trace(place, 1, 12, n, "--behind")
      assert.equal("end signal 9", run.last)
      assert.equal(n, run.points[1].number)
      assert.equal(count(whole.points, "write", n), written(run.folder, 1))
      station.eventually("the child does its part", function() return io.open(run.folder .. "/child") end)
    end
  end)

  it("kills all threads at once", function()
    local THREADS <const>, LINES <const> = 4, 200
    local total = #trace(place, THREADS, LINES).points
    for n = 9, total - 1, 61 do
      local run = trace(place, THREADS, LINES, n)
      assert.equal("end signal 9", run.last)
      -- up to 8 other points (child, threads, files); a call of each thread may have been on its way
      local lines = written(run.folder, THREADS)
      assert.is_true(lines < n and lines >= n - 1 - 8 - THREADS, ("%d before %d"):format(lines, n))
    end
  end)

  it("does nothing at a point that does not come", function()
    local run = trace(place, 1, 3, 1000)
    assert.same({ 0, "end exit 0", 0 }, { run.exit, run.last, #run.points })
    assert.equal(3, written(run.folder, 1))
  end)

  it("says how the program ended and what it cannot start", function()
    local list = place:fresh("points")
    assert.equal(7, scratch.run({ TRACER, "--out", list, "sh", "-c", "exit 7" }).exit)
    assert.matches("\nend exit 7\n$", "\n" .. station.read(list))
    assert.equal(143, scratch.run({ TRACER, "--out", list, "sh", "-c", "kill -15 $$" }).exit)
    assert.matches("\nend signal 15\n$", station.read(list))
    assert.equal(125, scratch.run({ TRACER, "/nonexistent/program" }).exit)
    assert.equal(125, scratch.run({ TRACER }).exit)
  end)
end)
