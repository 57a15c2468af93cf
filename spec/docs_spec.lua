-- What the pages show is so: each block of code of each README.md is run, and what it shows is compared. How is
-- said in spec/support/docs.lua.

local api = require "jig.check.api"
local docs = require "spec.support.docs"
local docs_commands = require "spec.support.docs_commands"
local docs_shown = require "spec.support.docs_shown"
local station = require "spec.support.station"
local system = require "jig.system"

-- Blocks that are not run: page -> the block's first line -> why.
local NOT_RUN <const> = {
  ["README.md"] = { ["examples/  ->  scripts/  ->  bindings/  ->  core/  <-  transports/"] = "a figure" },
  ["examples/simulator/README.md"] = {
    ["new_device -> opened -> get_device_configuration -> configured -> handle_device_response -> finished -> "
      .. "(fingerprint printed) -> handed"] = "a figure",
    ["device --wire WIRE --listen pty:LINKPATH|tcp:PORT|stdio [options]"] = "a synopsis; it would not end",
    ["--fault NAME[=VALUE][@STAGE][#COUNT]"] = "a grammar",
    ["factory_tool: factory_tool.c misbehave.c pin.c service.c authority.c audit.c agreement.c bytes.c   -lcrypto"] =
      "a list of sources: the Makefile's",
  },
  ["spec/rig/README.md"] = { ['local guest = require "spec.rig.guest"'] = "it runs in a guest" },
  ["examples/token/README.md"] = {
    ["COBS(  >I2 scp   payload   >I2 crc  )  00"] = "a figure", ["B 0x53   B number   >I2 status"] = "a figure",
  },
  ["examples/station/README.md"] = {
    ["cd /usr/local/share/doc/jig/station"] = "root's, and it changes the machine",
    ["install -m 600 /dev/null /etc/jig/pin"] = "the same",
    ["jig udev --station /etc/jig/station.lua > /etc/udev/rules.d/70-jig.rules"] = "the same",
    ["install -m 644 /usr/local/share/doc/jig/station/jig-station.service /etc/systemd/system/"] = "the same",
  },
  ["examples/thermostat/README.md"] = {
    ["request   >I2 scp  >I2 length  payload  >I2 crc"] = "a figure",
  },
}

-- Commands run the programs that other specs run, too; under a sanitizer, where a proof takes ten times as long,
-- they are left to the plain run.
local SANITIZED <const> = (os.getenv "JIG_BUILD" or ""):find("san", 1, true) ~= nil

-- The reason for which a block is not run; nil when there is none.
local function reason_of(page, block)
  return (NOT_RUN[page] or {})[block.first] or (SANITIZED and docs_commands.only(block) and "a sanitizer") or nil
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

  it("may show another time, digest or date than a program tells, and nothing else", function()
    for shown, told in pairs {
      ["PASS  A  T1  247024e2ab7a  0.42 s"] = "PASS  A  T1   0011223344ff  10.01 s",
      ["2026-11-25T16:44:37Z  x"] = "2027-01-02T03:04:05Z x  ",
      ["x 0: 1 effects, 2 paths with one fault, 3 with two: no violation"] =
        "x 0: 9 effects, 8 paths with one fault, 7 with two: no violation",
      ["0.000136 > open"] = "12.345678 > open", ["a\n…\nd"] = "a\nb\nc\nd", ["a … d"] = "a b d", ["a\n…"] = "a\n",
      ["x=8e15…"] = "x=0011223344ff", ["1 passed…"] = "1 passed, 0 failed",
    } do
      local lines = {}
      for line in shown:gmatch("[^\n]+") do lines[#lines + 1] = line end
      assert(docs_shown.fits(lines, told), shown)
    end
    for shown, told in pairs {
      ["PASS  A"] = "FAIL  A", ["1 passed"] = "2 passed", ["a"] = "a\nb", ["a.c"] = "abc",
      ["3 with two: no violation"] = "3 with two: 1 with a violation", ["abcdef"] = "deadbeef",
      ["0.000136 > open"] = "0.000136 < open", ["x=8e15…"] = "x=0123",
    } do
      assert(not docs_shown.fits({ shown }, told), shown)
    end
    assert.is_false(docs_shown.fits({ "a", "b" }, "a\n"))
  end)

  it("lead to what is there: files, and headings in them", function()
    local count = 0
    for _, path in ipairs(docs.pages()) do
      local folder = path:match("^(.*/)") or ""
      for _, link in ipairs(docs.links(path)) do
        local file, anchor = link.target:match("^([^#]*)#?(.*)$")
        local to = file == "" and path or folder .. file
        assert(system.realpath(to), ("%s:%d leads to %s, which is not there"):format(path, link.line, to))
        assert(anchor == "" or docs.anchors(to)[anchor], ("%s:%d: %s has no #%s"):format(path, link.line, to, anchor))
        count = count + 1
      end
    end
    assert.is_true(count > 40)
  end)

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

local function names_of(methods, inside)
  local names, hidden = {}, {}
  for _, name in ipairs(inside or {}) do hidden[name] = true end
  for name, value in pairs(methods) do
    if type(value) == "function" and not name:find("^__") and not hidden[name] then
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
    names_all("`unit:%s(", names_of(require "jig.unit", api.internal "unit"))
    names_all("`port:%s(", names_of(require "jig.wire", api.internal "port"))
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
