local check = require "jig.check"
local scratch = require "spec.support.scratch"
local stations = require "jig.check.stations"

describe("jig.check.stations", function()
  local function findings_of(text)
    local folder <close> = scratch.folder { ["station.lua"] = text, ["lamp/recipe.lua"] = scratch.recipe() }
    local list, count = {}, 0
    for _, result in ipairs(check.all(folder.path, { luacheck = false })) do
      count = count + 1
      for _, finding in ipairs(result.findings) do list[#list + 1] = check.text(finding):sub(#folder.path + 2) end
    end
    return list, count
  end

  it("looks at the recipes of the slots, each once", function()
    local found, count = findings_of [[
      return { slots = { { name = "A", recipe = "lamp" }, { name = "B", recipe = "lamp" } } } ]]
    assert.same({ {}, 2 }, { found, count })
  end)

  for text, expected in pairs {
    ["return {\n  slosts = {},\n}"] = "station.lua:2: the station has no key 'slosts'; did you mean 'slots'?",
    ["return {\n  retries = -1,\n}"] = "station.lua:2: retries is number -1; expected a whole number",
    ['return { slots = {\n  { name = "A", port = "tpc:a:1" },\n} }']
      = "station.lua:2: slots[1].port: there is no transport 'tpc'; did you mean 'tcp'?",
    ['return {\n  port = "tcp:a",\n}'] = "station.lua:2: port: tcp: 'a' is no host and port; write HOST:PORT",
    ["return 5"] = "station",
    ["x ="] = "station.lua:1: unexpected symbol",
  } do
    it("finds what is wrong in " .. text:gsub("\n", " "), function()
      local found = findings_of(text)
      assert.equal(1, #found)
      assert.equal(expected, found[1]:sub(1, #expected))
    end)
  end

  it("takes a folder for a station only where there is no recipe", function()
    assert.equal("examples/line/station.lua", stations.locate "examples/line/")
    assert.equal("examples/line/station.lua", stations.locate "examples/line/station.lua")
    assert.equal("./station.lua", stations.locate "station.lua")
    assert.is_nil(stations.locate "examples/thermostat")
    assert.is_nil(stations.locate "/nowhere")
  end)

  it("waits for no FIFO, and tells one with its path once", function()
    local folder <close> = scratch.folder()
    scratch.run { "mkfifo", folder.path .. "/station.lua" }
    local file = folder.path .. "/station.lua"
    for _, path in ipairs { folder.path, file } do
      local told = scratch.jig { "check", path, limit = 20 }
      assert.same({ 1, file .. ": it is no regular file; mend this file: a run refuses the station file\n" },
        { told.exit, told.stdout })
    end
  end)
end)
