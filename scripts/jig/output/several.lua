--- Busted's output handler of `jig test`: shows a run in several ways at once, and tallies it, so that the
-- verdict does not depend on what is shown.

---@class jig.SpecTally
---@field begun? boolean    the first spec file is about to run
---@field ended? boolean    the run came to its end, and the counts are whole
---@field passed integer
---@field failed integer    with errors outside of tests

---@class jig.SpecOutput
---@field name string      of the module, or of one of busted's own outputs
---@field to? file*        where jig's own write
---@field path? string     or the file that they write

---@param tally jig.SpecTally
local function count_into(tally, busted, counter)
  busted.subscribe({ "suite", "start" }, function()
    tally.begun = true
    return nil, true
  end)
  busted.subscribe({ "suite", "end" }, function()
    tally.passed = counter.successesCount
    tally.failed = counter.failuresCount + counter.errorsCount
    tally.ended = true
    return nil, true
  end)
end

---@param outputs jig.SpecOutput[]
---@param tally jig.SpecTally
return function(outputs, tally)
  return function(given)
    local busted = require "busted"
    local counter = require "busted.outputHandlers.base"()
    local load_output = require "busted.modules.output_handler_loader"()
    for _, output in ipairs(outputs) do
      load_output(busted, output.name, setmetatable({ to = output.to, path = output.path }, { __index = given }))
    end
    count_into(tally, busted, counter) -- last: what an output throws at the end is red
    return counter
  end
end
