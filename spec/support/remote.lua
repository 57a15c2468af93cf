-- Run by jig as a child of a spec: each line of its input is a chunk of Lua, answered by one line
-- with what it returned. `port` and `clock` are there; names that a chunk sets stay.
--
--     assert(p:write("return 1 + 1\n"))        p:read_until("\n")  -->  "2\n"

local env = setmetatable({
  clock = require "jig.clock",
  port = require "jig.port",
}, { __index = _G })

for line in io.lines() do
  local results = table.pack(pcall(assert(load(line, "=remote", "t", env))))
  for i = 1, results.n do results[i] = tostring(results[i]) end
  io.write(table.concat(results, "\t", 2), "\n")
  io.flush()
end
