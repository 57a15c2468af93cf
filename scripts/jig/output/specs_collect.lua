--- The tests of a busted run as plain values, one after the other, for outputs that list them.

local pretty = require "pl.pretty"

---@class jig.SpecCase
---@field file string
---@field line? integer
---@field name string
---@field seconds number
---@field tag? string      failure, error or skipped
---@field message? string  with a tag

local function text_of(message)
  if message == nil then return "" end
  return type(message) == "string" and message or pretty.write(message)
end

local function new_case(told, element, tag)
  local place = told.element.trace or {}
  return { file = place.short_src or "?", line = place.currentline, name = told.name, seconds = element.duration or 0,
    tag = tag, message = tag and text_of(told.message) }
end

--- Calls `add` with each test that has run, and each error outside of tests.
---@param add fun(case: jig.SpecCase)
---@return table handler  busted's, with the counts
return function(add)
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base"()
  local lists = { success = { handler.successes }, pending = { handler.pendings, "skipped" },
    failure = { handler.failures, "failure" }, error = { handler.errors, "error" } }

  busted.subscribe({ "test", "end" }, function(element, _, status)
    local list, tag = table.unpack(lists[status])
    add(new_case(list[#list], element, tag))
    return nil, true
  end)
  local function add_outside(element)
    if element.descriptor ~= "it" then add(new_case(handler.errors[#handler.errors], element, "error")) end
    return nil, true
  end
  busted.subscribe({ "error" }, add_outside)
  busted.subscribe({ "failure" }, add_outside)
  return handler
end
