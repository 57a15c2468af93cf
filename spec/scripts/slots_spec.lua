local slots = require "jig.slots"

local function of(o, from)
  local list, message = slots.of(o, from or {})
  return list, message
end

local function names(list)
  local parts = {}
  for i, slot in ipairs(list) do parts[i] = ("%s=%s"):format(slot.name, slot.address or "") end
  return table.concat(parts, " ")
end

describe("jig.slots", function()
  local STATION <const> = { slots = { { name = "A", port = "tcp:a:1" }, { name = "B", port = "tcp:b:1" } } }

  local cases = {
    { "the slot A without a station", { recipe = "r/x.lua" }, nil, "A=" },
    { "--port", { recipe = "r/x.lua", port = "pair:p" }, nil, "A=pair:p" },
    { "--slot instead of A", { recipe = "r/x.lua", slot = { "C=pair:c" } }, nil, "C=pair:c" },
    { "an address with = in it", { recipe = "r/x.lua", slot = { "C=serial:/x?baud=9600" } }, nil,
      "C=serial:/x?baud=9600" },
    { "the slots of the station, in its order", { recipe = "r/x.lua" }, STATION, "A=tcp:a:1 B=tcp:b:1" },
    { "--slot for one of the station, and for one more", { recipe = "r/x.lua", slot = { "B=pair:b", "C=pair:c" } },
      STATION, "A=tcp:a:1 B=pair:b C=pair:c" },
    { "a station with one slot", { recipe = "r/x.lua" }, { slot = "Z", port = "pair:z" }, "Z=pair:z" },
    { "--port for that", { recipe = "r/x.lua", port = "pair:p" }, { slot = "Z", port = "pair:z" }, "Z=pair:p" },
    { "--port for one slot of a list", { recipe = "r/x.lua", port = "pair:p" }, { slots = { { name = "Z" } } },
      "Z=pair:p" },
    { "the latest of two --slot with one name", { recipe = "r/x.lua", slot = { "A=pair:a", "A=pair:b" } }, nil,
      "A=pair:b" },
  }
  for _, case in ipairs(cases) do
    it("takes " .. case[1], function()
      assert.equal(case[4], names(assert(of(case[2], case[3]))))
    end)
  end

  it("leaves the station's table as it was", function()
    assert(of({ recipe = "x.lua", slot = { "A=pair:a" } }, STATION))
    assert.same({ { name = "A", port = "tcp:a:1" }, { name = "B", port = "tcp:b:1" } }, STATION.slots)
  end)

  it("gives each its recipe: its own, from the station file's folder, or the one that is run", function()
    local list = assert(of({ recipe = "lamp.lua", station = "line/station.lua", slot = { "B=pair:b" } }, { slots = {
      { name = "A", port = "pair:a" },
      { name = "B", recipe = "own/recipe.lua" },
      { name = "C", recipe = "/far/recipe.lua" },
    } }))
    local found = {}
    for i, slot in ipairs(list) do found[i] = { slot.file, slot.folder } end
    assert.same({
      { "./lamp.lua", "./" }, { "line/own/recipe.lua", "line/own/" }, { "/far/recipe.lua", "/far/" },
    }, found)
  end)

  it("lets two slots use the ports of two recipes", function()
    assert.equal("A= B=", names(assert(of({ station = "s.lua" },
      { slots = { { name = "A", recipe = "a.lua" }, { name = "B", recipe = "b.lua" } } }))))
  end)

  local mistakes = {
    { "a slot without a recipe", { station = "s.lua" },
      { slots = { { name = "A", recipe = "x.lua" }, { name = "B" } } },
      "slot B has no recipe: name one for all, or its own in the station file" },
    { "two slots with one name", { recipe = "x.lua" }, { slots = { { name = "A", port = "pair:a" }, { name = "A" } } },
      "two slots are named A" },
    { "two slots at one address", { recipe = "x.lua" },
      { slots = { { name = "A", port = "pair:a" }, { name = "B", port = "pair:a" } } },
      "slots A and B have the same port: pair:a" },
    { "two slots at one recipe's port", { recipe = "x.lua" }, { slots = { { name = "A" }, { name = "B" } } },
      "slots A and B have the same port: that of ./x.lua" },
    { "--port with several", { recipe = "x.lua", port = "pair:x" }, STATION,
      "--port is for one slot: with several it is --slot NAME=ADDRESS" },
    { "--slot without an address", { recipe = "x.lua", slot = { "A=" } }, nil, "--slot takes NAME=ADDRESS" },
    { "--slot without a name", { recipe = "x.lua", slot = { "=pair:x" } }, nil, "--slot takes NAME=ADDRESS" },
    { "a name of 33 letters", { recipe = "x.lua", slot = { ("x"):rep(33) .. "=pair:x" } }, nil, "--slot takes" },
    { "a name with a control character", { recipe = "x.lua", slot = { "\27=pair:x" } }, nil, "--slot takes" },
  }
  for _, case in ipairs(mistakes) do
    it("refuses " .. case[1], function()
      local list, message = of(case[2], case[3])
      assert.is_nil(list)
      assert.matches(case[4], message, 1, true)
    end)
  end

  it("takes as many slots as it says, and no more", function()
    local words = {}
    for i = 1, slots.MOST do words[i] = ("S%d=pair:%d"):format(i, i) end
    assert.equal(slots.MOST, #assert(of { recipe = "x.lua", slot = words }))
    words[slots.MOST + 1] = "one=pair:more"
    local list, message = of { recipe = "x.lua", slot = words }
    assert.same({ nil, "4097 slots are more than 4096" }, { list, message })
  end)
end)
