-- Starts spec/support/holder.lua with these words. Gives the words of its first line, a function that kills
-- it and gives what it wrote after that line, and its output.

local peer = require "spec.peer"
local scratch = require "spec.support.scratch"

local build = os.getenv("JIG_BUILD") or "build"

return function(...)
  local words = { "exec", scratch.program, "spec/support/holder.lua", build, ... }
  local pipe = assert(io.popen(table.concat(words, " ")))
  local first = {}
  for word in assert(pipe:read("l")):gmatch("%S+") do first[#first + 1] = word end
  local function finish()
    peer.kill(math.tointeger(first[1]))
    local rest = pipe:read("a")
    pipe:close()
    return rest
  end
  return first, finish, pipe
end
