--- A loop of a spec's own (spec.loop), stepped until what the spec waits for has happened.

local loop = require "spec.loop"
local peer = require "spec.peer"

local steps = {}

local SECOND <const> = 1000000000

--- Seconds that anything may take, however slow the machine.
steps.PATIENCE = 30

--- Steps until done() gives a true value, which is returned.
function steps.until_true(l, done)
  local deadline = l:now() + steps.PATIENCE * SECOND
  while true do
    local result = done()
    if result then return result end
    if l:now() >= deadline then error("it did not happen", 2) end
    l:step(l:now() + SECOND // 200) -- it may be something that the loop does not see
  end
end

--- Runs body(l) with a new loop and checks that it leaves no child and no descriptor.
function steps.with_loop(body)
  local warm = loop.new() -- libuv keeps what its first loop opened
  warm:free()
  local before = peer.descriptors()
  local l = loop.new()
  body(l)
  steps.until_true(l, function() return l:children() == 0 end)
  l:step(0)
  l:free()
  if peer.descriptors() ~= before then
    error(("%d descriptors became %d"):format(before, peer.descriptors()), 2)
  end
end

--- Starts a child whose stdout is a pipe; gives it and a function that waits for its end and gives
-- { exit =, signal =, output = }.
function steps.child(l, options)
  local r, w = loop.pipe()
  options.stdio = options.stdio or {}
  options.stdio[2] = w
  local ended
  local child, message, code = l:child(options, function(exit, signal)
    ended = { exit = exit, signal = signal }
  end)
  loop.close(w)
  if not child then
    loop.close(r)
    return nil, message, code
  end
  return child, function()
    steps.until_true(l, function() return ended end)
    local parts = {}
    repeat
      parts[#parts + 1] = loop.read(r)
    until parts[#parts] == ""
    loop.close(r)
    ended.output = table.concat(parts)
    return ended
  end
end

--- The same, run to its end.
function steps.run(l, options)
  local child, wait, code = steps.child(l, options)
  if not child then return nil, wait, code end
  return wait()
end

--- A file of /proc/PID.
function steps.about(pid, name)
  local file <close> = assert(io.open(("/proc/%d/%s"):format(pid, name)))
  return file:read("a")
end

--- Waits until a process treats TERM as it is told: set is "SigIgn" or "SigCgt".
function steps.until_term(l, pid, set)
  steps.until_true(l, function()
    return tonumber(steps.about(pid, "status"):match(set .. ":%s*(%x+)"), 16) & 1 << 14 ~= 0
  end)
end

--- Runs a program with jig_proc to its end; gives its result.
function steps.proc(l, options)
  local result
  local p, message, code = l:proc(options, function(ended) result = ended end)
  if not p then return nil, message, code end
  return steps.until_true(l, function() return result end)
end

return steps
