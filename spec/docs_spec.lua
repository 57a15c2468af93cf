-- What the pages show is so: each block of code of each README.md is run, and what it shows is compared. How is
-- said in spec/support/docs.lua.

local docs = require "spec.support.docs"
local station = require "spec.support.station"

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

-- ---- the reference ----

-- What is in reach of a recipe and not for it.
local INSIDE <const> = {
  unit = { new = true, truth = true, fault = true, complete = true, durations = true, open = true, report = true },
  port = { open = true, bound = true, close = true },
}

local function names_of(methods, inside)
  local names = {}
  for name, value in pairs(methods) do
    if type(value) == "function" and not name:find("^__") and not (inside or {})[name] then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  assert(#names > 0)
  return names
end

describe("scripts/README.md", function()
  local text = station.read "scripts/README.md"

  local function names_all(form, names)
    for _, name in ipairs(names) do
      assert(text:find(form:format(name), 1, true), "scripts/README.md says nothing of " .. form:format(name))
    end
  end

  it("names every function of a unit and of its port", function()
    names_all("`unit:%s(", names_of(require "jig.unit", INSIDE.unit))
    names_all("`port:%s(", names_of(require "jig.wire", INSIDE.port))
  end)

  it("names every function that works on bytes", function()
    local crc = require "jig.crc"
    names_all("`hex.%s(", names_of(require "jig.hex"))
    names_all("`digest.%s(", names_of(require "jig.digest"))
    names_all("`sum:%s(", names_of(getmetatable(crc.new "CRC-16/ARC").__index))
    names_all("`crc.%s", names_of(crc))
  end)

  it("names every limit with its default, every fault, every framing", function()
    for name, seconds in pairs(require "jig.recipe".limits) do
      local cells = text:match("\n| ([^|\n]*`" .. name .. "`[^|\n]*|[^|\n]*| [^|\n]*)|")
      assert(cells, "no limit " .. name)
      assert(cells:match("| [^|]*%f[%d]" .. seconds .. "%f[%D]"), name .. ": the default is " .. seconds)
    end
    for name in pairs(require "jig.fault".catalogue) do
      local family, rest = name:match("^(.-)(%..+)")
      local short = "`" .. family .. "%.[^\n]*`" .. rest:gsub("%.", "%%.") .. "`" -- in a row of its family
      assert(text:find("`" .. name .. "`", 1, true) or text:find(short), "no fault " .. name)
    end
    for _, name in ipairs { "length", "ftcd", "slip", "hdlc", "cobs", "stx_etx", "line", "raw" } do
      names_all("| `jig.framing.%s` |", { name })
    end
  end)
end)
