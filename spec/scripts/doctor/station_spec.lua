local machine = require "spec.support.machine"

local function said(files, station)
  local about = { file = "/etc/jig/station.lua", station = station or {},
    recipes = { { file = "/etc/jig/lamp/recipe.lua", folder = "/etc/jig/lamp/" } } }
  files["/etc/jig/station.lua"] = files["/etc/jig/station.lua"] or ""
  files["/etc/jig/lamp/recipe.lua"] = files["/etc/jig/lamp/recipe.lua"] or ""
  return machine.check("station", machine.new(files), about)
end

describe("jig doctor: station", function()
  it("is content where root alone may change it", function()
    machine.says(said {}, "ok", "nobody else may change /etc/jig/station.lua")
  end)

  it("warns of a station file, a recipe, a file beside it and a folder that others may change", function()
    for path, at in pairs {
      ["/etc/jig/station.lua"] = { mode = 438 }, ["/etc/jig/lamp/recipe.lua"] = { mode = 438 },
      ["/etc/jig/lamp/wire.lua"] = { mode = 438 }, ["/etc/jig/lamp"] = { kind = "folder", mode = 511 },
    } do
      machine.says(said { [path] = at }, "warn", ("everybody may write %s, and so what this station runs"):format(path))
    end
  end)

  it("looks at all of them, also at a recipe that has another name", function()
    for _, name in ipairs { "a.lua", "z.lua" } do
      machine.says(said { ["/etc/jig/lamp/" .. name] = { uid = 1002 } }, "warn", name .. " belongs to user 1002")
    end
    local host = machine.new { ["/r/lamp"] = { uid = 1002 } }
    local about = { recipes = { { file = "/r/lamp", folder = "/r/" } } }
    machine.says(machine.check("station", host, about), "warn", "/r/lamp belongs to user 1002")
  end)

  it("does not mind files that no recipe requires", function()
    machine.says(said { ["/etc/jig/lamp/notes.txt"] = { mode = 438 } }, "ok", "nobody else")
  end)

  it("fails where the station says trust", function()
    machine.says(said({ ["/etc/jig/station.lua"] = { uid = 1002 } }, { trust = {} }), "fail", "belongs to user 1002")
  end)

  it("fails where the station says trust and is reached over a link, as a key is", function()
    for path, keys in pairs { ["/etc/jig/station.lua"] = {}, ["/k/pub"] = { "/k/pub" } } do
      local host = machine.new { ["/etc/jig/station.lua"] = "", ["/k/pub"] = "", ["/etc/real"] = "" }
      host.realpath = function(given) return given == path and "/etc/real" or given end
      local about = { file = "/etc/jig/station.lua", station = { trust = { keys = keys } }, recipes = {} }
      machine.says(machine.check("station", host, about), "fail", path .. " leads over a link, and a run of a station "
        .. "that says trust refuses it: name /etc/real")
      about.station.trust = nil
      machine.says(machine.check("station", host, about), "ok", "nobody else may change")
    end
  end)

  it("fails where others may change a key", function()
    machine.says(said({ ["/k/pub"] = { mode = 438 } }, { trust = { keys = { "/k/pub" } } }), "fail",
      "everybody may write /k/pub, and so what this station runs")
  end)

  it("has nothing to say without files", function()
    assert.same({}, machine.check("station", machine.new {}, {}))
  end)
end)
