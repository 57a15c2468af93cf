-- A disk that lies down at each operation in turn, once or for good: see spec/support/faultvfs.c.

local journal = require "spec.journal"
local scratch = require "spec.support.scratch"
local told = require "spec.support.told"

local disk = journal.disk

local function append(j, event)
  local number = j:append(event)
  while not j:outcome(number) do j:step() end
  return j:outcome(number)
end

-- Appends a session; adds what was told to be durable to `kept`. Gives the outcomes.
local function run(j, name, kept)
  local outcomes = {}
  for i, event in ipairs(told.session(name, j:about().owner)) do
    local outcome = append(j, event)
    outcomes[i] = outcome
    if outcome.code == "ok" then kept[name .. " " .. event.kind] = outcome.kept end
  end
  return outcomes
end

-- What is wrong with outcomes while a disk fails: nil or a sentence.
local function judge(outcomes)
  for i, outcome in ipairs(outcomes) do
    if outcome.code == "record" then
      if i > 1 or not outcome.text:find("^not recorded: ") then return "lost: " .. outcome.text end
    elseif outcome.kept == "emergency" then
      if not outcome.text:find("^kept in the emergency file: ") then return outcome.text end
    elseif outcome.code ~= "ok" and not (outcome.code == "misuse" and outcomes[1].code == "record") then
      return outcome.code .. ": " .. outcome.text
    end
  end
end

-- What is wrong with the ledger at last: all that was told to be durable is there, once.
local function look(path, kept)
  local there = {}
  for _, row in ipairs(assert(journal.rows(path, "SELECT session || ' ' || kind FROM event"))) do
    if there[row[1]] then return row[1] .. " is there twice" end
    there[row[1]] = true
  end
  for name, where in pairs(kept) do
    if not there[name] then return ("%s was told to be in the %s, and is lost"):format(name, where) end
  end
  local check = assert(journal.rows(path, "PRAGMA integrity_check"))
  if check[1][1] ~= "ok" then return check[1][1] end
  local sound, why = journal.verify(path)
  return not sound and why or nil
end

-- One run in which operations of a kind fail from the n-th on; nil or what was wrong, and how many failed.
local function fault(kind, n, times, while_opening)
  local folder <close> = scratch.folder()
  local path, kept = folder.path .. "/journal", {}
  disk.start {}
  local j
  if while_opening then disk.fail(kind, n, times) end
  j = assert(journal.open { path = path, here = true })
  if not while_opening then
    run(j, "before", kept)
    disk.fail(kind, n, times)
  end
  local problem = nil
  local outcomes = run(j, "during", kept)
  local _, failed = disk.fail("none")
  local opened = outcomes[1].text and outcomes[1].text:find("cannot open the journal", 1, true)
  if not opened then problem = judge(outcomes) end
  if opened then -- it would open again after a second
    j:close()
    j = assert(journal.open { path = path, here = true })
  end
  for _, outcome in ipairs(run(j, "after", kept)) do
    if outcome.kept ~= "journal" then problem = problem or "afterwards: " .. outcome.text end
  end
  j:close()
  problem = problem or look(path, kept)
  disk.stop()
  return problem, failed
end

-- How many operations of a kind a session makes, or opening and a session.
local function count(kind, while_opening)
  local folder <close> = scratch.folder()
  disk.start {}
  if while_opening then disk.fail(kind, 1 << 40) end
  local j = assert(journal.open { path = folder.path .. "/journal", here = true })
  if not while_opening then
    run(j, "before", {})
    disk.fail(kind, 1 << 40)
  end
  run(j, "during", {})
  local operations = disk.fail("none")
  j:close()
  disk.stop()
  return operations
end

-- All points of a kind.
local function enumerate(kind, times, while_opening, step)
  local points, tripped = count(kind, while_opening), 0
  for n = 0, points - 1, step or 1 do
    local problem, failed = fault(kind, n, times, while_opening)
    assert.is_nil(problem, ("%s at %d of %d: %s"):format(kind, n, points, problem))
    if failed > 0 then tripped = tripped + 1 end
  end
  return points, tripped
end

describe("a disk that lies down", function()
  after_each(function() disk.stop() end)

  -- at each operation; an open journal reads nothing
  for _, kind in ipairs { "full", "torn", "sync", "write", "readonly" } do
    it(("loses nothing when it fails once (%s)"):format(kind), function()
      local points, tripped = enumerate(kind, 1, false)
      assert.is_true(points >= (kind == "sync" and 6 or 24), points .. " points")
      assert.equal(points, tripped)
    end)
  end

  for _, kind in ipairs { "full", "sync" } do
    it(("loses nothing when it fails until it is mended (%s)"):format(kind), function()
      local points, tripped = enumerate(kind, nil, false, 3)
      assert.is_true(points >= 6, points .. " points")
      assert.equal((points + 2) // 3, tripped)
    end)
  end

  for _, kind in ipairs { "full", "torn", "sync", "read" } do
    it(("does no harm while the journal is made (%s)"):format(kind), function()
      local points, tripped = enumerate(kind, 1, true, 3)
      assert.is_true(points >= 6, points .. " points")
      assert.equal((points + 2) // 3, tripped)
    end)
  end
end)
