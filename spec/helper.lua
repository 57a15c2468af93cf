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

busted.subscribe({ "test", "end" }, function(element)
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
end)
