local coverage = require "jig.output.coverage"

-- A file whose lines from 1 on ran so often; false: cannot run.
local function file(path, ...)
  local made = { path = path, can = {}, runs = {}, ran = 0 }
  for line, runs in ipairs { ... } do
    if runs then
      made.can[#made.can + 1], made.runs[line] = line, runs
      if runs > 0 then made.ran = made.ran + 1 end
    end
  end
  return made
end

describe("jig.output.coverage", function()
  it("has a row per file, and ranges of what never ran", function()
    assert.equal("coverage   lines     ran      %  never reached\n"
      .. "lamp.lua       6       2   33.3  1, 3-6\n",
      coverage.table { file("lamp.lua", 0, 1, 0, false, 0, 0, false, 7) })
  end)

  it("adds up several, as wide as their names", function()
    assert.equal("coverage                lines     ran      %  never reached\n"
      .. "long/name/of/lamp.lua       1       1  100.0\n"
      .. "x.lua                       2       1   50.0  2\n"
      .. "all                         3       2   66.6\n",
      coverage.table { file("long/name/of/lamp.lua", 1), file("x.lua", 1, 0) })
  end)

  it("never rounds up to all", function()
    local runs = {}
    for i = 1, 3000 do runs[i] = 1 end
    runs[7] = 0
    assert.matches("  99.9  7\n", coverage.table { file("lamp.lua", table.unpack(runs)) })
    assert.matches(" 100.0\n", coverage.table { file("lamp.lua", 1) })
    assert.matches("   0.0  1\n", coverage.table { file("lamp.lua", 0) })
  end)

  it("says so when there is nothing", function()
    assert.equal("coverage: no recipe was run\n", coverage.table {})
    assert.equal("", coverage.lcov {})
  end)

  it("is a tracefile of lcov", function()
    assert.equal("TN:\nSF:a.lua\nDA:1,3\nDA:3,0\nLF:2\nLH:1\nend_of_record\n"
      .. "TN:\nSF:/b.lua\nDA:2,4294967295\nLF:1\nLH:1\nend_of_record\n",
      coverage.lcov { file("a.lua", 3, false, 0), file("/b.lua", false, 4294967295) })
  end)
end)
