--- Set-up of the rig's cases: where the built things are. A jig that is watched, and a device, may outlive one test
-- here, but not the file.

local build = os.getenv("JIG_BUILD") or "build"
package.cpath = build .. "/?.so;" .. package.cpath
package.path = "./?.lua;" .. package.path

local busted = require "busted"
local clock = require "jig.clock"
local proc = require "jig.proc"

-- Seconds that programs which were told to end may take.
local PATIENCE <const> = 5

busted.subscribe({ "file", "end" }, function(element)
  collectgarbage()
  collectgarbage()
  local deadline = clock.now() + PATIENCE
  while proc.running() > 0 and clock.now() < deadline do clock.sleep(0.01) end
  if proc.running() > 0 then error(("%s left %d processes"):format(element.name, proc.running())) end
  return nil, true
end)
