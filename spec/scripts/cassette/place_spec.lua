local place = require "jig.cassette.place"

describe("jig.cassette.place", function()
  for name, case in pairs {
    ["a.cassette"] = { 1, false, nil },
    ["%slot.cassette"] = { 2, false, nil },
    ["%slot-%number.cassette"] = { 2, true, nil },
    ["%time"] = { 1, true, nil },
    ["100%%"] = { 1, false, nil },
    [""] = { 1, false, "takes the name of a file" },
    ["folder/"] = { 1, false, "takes the name of a file" },
    ["b.cassette"] = { 2, false, "its name holds %slot" },
    ["c.cassette"] = { 1, true, "its name holds %number or %time" },
    ["%%slot"] = { 2, false, "its name holds %slot" },
    ["%serial"] = { 1, false, "not '%serial'" },
    ["a%"] = { 1, false, "not '%'" },
  } do
    it(("says what is wrong with '%s'"):format(name), function()
      local message = place.mistake(name, case[1], case[2])
      if not case[3] then
        assert.is_nil(message)
      else
        assert.truthy(message and message:find(case[3], 1, true), message)
      end
    end)
  end

  it("names a unit's file", function()
    assert.equal("rec/A-7-19700101T000000Z%slot", place.of("rec/%slot-%number-%time%%slot", "A", 7, 0))
    assert.equal("a", place.of("a", "A", 1))
  end)

  it("knows the one file that a name means", function()
    assert.equal("100%/a", place.only "100%%/a")
    for _, name in ipairs { "%slot", "a%number", "%time.x" } do assert.is_nil(place.only(name)) end
  end)

  it("stays in its folder whatever the slot's name", function()
    assert.equal("rec/_./x", place.of("rec/%slot/x", "..", 1))
  end)
end)
