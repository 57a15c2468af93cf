--- What `jig test` shows of a busted run: each failure with its place, then one line that counts.

local collect = require "jig.output.specs_collect"

local WORDS <const> = { failure = "FAILED", error = "ERROR" }

local specs = {}

--- A test that failed. Nothing of another one.
---@param to file*
---@param case jig.SpecCase
function specs.show(to, case)
  local word = WORDS[case.tag]
  if not word then return end
  local line = case.line and ("%d"):format(case.line) or "?"
  to:write(("%s: %s:%s: %s\n"):format(word, case.file, line, case.name))
  to:write("    ", (case.message:gsub("\n", "\n    ")), "\n")
end

---@param cases jig.SpecCase[]
---@return integer passed, integer failed, integer skipped  failed: with errors outside of tests
function specs.count(cases)
  local passed, failed, skipped = 0, 0, 0
  for _, case in ipairs(cases) do
    if case.tag == "skipped" then
      skipped = skipped + 1
    elseif case.tag then
      failed = failed + 1
    else
      passed = passed + 1
    end
  end
  return passed, failed, skipped
end

--- What was skipped, and the counts.
---@param to file*
---@param cases jig.SpecCase[]
function specs.sum_up(to, cases)
  local passed, failed, skipped = specs.count(cases)
  for _, case in ipairs(cases) do
    if case.tag == "skipped" then
      to:write(("skipped: %s%s\n"):format(case.name, case.message ~= "" and ": " .. case.message or ""))
    end
  end
  to:write(("%d passed, %d failed%s\n"):format(passed, failed,
    skipped > 0 and (", %d skipped"):format(skipped) or ""))
  to:flush() -- a sanitizer that finds a leak ends the program without
end

--- Busted's output handler.
---@param options { to?: file* }
return setmetatable(specs, { __call = function(_, options)
  local busted = require "busted"
  local to, cases = options.to or io.stdout, {}
  local handler = collect(function(case)
    cases[#cases + 1] = case
    specs.show(to, case)
    to:flush()
  end)
  busted.subscribe({ "suite", "end" }, function()
    specs.sum_up(to, cases)
    return nil, true
  end)
  return handler
end })
