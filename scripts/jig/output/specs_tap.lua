--- `jig test --tap`: the Test Anything Protocol, version 13. What failed outside of a test is a test point, too.

local clean = require "jig.output.clean"
local pretty = require "pl.pretty"

-- A description ends at its line, and before a '#', which begins a directive.
local function describe(name)
  return (clean(name):gsub("#", "\\#"))
end

local function comment(to, text)
  for line in text:gmatch("[^\n]+") do
    to:write("# ", clean(line), "\n")
  end
end

-- Each gives the words that stand around the description, and what was wrong.
local WORDS <const> = {
  success = { "ok" },
  pending = { "ok", " # SKIP" },
  failure = { "not ok" },
  error = { "not ok" },
}

local function text_of(message)
  return type(message) == "string" and message or pretty.write(message)
end

local function show(to, number, status, told)
  local before, after = table.unpack(WORDS[status])
  to:write(("%s %d - %s%s"):format(before, number, describe(told.name), after or ""))
  if status == "pending" and told.message then to:write(" ", describe(text_of(told.message))) end
  to:write("\n")
  if before == "not ok" then
    local place = told.element.trace or {}
    comment(to, ("%s:%s"):format(place.short_src or "?", place.currentline or "?"))
    comment(to, text_of(told.message))
  end
  to:flush()
end

---@param options { to: file* }
return function(options)
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base"()
  local to, number = options.to, 0

  local function point(status)
    local list = { success = handler.successes, pending = handler.pendings, failure = handler.failures,
      error = handler.errors }
    number = number + 1
    show(to, number, status, list[status][#list[status]])
  end

  to:write("TAP version 13\n")
  busted.subscribe({ "test", "end" }, function(_, _, status)
    point(status)
    return nil, true
  end)
  busted.subscribe({ "error" }, function(element)
    if element.descriptor ~= "it" then point("error") end
    return nil, true
  end)
  busted.subscribe({ "suite", "end" }, function()
    to:write(("1..%d\n"):format(number))
    to:flush()
    return nil, true
  end)
  return handler
end
