local reader = require "jig.cassette.reader"
local scratch = require "spec.support.scratch"
local tapes = require "spec.support.tapes"

local RECIPE <const> = "examples/thermostat"

-- The event that tells of trouble with the file.
local function trouble(events)
  for _, event in ipairs(events) do
    if event.event == "cassette" then return event end
  end
end

describe("jig.cassette.recording", function()
  it("begins with what the unit was made with", function()
    local lines = tapes.record { recipe = RECIPE, retries = 2, service = {
      accept = { 0, 7 }, limits = { new_device = 0.5, gate = 9 }, report = { refused = true }, grace = 1,
    } }
    assert.truthy(lines[1]:find('^recipe file=recipe.lua folder=thermostat name=thermostat sha256=%x+ version=1.2.0$'))
    assert.equal("unit number=1 retries=2 slot=A", lines[2])
    assert.equal('cli accept="0,7" grace=1 limit_gate=9 limit_new_device=0.5 report_refused=true', lines[3])
  end)

  it("names no folder that is not there", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = 'return require("jig").recipe { name = "lamp",'
      .. 'port = "pair:a", framing = require "jig.framing.line" {} }' }
    local lines = tapes.record { recipe = folder.path .. "/.", device = function() end }
    assert.truthy(lines[1]:find('folder="" ', 1, true), lines[1])
  end)

  it("writes a file that can be read, and says nothing", function()
    local folder <close> = scratch.folder()
    local lines, events = tapes.record { recipe = RECIPE, recording = { file = folder.path .. "/%slot-%number" } }
    assert.same({}, lines)
    assert.is_nil(trouble(events))
    local made = assert(reader.read(folder.path .. "/A-1"))
    assert.is_true(made.finished)
    assert.equal("thermostat", made.recipe.name)
  end)

  it("says that it cannot, once, and the unit passes all the same", function()
    local folder <close> = scratch.folder { a = "kept" }
    for path, why in pairs { [folder.path .. "/a"] = "exists already", [folder.path .. "/b/c"] = "No such file" } do
      local _, events = tapes.record { recipe = RECIPE, recording = { file = path } }
      local event = trouble(events)
      assert.equal(path, event.path)
      assert.truthy(event.trouble:find(why, 1, true), event.trouble)
      assert.equal("A", event.slot)
      assert.is_true(events[#events - 1].passed)
    end
    assert.equal("kept", folder:read("a"))
  end)
end)
