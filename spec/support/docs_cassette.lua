--- The cassette that the pages speak of: a unit of the thermostat, recorded with the simulator's programs, once for
-- all pages.

local docs_shown = require "spec.support.docs_shown"
local station = require "spec.support.station"

local docs_cassette = {}

local recorded

--- Its text. Yields when it is to be recorded.
---@return string
function docs_cassette.text()
  if recorded then return recorded end
  local place <close> = station.place()
  local device <close> = station.device(place, { wire = "length", arguments = { "--serial", "T100317" } })
  local path = place:fresh "cassette"
  local result = station.run(place, {
    recipe = "examples/thermostat", port = device.address, arguments = { "--record", path },
  })
  if result.exit ~= 0 then error("the thermostat is not recorded: " .. result.stdout .. result.stderr, 0) end
  recorded = station.read(path)
  return recorded
end

--- Puts it where the pages have it: in a folder of cassettes, and beside the recipe. Yields.
---@param folder table  of the page
function docs_cassette.put(folder)
  folder:write("cassettes/line4.cassette", docs_cassette.text())
  folder:write("examples/thermostat/line4.cassette", docs_cassette.text())
end

--- Raises when a block that shows a cassette shows another than the page's commands recorded, or, where they are not
-- run, than the one above. Yields.
---@param folder table  of the page
---@param block spec.DocsBlock
function docs_cassette.compare(folder, block)
  local text = folder:read "line4.cassette"
  if text == "" then text = docs_cassette.text() end
  if docs_shown.fits(block.lines, text) then return end
  error(("%s: the cassette is\n%s"):format(block.place, text), 0)
end

return docs_cassette
