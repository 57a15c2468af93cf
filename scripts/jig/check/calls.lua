--- What can be told of a call from its text: waits without a limit or with one that is none, lines that no port has,
--- faults that nobody knows.

local fault = require "jig.fault"
local kinds = require "jig.check.kinds"
local literals = require "jig.check.literals"
local nearest = require "jig.check.nearest"
local ports = require "jig.check.ports"
local source = require "jig.check.source"

-- The place of the seconds among the arguments, and of which key of `limits` they take the place.
local WAITS <const> = {
  read = { 2, "read" }, read_some = { 1, "read" }, read_until = { 2, "read" }, expect = { 2, "ready" },
  write = { 2, "write" }, drain = { 1, "write" },
}

-- The key of `limits` that bounds what a hook waits.
local BOUND <const> = {
  prepare = "prepare", reset = "reset", finish = "finish", exchange = "exchange", run = "unit",
}

-- What port:set takes behind a name.
local SETTINGS <const> = { dtr = "boolean", rts = "boolean", ["break"] = "boolean", baud = "number" }
local LINES <const> = { "dtr", "rts", "break" }

-- What stands beside a fault's name, where it is thrown and where it is made.
local FAIL_FIELDS <const> = { "code", "reason", "retry", "advice" }
local FAULT_FIELDS <const> = { "code", "reason", "retry", "advice", "phase", "slot", "session", "line", "traceback",
  "limit" }

-- The number that an expression is, when it is written down.
local function number_of(node)
  if not node then return nil end
  if node.tag == "number" then return node.value end
  if node.tag == "unary" and node.op == "-" then
    local value = number_of(node.operand)
    return value and -value
  end
  local is_huge = node.tag == "index" and node.key.value == "huge" and kinds.of(node.of, {}) == "library math"
  return is_huge and math.huge or nil
end

local function check_bound(node, what, seconds, context)
  local bound = BOUND[context.hook]
  local most = bound and context.limits[bound]
  if type(most) == "number" and seconds > most then
    context.report(node.line, ("%s of %g s is longer than limits.%s, %g s"):format(what, seconds, bound, most),
      ("write less, or a larger limits.%s"):format(bound))
  end
end

local function check_wait(node, context)
  local place, name = table.unpack(WAITS[node.name] or {})
  local seconds = place and number_of(node.args[place])
  if not seconds then return end
  local call = "port:" .. node.name
  if seconds <= 0 then
    context.report(node.line, ("%s: a limit of %g s has passed at once"):format(call, seconds),
      ("write seconds, more than 0; left out it is limits.%s"):format(name))
  elseif seconds == math.huge then
    context.report(node.line, call .. " waits without a limit",
      ("write seconds; left out it is limits.%s"):format(name))
  else
    check_bound(node, call .. ": a limit", seconds, context)
  end
end

local function check_seconds(node, call, argument, context)
  local seconds = number_of(argument)
  if not seconds then return end
  if seconds < 0 then
    context.report(node.line, ("%s: %g seconds"):format(call, seconds), "write 0 or more")
  elseif seconds == math.huge then
    context.report(node.line, call .. " waits without a limit", "write seconds")
  else
    check_bound(node, call .. ": a wait", seconds, context)
  end
end

local function name_in(node)
  return node and node.tag == "string" and node.value or nil
end

local function keys_of(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  return keys
end

local function check_pulse(node, context)
  local name = name_in(node.args[1])
  if name and not nearest.among(name, LINES) then
    context.report(node.line, ("port:pulse: there is no line '%s'"):format(name), nearest.advice(name, LINES))
  end
  check_seconds(node, "port:pulse", node.args[2], context)
end

local LITERAL <const> = { ["true"] = "boolean", ["false"] = "boolean", number = "number", string = "string",
  ["nil"] = "nil", table = "table" }

local function check_set(node, context)
  local name = name_in(node.args[1])
  if not name then return end
  local expected, got = SETTINGS[name], node.args[2] and LITERAL[node.args[2].tag]
  if not expected then
    context.report(node.line, ("port:set: there is no setting '%s'"):format(name),
      nearest.advice(name, keys_of(SETTINGS)))
  elseif got and got ~= expected then
    context.report(node.line, ("port:set(%q): expected a %s, got a %s"):format(name, expected, got),
      expected == "boolean" and "write true or false" or "write a number")
  end
end

-- The keys of a constructor that are strings; nil when there may be others.
local function keys_in(node)
  local fields = source.constructor(node)
  if not fields then return nil end
  local keys = {}
  for _, item in ipairs(fields.items) do
    if item.key and item.key.tag == "string" then keys[item.key.value] = item.line end
  end
  return keys
end

local function check_fault(node, call, known, context)
  local line, name_node, fields_node = node.line, node.args[1], node.args[2]
  local keys = fields_node and keys_in(fields_node) or not fields_node and {} or nil
  if not keys then return end
  local name = name_in(name_node)
  if name and not fault.catalogue[name] and not (keys.code and keys.reason) then
    local near = nearest.of(name, keys_of(fault.catalogue))
    context.report(line, ("%s: there is no fault '%s'"):format(call, name),
      near and ("did you mean '%s'?"):format(near) or "give it a code and a reason")
  end
  for key, at in pairs(keys) do
    if not nearest.among(key, known) then
      context.report(at, ("%s: a fault has no '%s'"):format(call, key), nearest.advice(key, known))
    end
  end
end

local function check_literal(node, call, literal, context)
  local sort = call:find("pack", 1, true) and "format" or "pattern"
  local why = literal and literals[sort](literal)
  if why then
    context.report(node.line, ("%s: %q is no %s: it %s"):format(call, literal, sort, why:gsub("^invalid", "has an %0")),
      "mend the " .. sort)
  end
end

-- What any transport takes: which one it is may be the station's choice.
local OPTIONS <const> = {}
for _, options in pairs(ports.options) do
  for name in pairs(options) do OPTIONS[name] = true end
end

local function check_options(node, context)
  for key, at in pairs(node.args[1] and keys_in(node.args[1]) or {}) do
    local names = keys_of(OPTIONS)
    if not nearest.among(key, names) then
      local what = ("unit:%s: no transport has an option '%s'"):format(node.name, key)
      context.report(at, what, nearest.advice(key, names))
    end
  end
end

-- Functions of string that take a pattern as their second argument, and a format as their first.
local PATTERN <const> = { find = true, match = true, gmatch = true, gsub = true }
local FORMAT <const> = { pack = true, unpack = true, packsize = true }

local function check_string(node, context)
  local name = node.of.key.value
  if PATTERN[name] and not node.args[4] then
    check_literal(node, "string." .. name, name_in(node.args[2]), context)
  elseif FORMAT[name] then
    check_literal(node, "string." .. name, name_in(node.args[1]), context)
  end
end

local function check_method(self, node, context)
  local kind = self:kind(node.of)
  if kind == "port" and node.name == "expect" then
    check_literal(node, "port:expect", name_in(node.args[1]), context)
  elseif kind == "port" and node.name == "read" and name_in(node.args[1]) then
    context.report(node.line, "port:read: expected a number of bytes, got a string", "write a number")
  elseif kind == "unit" and node.name == "log" and node.args[2] then
    context.report(node.line, "unit:log takes one text", "put it together with (…):format(…)")
  end
  if kind == "unit" and node.name == "fail" then
    check_fault(node, "unit:fail", FAIL_FIELDS, context)
  elseif kind == "unit" and (node.name == "open" or node.name == "reopen") then
    check_options(node, context)
  elseif kind == "port" then
    check_wait(node, context)
    if node.name == "pulse" then check_pulse(node, context) end
    if node.name == "set" then check_set(node, context) end
  end
end

local function check_call(self, node, context)
  local callee = node.of
  if callee.tag == "index" and self:kind(callee.of) == "library string" then check_string(node, context) end
  if callee.tag ~= "index" or self:kind(callee.of) ~= "module jig" then return end
  if callee.key.value == "sleep" then check_seconds(node, "jig.sleep", node.args[1], context) end
  if callee.key.value == "fault" then check_fault(node, "jig.fault", FAULT_FIELDS, context) end
end

--- Reports each.
---@param self jig.check.Source
---@param report fun(line: integer, what: string, instead: string)
---@param limits jig.Limits  of the recipe
return function(self, report, limits)
  self:each("method", function(node, hook)
    check_method(self, node, { report = report, limits = limits, hook = hook })
  end)
  self:each("call", function(node, hook)
    check_call(self, node, { report = report, limits = limits, hook = hook })
  end)
end
