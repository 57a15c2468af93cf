local grammar = require "jig.udev.grammar"

local function one(text)
  local rules, mistakes = grammar.read(text)
  assert.same({}, mistakes)
  assert.equal(1, #rules)
  return rules[1]
end

describe("jig.udev.grammar", function()
  it("reads the parts of a rule", function()
    local rule = one 'SUBSYSTEM=="tty", ATTRS{idVendor}=="0403",GROUP:="dialout" , TAG+="uaccess" ENV{a.b}!="x\\"y"'
    local told = {}
    for i, part in ipairs(rule) do
      told[i] = ("%s|%s|%s|%s"):format(part.key, part.attribute, part.operator, part.value)
    end
    assert.same({ "SUBSYSTEM|nil|==|tty", "ATTRS|idVendor|==|0403", "GROUP|nil|:=|dialout", "TAG|nil|+=|uaccess",
      'ENV|a.b|!=|x"y' }, told)
  end)

  it("leaves out comments and empty lines, and joins what goes on", function()
    local rules, mistakes = grammar.read '# GROUP="a"\n\n  # x\nKERNEL=="a", \\\n  GROUP="b"\nKERNEL=="c"'
    assert.same({ 2, 0 }, { #rules, #mistakes })
    assert.same({ "a", "b" }, { rules[1][1].value, rules[1][2].value })
  end)

  it("tells what is no rule, by its line", function()
    for text, want in pairs {
      ['KERNEL="a'] = 'line 1: KERNEL="a', ["\nKERNEL"] = "line 2: KERNEL", ['KERNEL=="a", x'] = "line 1: x",
      ['KERNEL=!"a"'] = 'line 1: KERNEL=!"a"', ["KERNEL==a"] = "line 1: KERNEL==a",
      ['kernel=="a"'] = 'line 1: kernel=="a"',
      ['A=="a", \\\nB{="b"'] = 'line 1: B{="b"',
    } do
      local rules, mistakes = grammar.read(text)
      assert.same({ {}, { want } }, { rules, mistakes }, text)
    end
  end)

  it("knows which device a rule is for", function()
    for text, want in pairs {
      ['ATTRS{idVendor}=="0403", ATTRS{idProduct}=="6001"'] = true, ['ATTR{idVendor}=="0403"'] = true,
      ['ENV{ID_VENDOR_ID}=="0403", ENV{ID_MODEL_ID}=="6001"'] = true, ['ATTRS{idVendor}=="1209|0403"'] = true,
      ['ATTRS{idVendor}=="04*", ATTRS{idProduct}=="600?"'] = true, ['ATTRS{idVendor}=="0403", KERNEL=="x"'] = true,
      ['ATTRS{idVendor}=="0404"'] = false, ['ATTRS{idVendor}=="0403", ATTRS{idProduct}=="6002"'] = false,
      ['ATTRS{idProduct}=="6001"'] = false, ['KERNEL=="ttyUSB*"'] = false, ['ATTRS{idVendor}!="0403"'] = false,
      ['ATTRS{idVendor}=="0"'] = false, ['ATTRS{idVendor}=="04.3"'] = false,
    } do
      assert.equal(want, grammar.is_for(one(text), 0x0403, 0x6001), text)
    end
    assert.is_false(grammar.is_for(one 'ATTR{idVendor}=="0403", ATTR{idProduct}=="6001"', 0x0403, nil))
    assert.is_true(grammar.is_for(one 'ATTR{idVendor}=="0403"', 0x0403, nil))
    assert.is_true(grammar.is_for(one 'ATTR{idVendor}=="04D8"', 0x04d8, nil))
  end)

  it("knows what a rule gives, and not what it asks", function()
    assert.same({ group = "a", mode = 432, seat = true }, grammar.given(one 'GROUP="a", MODE:="0660", TAG+="uaccess"'))
    assert.same({}, grammar.given(one 'GROUP=="a", MODE!="0660", TAG=="uaccess", TAG+="seat"'))
  end)
end)
