local events = require "spec.support.events"
local reading = require "spec.support.reading"

-- A unit that failed, with these texts in it.
local function failed(with)
  return function(ledger)
    local fields = { passed = false, result = "failed" }
    for name, value in pairs(with) do fields[name] = value end
    events.reach(ledger, "reported", fields)
    fields.fault = { name = "lamp.dark", code = -5, reason = with.reason or "dark", phase = "exchange" }
    events.append(ledger, events.ended(fields))
  end
end

-- The cells of a CSV text by RFC 4180.
local function parse_csv(text)
  local rows, row, at = {}, {}, 1
  while at <= #text do
    local cell, rest
    if text:sub(at, at) == '"' then
      local last = at
      repeat last = text:find('"', last + 1, true) + 1 until text:sub(last, last) ~= '"'
      cell, rest = text:sub(at + 1, last - 2):gsub('""', '"'), last
    else
      rest = text:find("[,\r]", at)
      cell = text:sub(at, rest - 1)
    end
    row[#row + 1] = cell
    if text:sub(rest, rest) == "," then
      at = rest + 1
    else
      assert(text:sub(rest, rest + 1) == "\r\n", "a row ends with CR LF")
      rows[#rows + 1], row, at = row, {}, rest + 2
    end
  end
  return rows
end

-- Each row by the names of the first.
local function table_of(text)
  local rows, list = parse_csv(text), {}
  for i = 2, #rows do
    assert.equal(#rows[1], #rows[i])
    list[i - 1] = {}
    for k, name in ipairs(rows[1]) do list[i - 1][name] = rows[i][k] end
  end
  return list
end

describe("jig journal export", function()
  describe("as CSV", function()
    it("has a row per attempt", function()
      local at <close> = reading.journal()
      local result = at:read("export", "--format", "csv")
      assert.equal("started,ended,slot,serial,lot,station,operator,recipe,version,unit,attempt,session,state,result,"
        .. "fingerprint,repeats,fault,code,reason,phase,line,seconds,gate_seconds,received,sent\r", result.lines[1])
      local list = table_of(result.stdout)
      assert.equal(7, #list)
      assert.same({ "T2", "2", "50", "lamp.dark", "0.420000", "0", "10" }, { list[3].serial, list[3].attempt,
        list[3].code, list[3].fault, list[3].seconds, list[3].gate_seconds, list[3].received })
      assert.equal("", list[6].result)
      assert.equal(result.stdout, at:read("export").stdout)
    end)

    it("has its head alone without units", function()
      local at <close> = reading.empty()
      assert.equal(1, #at:read("export").lines)
    end)

    -- Each: a text, and what stands in the cell.
    local cells = {
      { "plain", "plain" }, { 'a "b", c', 'a "b", c' }, { "a\r\nb", "a\r\nb" }, { '"', '"' },
      { "=1+1", "'=1+1" }, { "+cmd|x", "'+cmd|x" }, { "-", "'-" }, { "@SUM(A1)", "'@SUM(A1)" }, { "\t=1", "'\t=1" },
      { "-5", "-5" }, { "+5.25", "+5.25" }, { "-5-5", "'-5-5" }, { "=5", "'=5" }, { "--5", "'--5" }, { "1=2", "1=2" },
      { "=HYPERLINK(\"x\",1)", "'=HYPERLINK(\"x\",1)" },
    }
    for _, case in ipairs(cells) do
      it(("writes %q so that a spreadsheet takes it for a text"):format(case[1]), function()
        local at <close> = reading.journal(failed { reason = case[1], serial = case[1] })
        local row = table_of(at:read("export").stdout)[1]
        assert.same({ case[2], case[2], "-5" }, { row.reason, row.serial, row.code })
      end)
    end

    it("keeps a huge reason", function()
      local at <close> = reading.journal(failed { reason = ("long, "):rep(1500) })
      assert.equal(9000, #table_of(at:read("export").stdout)[1].reason)
    end)
  end)

  it("writes JUnit as jig run does", function()
    local at <close> = reading.journal(function(ledger)
      events.append(ledger, events.started())
      events.unit(ledger)
      failed { session = "s2", unit = "r1.2", number = 2, serial = "<&\27>", reason = '"&"' } (ledger)
      events.reach(ledger, "owing", { session = "s3", unit = "r1.3", number = 3, serial = "T3" })
    end)
    assert.equal([[
<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="journal" tests="3" failures="1" errors="0" time="0.840">
    <testcase classname="lamp" name="slot A unit 1 attempt 1" time="0.420">
      <system-out>serial T1, session s1, fingerprint 247024e2ab7a6144f158afa164036a32a953976e</system-out>
    </testcase>
    <testcase classname="lamp" name="slot A unit 2 attempt 1" time="0.420">
      <failure type="lamp.dark" message="&quot;&amp;&quot;">phase exchange, code -5</failure>
      <system-out>serial &lt;&amp;?&gt;, session s2, fingerprint -</system-out>
    </testcase>
    <testcase classname="lamp" name="slot A unit 3 attempt 1" time="0.000">
      <system-out>serial T3, session s3, fingerprint -</system-out>
    </testcase>
  </testsuite>
</testsuites>
]], at:read("export", "--format", "junit").stdout)
  end)

  it("takes faults of the station for errors in JUnit", function()
    local names = { "cli.missing", "cli.token", "cli.token_missing", "cli.token_busy", "cli.pin", "tool.journal" }
    local at <close> = reading.journal(function(ledger)
      for i, name in ipairs(names) do
        local last = events.ended { unit = "r1." .. i, number = i, result = "failed", passed = false,
          fault = { name = name, code = 401, reason = "gone", phase = "new_device" } }
        last.session = ""
        events.append(ledger, last)
      end
    end)
    local text = at:read("export", "--format", "junit").stdout
    assert.matches('failures="0" errors="6"', text, 1, true)
    for _, name in ipairs(names) do assert.matches(('<error type="%s"'):format(name), text, 1, true) end
  end)

  it("takes what a recipe calls by such a name for a failure, as jig run does", function()
    local at <close> = reading.journal(function(ledger)
      local last = events.ended { result = "failed", passed = false,
        fault = { name = "cli.missing", code = 401, reason = "mine", phase = "prepare", by_recipe = true } }
      last.session = ""
      events.append(ledger, last)
    end)
    local text = at:read("export", "--format", "junit").stdout
    assert.matches('failures="1" errors="0"', text, 1, true)
    assert.matches('<failure type="cli.missing"', text, 1, true)
  end)

  it("writes JUnit without cases", function()
    local at <close> = reading.empty()
    assert.matches('tests="0".->\n  </testsuite>\n</testsuites>\n$', at:read("export", "--format", "junit").stdout)
  end)

  it("writes a file, and replaces what it was", function()
    local at <close> = reading.journal()
    local path = at.folder:write("out.csv", ("x"):rep(100000))
    assert.equal("", at:read("export", path).stdout)
    assert.equal(7, #table_of(at.folder:read("out.csv")))
  end)

  it("writes over no journal", function()
    local at <close> = reading.journal()
    local before = at.folder:read "journal.db"
    local result = at:run("export", at.path)
    assert.same({ 2, "" }, { result.exit, result.stdout })
    assert.matches("is a journal, and would be written over: name one that is read with --journal PATH", result.stderr,
      1, true)
    assert.equal(before, at.folder:read "journal.db")
  end)

  it("ends with 4 when it cannot write", function()
    local at <close> = reading.journal()
    for _, format in ipairs { "csv", "jsonl", "junit" } do
      local result = at:run("export", "--format", format, at.folder.path .. "/missing/out")
      assert.equal(4, result.exit)
      assert.matches("^jig journal export: cannot write .*missing/out: No such file", result.stderr)
      result = at:run("export", "--format", format, "/dev/full")
      assert.equal(4, result.exit)
      assert.matches("cannot write /dev/full: No space left", result.stderr, 1, true)
    end
  end)

  it("ends with 2 for another format", function()
    local at <close> = reading.empty()
    assert.equal(2, at:run("export", "--format", "xls").exit)
  end)

  it("exports what a journal that was changed says, as far as it makes sense", function()
    local at <close> = reading.journal(function(ledger) events.unit(ledger) end)
    at:fill(function(ledger)
      assert(ledger:exec [[UPDATE event SET facts = '{"took":"x","phases":[3],"result":[]}']])
    end)
    for _, form in ipairs { "csv", "jsonl", "junit" } do
      local result = at:read("export", "--format", form)
      assert.same({ 0, "" }, { result.exit, result.stderr })
    end
    assert.same({ 0, "" }, { at:read("stats").exit, at:read("stats").stderr })
  end)
end)
