local stand_in = require "jig.check.stand_in"

describe("jig.check.stand_in", function()
  local value = stand_in.value

  it("gives itself, whatever is done with it", function()
    for _, made in ipairs { value.x, value(1), value + 1, 1 - value, -value, value .. "x", value & 1, value:x() } do
      assert.is_true(rawequal(made, value))
    end
    value.x = 5
    assert.same({ 0, "?", false }, { #value, tostring(value), value < value })
    for _ in pairs(value) do error("there is nothing in it") end
  end)

  it("is found in tables, by the paths of jig.shape", function()
    local paths = stand_in.paths { name = value, status = { [0x11] = { code = value } }, limits = { read = 5 } }
    assert.is_true(paths["name"] and paths["status[0x11].code"])
    for path, covered in pairs { name = true, names = false, ["name.x"] = true, ["status[0x11].code"] = true,
      ["status[0x11]"] = false, [""] = false } do
      assert.equal(covered, stand_in.covers(paths, path), path)
    end
    assert.is_true(stand_in.covers(stand_in.paths(value), "anything"))
  end)

  it("ends in a table that holds itself", function()
    local loop = {}
    loop.x = loop
    assert.same({}, stand_in.paths(loop))
  end)
end)
