-- The power fails after each operation on the disk in turn: spec/support/faultvfs.c has recorded them all in one
-- run, and makes the files as they may stand then.

local journal = require "spec.journal"
local scratch = require "spec.support.scratch"
local told = require "spec.support.told"

local disk = journal.disk

-- Six sessions, every other one with a report.
local function sessions(owner)
  local list = {}
  for i = 1, 6 do
    local session = told.session("s" .. i, owner, i % 2 == 0)
    table.move(session, 1, #session, #list + 1, list)
  end
  return list
end

-- Runs them through a journal, one commit each; gives the events, and after which operation each was told
-- to be durable.
local function record(folder, options)
  local marks = {}
  disk.start(options)
  local j = assert(journal.open { path = folder.path .. "/run/journal", here = true })
  local list = sessions(j:about().owner)
  for i, event in ipairs(list) do
    local number = j:append(event)
    while not j:outcome(number) do j:step() end
    assert.equal("journal", j:outcome(number).kept)
    marks[i] = disk.recorded()
  end
  j:close()
  disk.stop()
  return list, marks
end

-- How many events were told to be durable before the n-th operation had ended.
local function durable(marks, n)
  local count = 0
  while marks[count + 1] and marks[count + 1] <= n do count = count + 1 end
  return count
end

-- What is wrong with the ledger after a loss of power: nil, or a sentence; and how many events it has.
local function look(folder, list, least)
  local path = folder.path .. "/journal"
  local rows, message = journal.rows(path, "SELECT kind, session, facts FROM event ORDER BY id")
  if not rows and least == 0 then return nil, 0 end -- it was not made yet
  if not rows then return message, 0 end
  for i, row in ipairs(rows) do
    local event = list[i]
    if row[1] ~= event.kind or row[2] ~= event.session or row[3] ~= event.facts then
      return ("event %d is another"):format(i), #rows
    end
  end
  if #rows < least then return ("%d of %d events are lost"):format(least - #rows, least), #rows end
  local check = assert(journal.rows(path, "PRAGMA integrity_check"))
  if check[1][1] ~= "ok" then return check[1][1], #rows end
  local sound, why = journal.verify(path)
  return not sound and why or nil, #rows
end

-- All losses after each operation, as `variants` says for each; points that leave the same files are looked at
-- once. Gives the first sentence about something wrong, how many were looked at, and how many were wrong.
local function lose(folder, list, marks, variants)
  local looked, wrong, first = 0, 0, nil
  local seen = {}
  local place = { path = folder.path .. "/after" }
  scratch.run { "mkdir", "-p", place.path }
  for n = 0, disk.recorded() do
    for _, variant in ipairs(variants(n)) do
      os.remove(place.path .. "/journal-shm")
      local files = disk.crash(n, variant, place.path)
      local least = durable(marks, n)
      if (seen[files] or -1) < least then
        seen[files] = least
        looked = looked + 1
        local problem = look(place, list, least)
        if problem then
          wrong = wrong + 1
          first = first or ("after operation %d, %s kept: %s"):format(n, variant, problem)
        end
      end
    end
  end
  return first, looked, wrong
end

describe("a loss of power", function()
  it("keeps all that was told to be durable, whole and in order, at every operation", function()
    local folder <close> = scratch.folder()
    local list, marks = record(folder, {})
    local operations, syncs = disk.recorded()
    assert.is_true(syncs >= #list, syncs .. " syncs for " .. #list .. " events")
    assert.is_true(operations > 4 * #list)
    local first, looked = lose(folder, list, marks, function() return { "nothing" } end)
    assert.is_nil(first)
    assert.is_true(looked >= #list, looked .. " states")
    first, looked = lose(folder, list, marks, function(n) return n % 8 == 0 and { "all", n } or { n } end)
    assert.is_nil(first)
    assert.is_true(looked > operations / 3, ("%d states of %d operations"):format(looked, operations))
  end)

  it("does so while the log is written back", function()
    local folder <close> = scratch.folder()
    local list, marks = record(folder, { checkpoint = 60 })
    local operations, syncs = disk.recorded()
    assert.is_true(syncs >= #list + 4, "no checkpoint")
    local first, looked = lose(folder, list, marks, function(n) return { n % 8 == 0 and "nothing" or n } end)
    assert.is_nil(first)
    assert.is_true(looked > operations / 3, ("%d states of %d operations"):format(looked, operations))
  end)

  it("would lose something without its syncs", function()
    local folder <close> = scratch.folder()
    local list, marks = record(folder, { nosync = true })
    local first, _, wrong = lose(folder, list, marks, function() return { "nothing" } end)
    assert.is_truthy(first)
    assert.is_true(wrong >= 1)
  end)

  it("would lose something with synchronous=OFF or NORMAL, so that this spec would see it", function()
    for _, mode in ipairs { "OFF", "NORMAL", "FULL" } do
      local folder <close> = scratch.folder()
      local marks = {}
      disk.start {}
      scratch.run { "mkdir", folder.path .. "/run" }
      local list = sessions "0a"
      assert(journal.append(folder.path .. "/run/journal", list, "PRAGMA synchronous=" .. mode,
        function(i) marks[i] = disk.recorded() end))
      disk.stop()
      local first, _, wrong = lose(folder, list, marks, function() return { "nothing" } end)
      if mode == "FULL" then
        assert.is_nil(first)
      else
        assert.matches("events are lost", first, 1, true)
        assert.is_true(wrong >= #list - 1, wrong .. " of " .. #list)
      end
    end
  end)
end)
