-- A disk that is full from some write to the journal on: whatever was shown is what the journal says when the
-- disk is well again, and the laws held.

local cjson = require "cjson.safe"
local ledger = require "jig.ledger"
local scratch = require "spec.support.scratch"

local STEP <const> = 6 -- not each of the writes, of which there are 80

-- `jig run` whose n-th write to the journal and all after it fail (nil: none). Gives the run's exit status, the
-- verdict, the calls of the CLI, the journal's rows when the disk is well, and how many writes there were.
local function run(n, more)
  local folder <close> = scratch.folder()
  local path = folder.path .. "/journal"
  local station = folder:write("station.lua", scratch.station(folder:cli()))
  -- the journal is there already
  assert.equal(0, scratch.run({ scratch.program, "recover", "--station", station }).exit)
  local words = { "strace", "-f", "-qq", "-o", folder.path .. "/trace", "-P", path, "-P", path .. "-wal",
    "-e", "trace=pwrite64" }
  if n then table.move({ "-e", ("inject=pwrite64:error=ENOSPC:when=%d+"):format(n) }, 1, 2, #words + 1, words) end
  table.move({ scratch.program, "run", folder:write("recipe.lua", scratch.recipe(more)), "--station", station,
    "--port", scratch.device(), "--json" }, 1, 8, #words + 1, words)
  words.env = { ASAN_OPTIONS = "detect_leaks=0" } -- the leak checker of sanitizers wants to trace, too
  local result = scratch.run(words)
  local seen = { exit = result.exit, calls = folder:commands(), sessions = {} }
  for line in result.stdout:gmatch("[^\n]+") do
    local event = assert(cjson.decode(line))
    if event.event == "ended" then
      assert.is_nil(seen.verdict)
      seen.verdict = event.passed and "passed" or event.fingerprint and "manufactured with fault" or "failed"
      seen.fault = event.fault and event.fault.name
    end
  end
  local recovered = scratch.run { scratch.program, "recover", "--station", station }
  assert.equal(0, recovered.exit, recovered.stderr)
  seen.late_calls = folder:commands():sub(#seen.calls + 1)
  local l <close> = assert(ledger.open(path))
  for row in l:rows "SELECT result, fault FROM unit" do seen.result, seen.recorded = row.result, row.fault end
  for row in l:rows "SELECT state FROM session" do seen.sessions[#seen.sessions + 1] = row.state end
  assert.is_true(l:verify().sound)
  local _, writes = folder:read("trace"):gsub("pwrite64%(", "")
  return seen, writes
end

describe("a disk that fails", function()
  for what, more in pairs {
    ["during a unit"] = "",
    ["during a unit with a hook after its fingerprint"] = "finish = function() end,",
  } do
    it(what .. " makes no PASS that is not recorded, and no record that was not shown", function()
      if scratch.run({ "sh", "-c", "command -v strace" }).exit ~= 0 then pending "there is no strace" end
      local well, writes = run(nil, more)
      assert.same({ 0, "passed", "passed" }, { well.exit, well.verdict, well.result })
      local seen_at = {}
      for n = 1, writes, STEP do
        local seen = run(n, more)
        local at = ("write %d: %s"):format(n, seen.calls)
        assert.equal(seen.verdict, seen.result, at)
        assert.same({ seen.verdict == "passed" and 0 or 4, seen.fault }, { seen.exit, seen.recorded }, at)
        assert.equal("", seen.late_calls, at)
        local made = seen.calls:find("handle_device_response", 1, true)
        local expected = made and seen.verdict ~= "failed" and "finished" or seen.calls ~= "" and "reported" or nil
        assert.same({ expected }, seen.sessions, at)
        assert.equal(expected == "reported", seen.calls:find("report_error", 1, true) ~= nil, at)
        seen_at[seen.verdict .. " " .. seen.calls] = true
      end
      local kinds = 0
      for _ in pairs(seen_at) do kinds = kinds + 1 end
      assert.is_true(kinds >= 3) -- before the session, in it, and after the fingerprint
    end)
  end
end)
