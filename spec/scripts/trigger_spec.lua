local trigger = require "jig.trigger"

local ODD <const> = "a line that is no printable text of 200 characters at most starts nothing"

-- A trigger for which these slots wait; what it starts and says goes into the list that follows.
local function made(kind, ...)
  local done = {}
  local self = trigger.new(kind, function(name, message)
    done[#done + 1] = name .. (message.serial and "=" .. message.serial or "")
  end, function(text) done[#done + 1] = text end)
  for _, name in ipairs { ... } do self:wait(name) end
  return self, done
end

describe("jig.trigger", function()
  local cases = {
    { "line", { "A", "B" }, { "" }, { "A", "B" } },
    { "line", { "A", "B" }, { "  \t\r" }, { "A", "B" } },
    { "line", {}, { "" }, { "no slot waits for its start" } },
    { "line", { "A", "B" }, { "B" }, { "B" } },
    { "line", { "A", "B" }, { "B", "B" }, { "B", "no slot that waits is named 'B'" } },
    { "line", { "A" }, { "", "" }, { "A", "no slot waits for its start" } },
    { "line", { "A" }, { "a" }, { "no slot that waits is named 'a'" } },
    { "line", { "A" }, { "\27[2J" }, { ODD } },
    { "line", { "A" }, { "\xFF" }, { ODD } },
    { "scan", { "A", "B" }, { "SN1", "SN2\r" }, { "A=SN1", "B=SN2" } },
    { "scan", { "A", "B" }, { "B SN1", "SN2" }, { "B=SN1", "A=SN2" } },
    { "scan", { "A" }, { "" }, {} },
    { "scan", {}, { "SN1" }, { "no slot waits: SN1 starts nothing" } },
    { "scan", { "A" }, { "B SN1" }, { "no slot that waits is named 'B': SN1 starts nothing" } },
    { "scan", { "A" }, { "a b c" }, { "'a b c' is no serial number" } },
  }
  for _, case in ipairs(cases) do
    it(("hears %q of a %s"):format(table.concat(case[3], "|"), case[1]), function()
      local self, done = made(case[1], table.unpack(case[2]))
      for _, line in ipairs(case[3]) do self:hear(line) end
      assert.same(case[4], done)
    end)
  end

  it("starts the slot first that has waited longest", function()
    local self, done = made("scan", "A", "B")
    self:hear "1"
    self:wait "A"
    self:hear "2"
    self:hear "3"
    assert.same({ "A=1", "B=2", "A=3" }, done)
  end)

  -- Lines that a program prints, heard to its end.
  local function heard(text)
    local self, done = made("scan", "A", "B", "C")
    local message, code = self:listen("exec:printf %25s " .. text:gsub("[^%w]", function(c)
      return ("%%%02X"):format(c:byte())
    end))
    return done, message, code
  end

  it("listens to a wire to its end, and says why it ended", function()
    local done, message, code = heard "S1\nB S2\r\n\nhalf a line"
    assert.same({ "A=S1", "B=S2" }, done)
    assert.equal("lost", code)
    assert.matches("start: ", message, 1, true)
  end)

  it("takes 200 characters for a line, not 201, and ends at many more without an end", function()
    local done, _, code = heard(("x"):rep(200) .. "\n" .. ("y"):rep(201) .. "\nS1\n" .. ("x"):rep(300))
    assert.same({
      "A=" .. ("x"):rep(200), ODD, "B=S1",
    }, done)
    assert.equal("limit", code)
  end)

  it("says why a wire cannot be opened", function()
    local self = made "line"
    local message, code = self:listen "tty:/nowhere"
    assert.same({ "not_found" }, { code })
    assert.matches("/nowhere", message, 1, true)
  end)
end)
