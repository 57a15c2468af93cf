local filters = require "jig.commands.journal.filters"
local journals = require "spec.support.journals"
local options = require "jig.commands.options"
local reading = require "spec.support.reading"

local function parse(...)
  local p = options.parser("journal x", "")
  filters.options(p, "50")
  return options.parse(p, { ... })
end

describe("jig.commands.journal.filters", function()
  it("binds what is given, and never puts it into the query", function()
    local sql, parameters = filters.where(parse("--lot", "a' OR 1", "--result", "failed", "--since", "1970-01-01"))
    assert.equal("1 AND u.lot = ?1 AND u.result = ?2 AND u.started >= ?3", sql)
    assert.same({ n = 3, "a' OR 1", "failed", 0 }, parameters)
  end)

  -- What fits in spec/support/journals.lua: six units of one lot.
  local cases = {
    { {}, "T1 T2 T3 T4 T5 T6" },
    { { "--limit", "2" }, "T5 T6" },
    { { "--lot", "L7" }, "T1 T2 T3 T4 T5 T6" },
    { { "--lot", "L" }, "" },
    { { "--serial", "T3" }, "T3" },
    { { "--slot", "A", "--limit", "1" }, "T6" },
    { { "--slot", "B" }, "" },
    { { "--result", "passed" }, "T1" },
    { { "--result", "made-with-fault" }, "T2" },
    { { "--result", "failed" }, "T3 T4 T6" },
    { { "--result", "running" }, "T5" },
    { { "--fault", "lamp.dark" }, "T2" },
    { { "--fault", "connectivity.lost", "--result", "failed" }, "T6" },
    { { "--since", "2026-03-01T00:00:50" }, "T4 T5 T6" },
    { { "--until", "2026-03-01T00:00:50" }, "T1 T2 T3" },
    { { "--since", "2026-03-01T00:00:20", "--until", "2026-03-01T00:00:41", "--limit", "1" }, "T3" },
    { { "--since", "2026-03-01", "--result", "failed", "--until", "2026-03-01T00:01" }, "T3 T4" },
    { { "--until", "2026-03-01" }, "" },
    { { "--since", "1h" }, "" },
  }
  it("choose units, the newest last", function()
    local at <close> = reading.journal()
    for _, case in ipairs(cases) do
      local result = at:run("list", "--json", table.unpack(case[1]))
      assert.equal(0, result.exit)
      assert.equal(case[2], table.concat(reading.column(result, "serial"), " "), table.concat(case[1], " "))
    end
  end)

  -- What a million units cost is what SQLite looks at: no table but for "all", and no sort.
  for _, words in ipairs {
    { "--lot", "L7" }, { "--serial", "T1" }, { "--slot", "A" }, { "--fault", "lamp.dark" }, { "--result", "passed" },
    { "--result", "running" }, { "--since", "1h" }, { "--since", "1h", "--until", "1s" },
    { "--slot", "A", "--since", "1h" }, { "--lot", "L7", "--result", "failed", "--fault", "x" },
  } do
    it("answer from an index, without a sort, for " .. table.concat(words, " "), function()
      local ledger <close> = journals.memory()
      local o = parse(table.unpack(words))
      local where, parameters = filters.where(o)
      local plan = assert(ledger:rows(("EXPLAIN QUERY PLAN SELECT * FROM unit u WHERE %s ORDER BY %s LIMIT 50"):format(
        where, filters.newest(o)), table.unpack(parameters, 1, parameters.n)))
      assert.equal(1, #plan)
      assert.matches("^SEARCH u USING INDEX unit_", plan[1].detail)
    end)
  end

  it("choose the same units for export", function()
    local at <close> = reading.journal()
    for _, case in ipairs(cases) do
      local result, serials = at:run("export", "--format", "jsonl", table.unpack(case[1])), {}
      for i, serial in ipairs(reading.column(result, "serial")) do
        if serial ~= reading.column(result, "serial")[i - 1] then serials[#serials + 1] = serial end
      end
      assert.equal(case[2], table.concat(serials, " "), table.concat(case[1], " "))
    end
  end)

  for _, words in ipairs {
    { "--result", "great" }, { "--since", "yesterday" }, { "--until", "2026-02-30" }, { "--limit", "0" },
    { "--limit", "x" }, { "--lot" },
  } do
    it(("end with 2 for %s"):format(table.concat(words, " ")), function()
      local at <close> = reading.empty()
      for _, verb in ipairs { "list", "stats", "export" } do
        assert.equal(2, at:run(verb, table.unpack(words)).exit)
      end
    end)
  end
end)
