local tokens = require "jig.check.tokens"

-- "kind value@line" of each token but the last.
local function shown(text)
  local list = {}
  for _, token in ipairs(tokens.of(text)) do
    if token.kind ~= "end" then list[#list + 1] = ("%s %s@%d"):format(token.kind, tostring(token.value), token.line) end
  end
  return list
end

describe("jig.check.tokens", function()
  for text, expected in pairs {
    [""] = {},
    ["#!jig\nx"] = { "name x@2" },
    ["a.b:c"] = { "name a@1", "mark .@1", "name b@1", "mark :@1", "name c@1" },
    ["a..b...c"] = { "name a@1", "mark ..@1", "name b@1", "mark ...@1", "name c@1" },
    ["-- x\n--[[ y\n]] z --[==[ ]] ]==] w"] = { "name z@3", "name w@3" },
    ["'a\\'b' \"\\n\" [=[\n]]x]=]"] = { "string a'b@1", "string \n@1", "string ]]x@1" },
    ["'a\\\nb'\nx"] = { "string a\nb@1", "name x@3" },
    ["0x1F 1e-3 .5 0x.8p1"] = { "number 31@1", "number 0.001@1", "number 0.5@1", "number 1.0@1" },
    ["a<=b<<c~=d//e::f"] = { "name a@1", "mark <=@1", "name b@1", "mark <<@1", "name c@1", "mark ~=@1", "name d@1",
      "mark //@1", "name e@1", "mark ::@1", "name f@1" },
    ["end ended"] = { "mark end@1", "name ended@1" },
    ["--[[ never closed"] = {},
  } do
    it(("cuts %q"):format(text), function() assert.same(expected, shown(text)) end)
  end

  it("ends with the line behind everything", function()
    local list = tokens.of("x\n\n")
    assert.same({ kind = "end", value = "", line = 3 }, list[#list])
  end)
end)
