local grammar = require "jig.udev.grammar"
local rules = require "jig.udev.rules"

local SERIAL <const> = { wire = "serial", vid = 0x0403, pid = 0x6001, name = "lamp" }
local USB <const> = { wire = "usb", vid = 0x1209, pid = 0x5742, name = "token", mode = true }

-- The rules of a text, each as "KEY{attribute}operator value" by its key; there is no mistake in it.
local function read(text)
  local list, mistakes = grammar.read(text)
  assert.same({}, mistakes)
  for i, rule in ipairs(list) do
    local by_key = {}
    for _, part in ipairs(rule) do
      by_key[part.key .. (part.attribute and "{" .. part.attribute .. "}" or "")] = part.operator .. part.value
    end
    list[i] = by_key
  end
  return list
end

describe("jig.udev.rules", function()
  it("give a serial adapter to dialout and its bus to plugdev, at 1 ms, awake, without ModemManager", function()
    local list = read(rules.text { SERIAL })
    assert.same({
      { ACTION = "==remove", GOTO = "=jig_end" },
      { SUBSYSTEM = "==usb", ["ENV{DEVTYPE}"] = "==usb_device", ["ATTR{idVendor}"] = "==0403",
        ["ATTR{idProduct}"] = "==6001", GROUP = "=plugdev", MODE = "=0660", ["ENV{ID_MM_DEVICE_IGNORE}"] = "=1" },
      { SUBSYSTEM = "==usb", ["ENV{DEVTYPE}"] = "==usb_device", ["ATTR{idVendor}"] = "==0403",
        ["ATTR{idProduct}"] = "==6001", TEST = "==power/control", ["ATTR{power/control}"] = "=on" },
      { SUBSYSTEM = "==tty", SUBSYSTEMS = "==usb", ["ATTRS{idVendor}"] = "==0403", ["ATTRS{idProduct}"] = "==6001",
        GROUP = "=dialout", MODE = "=0660", ["ENV{ID_MM_PORT_IGNORE}"] = "=1" },
      { SUBSYSTEM = "==usb-serial", ["ATTRS{idVendor}"] = "==0403", ["ATTRS{idProduct}"] = "==6001",
        TEST = "==latency_timer", ["ATTR{latency_timer}"] = "=1" },
      { LABEL = "=jig_end" },
    }, list)
  end)

  it("of a USB device are of its bus alone", function()
    local list = read(rules.text { USB })
    assert.equal(4, #list)
    for i = 2, 3 do assert.equal("==5742", list[i]["ATTR{idProduct}"]) end
  end)

  it("may be of all products of a vendor, and give all to one group", function()
    local list = read(rules.text({ { wire = "serial", vid = 0x0403, name = "x" } }, "line"))
    for _, rule in ipairs(list) do assert.is_nil(rule["ATTR{idProduct}"] or rule["ATTRS{idProduct}"]) end
    assert.same({ "=line", "=line" }, { list[2].GROUP, list[4].GROUP })
  end)

  it("say what each is for; a recipe's name cannot become a rule", function()
    local text = rules.text { USB, { wire = "usb", vid = 1, name = 'x\nRUN+="/bin/sh"' } }
    assert.truthy(text:find("# token: 1209:5742, which it becomes while a unit is at work\n", 1, true))
    assert.truthy(text:find('# x?RUN+="/bin/sh": 0001:*\n', 1, true))
    for _, rule in ipairs(read(text)) do assert.is_nil(rule.RUN) end
  end)

  it("take the name of a group, and nothing that could end it", function()
    for name, want in pairs { plugdev = true, ["line-3_x"] = true, _a = true, [("a"):rep(32)] = true,
      [("a"):rep(33)] = false, [""] = false, ["3a"] = false, ['a", RUN+="b'] = false, ["a\n"] = false, A = false } do
      assert.equal(want, rules.is_group(name), name)
    end
  end)
end)
