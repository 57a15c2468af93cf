-- Starts spec/support/holder.lua with these words. Gives the words of its first line, and what
-- kills it when it is called or closed; a call gives what it wrote after that line.

local peer = require "spec.peer"
local scratch = require "spec.support.scratch"

local build = os.getenv("JIG_BUILD") or "build"

return function(...)
  local words = { "exec", scratch.program, "spec/support/holder.lua", build, ... }
  local pipe = assert(io.popen(table.concat(words, " ")))
  local first = {}
  for word in assert(pipe:read("l")):gmatch("%S+") do first[#first + 1] = word end
  local rest
  local function finish()
    if rest then return rest end
    peer.kill(math.tointeger(first[1]))
    rest = pipe:read("a")
    pipe:close()
    return rest
  end
  return first, setmetatable({}, { __call = finish, __close = finish })
end
