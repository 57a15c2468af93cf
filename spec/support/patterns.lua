-- Random calls of the functions that take patterns; with whatever `string` the state has. Loaded by
-- spec/bindings/pattern_spec.lua and by its worker in a slot's state, which must agree.

local patterns = {}

local PIECES <const> = {
  "a", "b", "c", "x", ".", "%a", "%d", "%s", "%w", "%W", "%A", "%%", "%.", "%p", "%x", "%g", "%c", "%l", "%u", "%S",
  "[ab]", "[^a]", "[a-c]", "[%a_]", "[]a]", "[^]]", "[a-]", "[%-a]", "[%w-]", "[^%s\0]", "[", "[^", "[a", "[%", "]",
  "(", ")", "(", ")", "()", "(a", "b)", "%1", "%2", "%0", "%b()", "%bxy", "%b", "%bx", "%f[%a]", "%f[^a]", "%f[%z]",
  "%f", "%f[", "*", "+", "-", "?", "*", "+", "-", "?", "^", "$", "%", "\0", "-", "\255", ".-", ".*", "(.-)", "(.*)",
  "a?", "(a*)", "(%w+)",
}
local SUBJECT <const> = "aaabbccxxyy  (())__1\0A.%-\255"
local TEXTS <const> = { "", "<%0>", "%1", "%2", "[%1%%]", "%", "%x", "-", "%9", 7, 1.5 }
local TABLES <const> = { {}, { a = "A", b = false, ab = 5, aa = {} }, setmetatable({}, { __index = function(_, k)
  return #tostring(k) > 1 and tostring(k):upper()
end }) }
local FUNCTIONS <const> = {
  function() end, function(...) return select("#", ...) end, function(a) return a and tostring(a) .. "!" end,
  function(_, b) return b end, function() return {} end, function() return false end,
}

local function pick(list) return list[math.random(#list)] end

local function subject()
  local made = {}
  for i = 1, math.random(0, 16) do
    local at = math.random(#SUBJECT)
    made[i] = SUBJECT:sub(at, at)
  end
  return table.concat(made)
end

local function pattern()
  local made = {}
  for i = 1, math.random(0, 6) do made[i] = pick(PIECES) end
  return table.concat(made)
end

local function init() return math.random(3) == 1 and math.random(-20, 20) or nil end

-- What a call gave, as text.
local function told(...)
  local list = table.pack(...)
  for i = 1, list.n do list[i] = ("%s:%s"):format(math.type(list[i]) or type(list[i]), tostring(list[i])) end
  return (table.concat(list, "|"):gsub(":[^:|]*patterns.lua:%d+", ""))
end

local function all_matches(s, p, at)
  local list = {}
  for a, b, c in string.gmatch(s, p, at) do
    list[#list + 1] = told(a, b, c)
    if #list > 40 then return "endless" end
  end
  return table.concat(list, ";")
end

local CALLS <const> = {
  function(s, p) return string.find(s, p, init(), math.random(6) == 1 or nil) end,
  function(s, p) return string.match(s, p, init()) end,
  function(s, p) return all_matches(s, p, init()) end,
  function(s, p) return string.gsub(s, p, pick(TEXTS), init()) end,
  function(s, p) return string.gsub(s, p, pick(TABLES), init()) end,
  function(s, p) return string.gsub(s, p, pick(FUNCTIONS), init()) end,
}

--- The results of `n` calls: { call, result } each.
function patterns.calls(seed, n)
  local results = {}
  math.randomseed(seed)
  for i = 1, n do
    local which, s, p = math.random(#CALLS), subject(), pattern()
    results[i] = { ("%d %q %q"):format(which, s, p), told(pcall(CALLS[which], s, p)) }
  end
  return results
end

return patterns
