-- What the pages show is so: each block of code of each README.md is run, and what it shows is compared. How is
-- said in spec/support/docs.lua.

local docs = require "spec.support.docs"

-- Blocks that are not run: page -> the block's first line -> why.
local NOT_RUN <const> = {
  ["README.md"] = { ["examples/  ->  scripts/  ->  bindings/  ->  core/  <-  transports/"] = "a figure" },
  ["examples/simulator/README.md"] = {
    ["new_device -> opened -> get_device_configuration -> configured -> handle_device_response -> finished -> "
      .. "(fingerprint printed) -> handed"] = "a figure",
    ["device --wire WIRE --listen pty:LINKPATH|tcp:PORT|stdio [options]"] = "a synopsis; it would not end",
    ["--fault NAME[=VALUE][@STAGE][#COUNT]"] = "a grammar",
    ["factory_tool: factory_tool.c misbehave.c service.c authority.c audit.c agreement.c bytes.c   -lcrypto"] =
      "a list of sources: the Makefile's",
  },
  ["examples/thermostat/README.md"] = {
    ["request   >I2 scp  >I2 length  payload  >I2 crc"] = "a figure",
  },
}

-- The reason for which a block is not run; nil when there is none.
local function reason_of(page, block)
  return (NOT_RUN[page] or {})[block.first]
end

describe("the pages", function()
  for _, path in ipairs(docs.pages()) do
    local blocks = docs.blocks(path)
    describe(path, function()
      local page
      setup(function() page = docs.follow(path) end)
      teardown(function() page:__close() end)
      for _, block in ipairs(blocks) do
        if not reason_of(path, block) then
          it(("line %d is as it says: %s"):format(block.line, block.first), function() page:run(block) end)
        end
      end
    end)
  end

  it("leave out no block that is not there", function()
    for path, list in pairs(NOT_RUN) do
      local there = {}
      for _, block in ipairs(docs.blocks(path)) do there[block.first] = true end
      for first in pairs(list) do
        assert(there[first], ("%s has no block that begins with: %s"):format(path, first))
      end
    end
  end)
end)
