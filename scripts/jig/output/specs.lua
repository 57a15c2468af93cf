--- What `jig test` shows of a busted run: each failure with its place, then one line that counts.

local pretty = require "pl.pretty"

local function text_of(message)
  return type(message) == "string" and message or pretty.write(message)
end

local function show(to, word, failed)
  local place = failed.element.trace or failed.trace or {}
  to:write(("%s: %s:%s: %s\n"):format(word, place.short_src or "?", place.currentline or "?",
    failed.name))
  to:write("    ", (text_of(failed.message):gsub("\n", "\n    ")), "\n")
end

---@param options { to?: file* }
return function(options)
  local busted = require "busted"
  local to = options.to or io.stdout
  local handler = require "busted.outputHandlers.base"()

  busted.subscribe({ "test", "end" }, function(_, _, status)
    if status == "failure" then show(to, "FAILED", handler.failures[#handler.failures]) end
    if status == "error" then show(to, "ERROR", handler.errors[#handler.errors]) end
    to:flush()
    return nil, true
  end)
  busted.subscribe({ "error" }, function(element)
    if element.descriptor ~= "it" then show(to, "ERROR", handler.errors[#handler.errors]) end
    return nil, true
  end)
  busted.subscribe({ "suite", "end" }, function()
    local passed = handler.successesCount
    local failed = handler.failuresCount + handler.errorsCount
    local skipped = handler.pendingsCount
    for _, pending in ipairs(handler.pendings) do
      local why = pending.message and ": " .. text_of(pending.message) or ""
      to:write(("skipped: %s%s\n"):format(pending.name, why))
    end
    to:write(("%d passed, %d failed%s\n"):format(passed, failed,
      skipped > 0 and (", %d skipped"):format(skipped) or ""))
    to:flush() -- a sanitizer that finds a leak ends the program without
    return nil, true
  end)
  return handler
end
