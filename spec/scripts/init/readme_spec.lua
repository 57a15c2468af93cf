local plan = require "jig.init.plan"
local readme = require "jig.init.readme"

describe("jig.init.readme", function()
  it("tells what the product is, what to type and what to do", function()
    local text = readme.text(plan.new("lamp", "tcp", "slip"))
    for _, part in ipairs {
      "# lamp\n", "over tcp, framed as `slip`", "jig check lamp ", "jig test lamp ", "jig prove lamp ",
      "jig shell lamp --port tcp:192.168.1.10:7777 ", "by hand: `jig shell lamp ",
      "jig run lamp --port tcp:192.168.1.10:7777 --cli ", "\n## To do\n", "| `status.lua` |", "- [ ] `status.lua`: ",
    } do
      assert.matches(part, text, 1, true)
    end
  end)

  it("speaks of no status where there is none", function()
    assert.is_nil(readme.text(plan.new("lamp", "tcp", "raw")):find("status", 1, true))
  end)
end)
