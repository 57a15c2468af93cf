--- Set-up of all specs: where the built things are, and a check that nothing is left behind.

local build = os.getenv("JIG_BUILD") or "build"
package.cpath = build .. "/?.so;" .. package.cpath
package.path = "./?.lua;" .. package.path

-- What a spec starts must be gone when it ends: child processes and descriptors.
local busted = require "busted"
local clock = require "jig.clock"
local proc = require "jig.proc"

-- Seconds that children, which were told to end, may take to do so.
local PATIENCE <const> = 5

-- What nobody holds any more is closed by the collector; only then what runs is a leak.
local function check(element)
  if proc.running() == 0 then return nil, true end
  collectgarbage()
  collectgarbage()
  local deadline = clock.now() + PATIENCE
  while proc.running() > 0 and clock.now() < deadline do
    clock.sleep(0.002)
  end
  if proc.running() > 0 then
    error(("%s left %d processes"):format(element.name, proc.running()))
  end
  return nil, true
end

busted.subscribe({ "test", "end" }, check)

-- Lifetime bugs show when all is collected; after each file, for the heap of a whole run is large, and not where it is
-- Lua alone.
busted.subscribe({ "file", "end" }, function(element)
  if not tostring(element.name):find("spec/scripts/%w+/") then
    collectgarbage()
    collectgarbage()
  end
  return check(element)
end)
