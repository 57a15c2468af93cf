-- A worker of this spec's own (JIG_PATH) hangs in a system call, where no recipe can.

local clock = require "jig.clock"
local scratch = require "spec.support.scratch"

-- Two slots: A sleeps `naps` times for `seconds` inside C, B emits beats. Gives how the program ended.
local function run(naps, seconds, before)
  local folder <close> = scratch.folder {
    ["hang.lua"] = ([[
      local clock = require "jig.clock"
      return function()
        for _ = 1, %d do
          os.execute "sleep %g"
          clock.sleep(0.001)
        end
      end
    ]]):format(naps, seconds),
    ["beat.lua"] = [[ return function() require "jig.clock".sleep(0.5) end ]],
    ["try.lua"] = [[
      local slot = require "jig.slot"
      ]] .. before .. [[
      local a <close>, b = slot.new(), slot.new()
      a:start("hang", { slot = "A 1" })
      b:start("beat", { slot = "B" })
      assert(select(3, a:next(100)) == "closed")
      b:close()
      print "done"
    ]],
  }
  local from = clock.now()
  local result = scratch.run { env = { JIG_PATH = folder.path }, scratch.program, folder.path .. "/try.lua" }
  return result, clock.now() - from
end

describe("the watchdog", function()
  it("ends a process whose slot does not come back, and names the slot", function()
    local result, seconds = run(1, 30, "slot.patience(1)")
    assert.same({ 6, "" }, { result.exit, result.stdout })
    assert.equal("jig: slot A 1 has not come back for 1 s from what cannot be suspended; the process ends, and the "
      .. "next start reports what is open\n", result.stderr)
    assert.is_true(seconds >= 1 and seconds < 20)
  end)

  it("lets a slot be that comes back now and then, and one that waits", function()
    local result = run(5, 0.5, "slot.patience(1)")
    assert.same({ 0, "done\n", "" }, { result.exit, result.stdout, result.stderr })
  end)

  it("takes whole seconds alone", function()
    local slot = require "jig.slot"
    for _, wrong in ipairs { 0, -1, 1.5, 4000, "x" } do
      assert.is_false(pcall(slot.patience, wrong))
    end
  end)
end)
