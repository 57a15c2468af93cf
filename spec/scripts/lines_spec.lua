local lines = require "jig.lines"
local scratch = require "spec.support.scratch"

local function listed(text)
  local list = {}
  for line in pairs(assert(lines.of(text))) do list[#list + 1] = line end
  table.sort(list)
  return table.concat(list, " ")
end

-- The lines that Lua says a function has, itself; `found` gets them.
local function active(f, found)
  for line in pairs(debug.getinfo(f, "L").activelines) do found[line] = true end
  return found
end

-- What Lua's line hook tells while a chunk runs, to its end or to its error.
local function lines_run(text)
  local chunk, seen = assert(load(text, "@hooked")), {}
  local co = coroutine.create(chunk)
  debug.sethook(co, function(_, line)
    if debug.getinfo(2, "S").source == "@hooked" then seen[line] = true end
  end, "l")
  coroutine.resume(co)
  return seen
end

describe("jig.lines", function()
  -- Each: what it is, text, the lines that can run.
  local cases = {
    { "an empty file", "", "1" },
    { "comments and blank lines", "\n-- one\n\nlocal x = 1\n--[[ two\n]]\nreturn x\n", "4 7" },
    { "a first line for the shell", "#!/usr/bin/jig\nreturn 1", "2" },
    { "functions that nobody calls, in one another", [[
local function f()
  local function g()
    return 1
  end
end]], "3 4 5" },
    { "no end behind a return", "local function f()\n  return 1\n\nend\nreturn f", "2 4 5" },
    { "an end that is reached", "local f = function()\n  f = nil\nend\n", "2 3" },
    { "no end of a function in a table", "return {\n  f = function()\n    return 1\n  end,\n}", "1 3 4 5" },
    { "the end that makes a method", "local t = {}\nfunction t.f()\n  return 1\nend\n", "1 2 3 4" },
    { "a call in several lines", "local f\nreturn f(\n  1,\n  2\n)", "1 2 3 5" },
    { "both branches", "if x then\n  a = 1\nelseif y then\n  a = 2\nelse\n  a = 3\nend\n", "1 2 3 4 6 7" },
    { "nothing behind a loop without end", "local x\nwhile true do\n  x = 1\nend\nx = 2", "1 3" },
    { "what break leads to", "while true do\n  if x then\n    y = 1\n    break\n  end\nend\nx = 2", "2 3 4 7" },
    { "what goto leads to", "do\n  goto done\n  x = 1\nend\n::done::\nx = 2", "2 6" },
    { "numeric loops", "for i = 1, 2 do\n  x = i\nend\nx = nil", "1 2 4" },
    { "other loops", "for _, v in pairs {} do\n  x = v\nend\nx = nil", "1 2 3 4" },
    { "repeat", "repeat\n  x = 1\nuntil x\nx = nil", "2 3 4" },
    { "and, or, not and comparisons", "x = a and\n  b or\n  not c\ny = a <\n  b", "1 2 3 4 5" },
    { "<close> and varargs", "local function f(...)\n  local a <close> = ...\n  return a\nend\nf()", "2 3 4 5" },
    { "constants of all kinds",
      'return {\n1,\n1.5,\n"short",\n"' .. ("long"):rep(20) .. '",\nnil,\ntrue,\nfalse,\n}', "1 2 3 4 5 6 7 9" },
  }
  for _, case in ipairs(cases) do
    it("has of " .. case[1] .. ": " .. case[3], function() assert.equal(case[3], listed(case[2])) end)
  end

  it("finds lines that are far apart, and far down", function()
    local far = ("\n"):rep(300)
    assert.equal("1 301 601", listed("x = 1" .. far .. "x = 2" .. far .. "x = 3"))
    local text = { "local t = {" }
    for i = 1, 3000 do text[#text + 1] = i .. "," end
    text[#text + 1] = "}\nreturn t"
    assert.equal(3002, select(2, listed(table.concat(text, "\n")):gsub("%d+", "")))
  end)

  it("says why a file cannot be compiled", function()
    assert.same({ nil, "lamp.lua:1: unexpected symbol near '='" }, { lines.of("x = = 1", "lamp.lua") })
    assert.is_nil(lines.of(string.dump(function() end)))
  end)

  it("agrees with Lua on every file of jig", function()
    local names = scratch.run({ "find", "scripts", "examples", "spec", "-name", "*.lua" }).stdout
    local files = 0
    for name in names:gmatch("[^\n]+") do
      local file <close> = assert(io.open(name))
      local text = file:read("a")
      local can, chunk = assert(lines.of(text, name)), assert(load(text:gsub("^#[^\n]*", ""), "@" .. name))
      files = files + 1
      -- of the chunk itself: what else Lua has is the last line, behind a return
      for line in pairs(active(chunk, {})) do
        assert(can[line] or line >= select(2, text:gsub("\n", "")), ("%s:%d"):format(name, line))
      end
    end
    assert.is_true(files > 200)
  end)

  it("has no line that cannot run", function()
    local text = [[
local t = { n = 0 }
local function count(...)
  local n = select("#", ...)
  if n == 0 then
    return 0
  elseif n == 1 then
    t.n = t.n + 1
  else
    t.n = t.n + n
    for i = 1, n do
      if i > 1 then
        goto over
      end
      t[i] = (select(i, ...))
      ::over::
    end
  end
  return t.n
end
function t.close()
  local x <close> = setmetatable({}, { __close = function()
    t.closed = true
  end })
  error {
    code = 5,
    t = t.n,
  }
end
count()
count(1)
count(1, 2)
local i = 0
while true do
  i = i + 1
  if i == 2 then
    break
  end
end
repeat
  i = i - 1
until i < 0
for key, value in pairs {
  a = 1,
  b = 2,
} do
  t[key] = value
    and key
    or not value
end
for c in ("abc"):gmatch(
  "."
) do
  t[#t + 1] = c ..
    "x" .. i
end
pcall(t.close)
pcall(function(...)
  return ...
end,
  1,
  i
)
return count(
  t.a and t.b,
  function() end
)
]]
    local seen, can = lines_run(text), assert(lines.of(text))
    for line in pairs(can) do assert(seen[line], "never told: " .. line) end
    for line in pairs(seen) do assert(can[line], "told: " .. line) end
  end)

  it("has every line that the line hook tells", function()
    local modules = 0
    for name in scratch.run({ "find", "scripts/jig", "-name", "*.lua" }).stdout:gmatch("[^\n]+") do
      local file <close> = assert(io.open(name))
      local text = file:read("a")
      local can = assert(lines.of(text))
      for line in pairs(lines_run(text)) do assert(can[line], ("%s:%d"):format(name, line)) end
      modules = modules + 1
    end
    assert.is_true(modules > 50)
  end)
end)
