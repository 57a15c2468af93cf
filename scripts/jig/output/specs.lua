--- What `jig test` shows of a busted run: each failure with its place, then one line that counts.
-- The count also tells jig test that the run came to its end.

local pretty = require "pl.pretty"

local function text_of(message)
  return type(message) == "string" and message or pretty.write(message)
end

local function show(word, failed)
  local place = failed.element.trace or failed.trace or {}
  io.stdout:write(("%s: %s:%s: %s\n"):format(word, place.short_src or "?", place.currentline or "?",
    failed.name))
  io.stdout:write("    ", (text_of(failed.message):gsub("\n", "\n    ")), "\n")
end

return function()
  local busted = require "busted"
  local handler = require "busted.outputHandlers.base"()

  busted.subscribe({ "test", "end" }, function(_, _, status)
    if status == "failure" then show("FAILED", handler.failures[#handler.failures]) end
    if status == "error" then show("ERROR", handler.errors[#handler.errors]) end
    io.stdout:flush()
    return nil, true
  end)
  busted.subscribe({ "error" }, function(element)
    if element.descriptor ~= "it" then show("ERROR", handler.errors[#handler.errors]) end
    return nil, true
  end)
  busted.subscribe({ "suite", "end" }, function()
    local passed = handler.successesCount
    local failed = handler.failuresCount + handler.errorsCount
    local skipped = handler.pendingsCount
    for _, pending in ipairs(handler.pendings) do
      local why = pending.message and ": " .. text_of(pending.message) or ""
      io.stdout:write(("skipped: %s%s\n"):format(pending.name, why))
    end
    io.stdout:write(("%d passed, %d failed%s\n"):format(passed, failed,
      skipped > 0 and (", %d skipped"):format(skipped) or ""))
    io.stdout:flush() -- a sanitizer that finds a leak ends the program without
    handler.ended = { passed = passed, failed = failed }
    package.loaded["jig.output.specs.ended"] = handler.ended
    return nil, true
  end)
  return handler
end
