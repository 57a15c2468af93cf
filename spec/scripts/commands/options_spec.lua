local options = require "jig.commands.options"
local scratch = require "spec.support.scratch"

-- Parses words with a parser of an argument and an option. Gives what options.parse gives, then what it wrote
-- to stdout and stderr.
local function parse(...)
  local p = options.parser("test", "Try it.")
  p:argument("path", "A path.")
  p:option("--count", "How many.", "1"):convert(options.integer(1, 9))
  local out, err, o, status = scratch.capture(options.parse, p, { ... })
  return o, status, out, err
end

describe("jig.commands.options", function()
  it("gives what was asked for, converted", function()
    local o, status, out, err = parse("x", "--count", "5")
    assert.same({ "x", 5 }, { o.path, o.count })
    assert.same({ nil, "", "" }, { status, out, err })
    assert.equal(1, parse("x").count)
  end)

  it("shows help and status 0, wherever it is asked for", function()
    for _, words in ipairs { { "-h" }, { "--help" }, { "x", "--nonsense", "-h" } } do
      local o, status, out, err = parse(table.unpack(words))
      assert.same({ nil, 0, "" }, { o, status, err })
      assert.matches("^Usage: jig test .*Try it%..*%-%-count", out)
    end
  end)

  it("shows what values are: by a word of their own, or else by their name", function()
    local p = options.parser("test", "Try it.")
    p:argument("path", "A path.")
    p:argument("more", "More."):args("*"):value "FILE"
    p:option("--port", "Where."):value "ADDRESS"
    p:option("--serial-number", "Which.")
    p:option("--shell", "What for."):choices { "bash", "zsh" }
    local out = scratch.capture(options.parse, p, { "--help" })
    assert.matches("%[%-%-port ADDRESS%] %[%-%-serial%-number SERIAL_NUMBER%]%s+%[%-%-shell {bash,zsh}%]", out)
    assert.matches("[-h] PATH [FILE] ...", out, 1, true)
    assert.matches("\n   PATH +A path.\n   FILE +More.\n", out)
    assert.matches("\n   %-%-port ADDRESS +Where%.\n", out)
    assert.is_nil(out:find("<", 1, true))
  end)

  it("has no value without a telling name in the help of any verb", function()
    for verb in scratch.jig({ "help" }).stdout:match("verbs:\n(.-)\n\n"):gmatch("\n?  (%w+) ") do
      local out = scratch.jig({ verb, "--help" }).stdout
      assert.is_nil(out:find("<", 1, true), out)
    end
  end)

  it("takes words that are not among those it suggests", function()
    local p = options.parser("test", "Try it.")
    p:argument("topic", "What."):suggest { "one", "that", "two" }
    assert.equal("other", (options.parse(p, { "other" })).topic)
    assert.is_nil((scratch.capture(options.parse, p, { "-h" })):find("that,", 1, true))
  end)

  it("takes --help behind -- for a word", function()
    assert.equal("--help", parse("--", "--help").path)
  end)

  it("says what is wrong and gives status 2", function()
    local cases = {
      { {}, "missing argument 'path'" },
      { { "x", "y" }, "too many arguments" },
      { { "x", "--cuont" }, "unknown option '--cuont'" },
      { { "x", "--count" }, "option '--count' requires an argument" },
      { { "x", "--count", "0" }, "expected a whole number from 1 to 9, got '0'" },
      { { "x", "--count", "10" }, "expected a whole number from 1 to 9, got '10'" },
      { { "x", "--count", "1.5" }, "expected a whole number from 1 to 9, got '1.5'" },
      { { "x", "--count", "" }, "expected a whole number from 1 to 9, got ''" },
    }
    for _, case in ipairs(cases) do
      local o, status, out, err = parse(table.unpack(case[1]))
      assert.same({ nil, 2, "" }, { o, status, out })
      assert.matches("^Usage: jig test ", err)
      assert.matches("\n\nError: " .. case[2], err, 1, true)
    end
  end)

  -- A verb with one of each kind of option.
  local function lamp(words)
    local p = options.parser("light", "Light lamps.")
    p:argument("lamp", "The lamp.")
    p:argument("room", "Its room.")
    p:option("--count", "How often.", "1"):convert(options.integer(1, 10))
    p:option("--shade-colour", "Its shade.")
    p:flag("--dry-run", "Only say so.")
    p:option("--trace", "Say more."):args("?")
    package.loaded.argparse = nil
    local o = options.parse(p, words)
    return o, package.loaded.argparse ~= nil
  end

  local plain = {
    { { "a", "b" }, { lamp = "a", room = "b", count = 1 } },
    { { "a", "b", "--count", "10" }, { lamp = "a", room = "b", count = 10 } },
    { { "--dry-run", "a", "--shade-colour", "dark red", "b" },
      { lamp = "a", room = "b", count = 1, dry_run = true, shade_colour = "dark red" } },
    { { "", "b", "--shade-colour", "" }, { lamp = "", room = "b", count = 1, shade_colour = "" } },
  }
  for _, case in ipairs(plain) do
    it("reads '" .. table.concat(case[1], " ") .. "' without argparse, and as argparse does", function()
      local o, asked = lamp(case[1])
      assert.same(case[2], o)
      assert.is_false(asked)
      o, asked = lamp { "--trace=on", table.unpack(case[1]) }
      assert.is_true(asked)
      assert.same({ "on" }, o.trace)
      o.trace = nil
      assert.same(case[2], o)
    end)
  end

  it("takes an option more than once, and an argument or none, without argparse and as it does", function()
    for _, more in ipairs { {}, { "--x=1" } } do
      local p = options.parser("light", "Light lamps.")
      p:argument("lamp", "The lamp."):args("?")
      p:option("--room", "A room."):repeated()
      p:option("--x", "Something.")
      local function of(words)
        package.loaded.argparse = nil
        local o = options.parse(p, table.move(more, 1, #more, #words + 1, words))
        assert.equal(#more > 0, package.loaded.argparse ~= nil)
        return o
      end
      local o = of { "--room", "a", "--room", "b", "l" }
      assert.same({ "l", { "a", "b" } }, { o.lamp, o.room })
      assert.is_nil(of({}).lamp)
      assert.same({ "a" }, of({ "--room", "a" }).room)
    end
  end)

  it("takes one word of a list alone, and tells the list", function()
    for _, more in ipairs { {}, { "--x=1" } } do
      local function choose(word)
        local p = options.parser("light", "Light lamps.")
        p:option("--colour", "Its colour.", "red"):choices { "red", "blue" }
        p:option("--x", "Something.")
        local words = table.move(more, 1, #more, 1, {})
        if word then table.move({ "--colour", word }, 1, 2, #words + 1, words) end
        local _, err, o, status = scratch.capture(options.parse, p, words)
        return o and o.colour or status, err
      end
      assert.same({ "red", "blue" }, { (choose()), (choose "blue") })
      local status, err = choose "green"
      assert.equal(2, status)
      assert.matches("Error: argument for option '--colour' must be one of 'red', 'blue'", err, 1, true)
    end
  end)

  it("takes the recipe of the current folder where none is named and there is one", function()
    local here <close> = scratch.folder { ["recipe.lua"] = "" }
    local folder <close> = scratch.folder { ["try.lua"] = [[
      local options = require "jig.commands.options"
      for _, count in ipairs { "one", "?", "+", "*" } do
        local p = options.parser("light", "Light lamps.")
        p:argument("lamp", "The lamp."):args(count ~= "one" and count or nil):recipe()
        for _, words in ipairs { { }, { "a" } } do
          local o, status = options.parse(p, words)
          local given = o and o.lamp
          print(count, status or type(given) == "table" and table.concat(given, ",") or given)
        end
      end
    ]] }
    local function told(cwd) return scratch.run { scratch.program, folder.path .. "/try.lua", cwd = cwd } end
    assert.equal("one\t.\none\ta\n?\t.\n?\ta\n+\t.\n+\ta\n*\t.\n*\ta\n", told(here.path).stdout)
    local elsewhere = told(folder.path)
    assert.equal("one\t2\none\ta\n?\tnil\n?\ta\n+\t2\n+\ta\n*\t\n*\ta\n", elsewhere.stdout)
    assert.matches("Error: missing argument 'lamp'", elsewhere.stderr, 1, true)
  end)

  local not_plain = {
    { { "a", "b", "--count=3" }, { lamp = "a", room = "b", count = 3 } },
    { { "--", "-a", "b" }, { lamp = "-a", room = "b", count = 1 } },
    { { "a", "b", "--count", "2", "--count", "3" }, { lamp = "a", room = "b", count = 3 } },
    { { "a", "-", "--dry-run" }, { lamp = "a", room = "-", count = 1, dry_run = true } },
  }
  for _, case in ipairs(not_plain) do
    it("leaves '" .. table.concat(case[1], " ") .. "' to argparse", function()
      local o, asked = lamp(case[1])
      assert.same(case[2], o)
      assert.is_true(asked)
    end)
  end
end)
