local difference = require "jig.cassette.difference"
local format = require "jig.cassette.format"
local veil = require "jig.cassette.veil"

local function event(line)
  return assert(format.event(line))
end

-- A payload's filler as it is told where it goes by.
local function filler(text)
  local made = veil.payload(veil.filler(event("0.000000 > bytes payload=" .. text).fields.payload))
  return ("%d:%s"):format(made.size, made.digest)
end

local ONE <const>, OTHER <const> = "40:0123456789abcdef", "40:fedcba9876543210"

describe("jig.cassette.difference", function()
  local fillers = difference.fillers {
    event("0.000000 < answer payload=" .. ONE .. " scp=1"), event("0.000000 < bytes payload=" .. OTHER),
  }

  for name, case in pairs {
    ["another step"] = { "0.000000 > open", "0.000000 > close", "another step" },
    ["the other side"] = { "0.000000 > text bytes=a", "0.000000 < text bytes=a", "another step" },
    ["another command"] = { "0.000000 > call command=new_device session=a",
      "0.000000 > call command=report_error session=a", "another step" },
    ["another value"] = { "0.000000 > set line=dtr value=true", "0.000000 > set line=dtr value=1",
      "other content: value" },
    ["two of them"] = { "0.000000 > set line=dtr value=true", "0.000000 > set line=rts value=1",
      "other content: line, value" },
    ["one that is not there"] = { "0.000000 = verdict result=passed", "0.000000 = verdict result=passed serial=a",
      "another verdict: serial" },
    ["another message"] = { "0.000000 > bytes payload=" .. ONE, "0.000000 > bytes payload=" .. filler(OTHER),
      "other content: payload" },
    ["another size"] = { "0.000000 > bytes payload=" .. ONE, "0.000000 > bytes payload=" .. ONE:gsub("40", "41"),
      "other content: payload" },
    ["another reason"] = { 'report_error reason="a of 5 s"', 'report_error reason="b of 5 s"',
      "other content: reason" },
    ["nothing but times in a reason"] = { 'report_error reason="a of 5 s"', 'report_error reason="a of 5.1 s"' },
    ["a reason that was hidden"] = { "report_error reason=" .. ONE, "report_error reason=a" },
    ["nothing but the time"] = { "0.000000 > open", "5.000000 > open" },
    ["nothing but the session's id"] = { "0.000000 > call command=new_device session=a",
      "0.000000 > call command=new_device session=b" },
    ["what stands for the message"] = { "0.000000 > bytes payload=" .. ONE,
      "0.000000 > bytes payload=" .. filler(ONE) },
    ["the message"] = { "0.000000 > bytes payload=2:x00ff", "0.000000 > bytes payload=2:x00ff" },
    ["another message as it is"] = { "0.000000 > bytes payload=2:x00ff", "0.000000 > bytes payload=2:x00fe",
      "other content: payload" },
  } do
    it("knows " .. name, function()
      for i = 1, 2 do
        case[i] = case[i]:gsub("^report_error", "0.000000 > call command=report_error"):gsub("(reason=.*)$",
          "%1 session=a")
      end
      assert.same({ case[3] == nil, case[3] },
        { difference.compare(event(case[1]), event(case[2]), fillers) })
    end)
  end

  it("compares sentences by degrees", function()
    local function same(one, other, rough)
      local made = {}
      for i, reason in ipairs { one, other } do
        made[i] = { side = "=", kind = "verdict", fields = { result = "failed", reason = reason } }
      end
      return (difference.compare(made[1], made[2], {}, rough))
    end
    assert.is_false(same("line 1", "line 2"))
    assert.is_true(same("line 1", "line 2", "numbers"))
    assert.is_false(same("line 1", "row 1", "numbers"))
    assert.is_true(same("line 1", "row 1", "all"))
  end)

  it("joins texts that jig wrote in a row, however many they are", function()
    local list = {}
    for i, line in ipairs { "> open", "> text bytes=a", "> text bytes=b", "< text bytes=c", "> text bytes=d" } do
      list[i] = event("0.000000 " .. line)
    end
    local made = difference.joined(list)
    local texts = {}
    for i, one in ipairs(made) do texts[i] = one.side .. (one.fields.bytes or "") end
    assert.same({ ">", ">ab", "<c", ">d" }, texts)
    local many = {}
    for i = 1, 9000 do many[i] = { at = 0, side = ">", kind = "text", fields = { bytes = ("y"):rep(400) } } end
    local began = os.clock()
    assert.equal(9000 * 400, #difference.joined(many)[1].fields.bytes)
    assert.is_true(os.clock() - began < 0.5) -- one after the other it were 16 GB that are copied
  end)

  it("shows what was, what is, and the lines before", function()
    local events = {}
    for i = 1, 6 do
      events[i] = event(("%d.000000 > set line=dtr value=%d"):format(i, i))
      events[i].line = i + 4
    end
    assert.equal([[
       6  2.000000 > set line=dtr value=2
       7  3.000000 > set line=dtr value=3
       8  4.000000 > set line=dtr value=4
       9  5.000000 > set line=dtr value=5
      10- 6.000000 > set line=dtr value=6
        + 0.000000 > close]],
      difference.text({ expected = events[6], found = event("0.000000 > close") }, events))
    assert.truthy(difference.text({ expected = events[1] }, events):find("^%s+5%- [^\n]+\n%s+%+ nothing more$"))
    assert.truthy(difference.text({ found = "it spins" }, events):find("%- nothing more\n%s+%+ it spins$"))
    local long = event('0.000000 > text bytes="' .. (" "):rep(1000) .. '"')
    assert.is_true(#difference.text({ found = long }, {}) < 250)
  end)
end)
