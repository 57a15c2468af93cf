local format = require "jig.cassette.format"
local reader = require "jig.cassette.reader"
local scratch = require "spec.support.scratch"
local tape = require "jig.cassette.tape"
local tapes = require "spec.support.tapes"

local LINES <const> = tapes.record { recipe = "examples/thermostat" }
local TEXT <const> = tapes.text(LINES)

-- Reads a text that lies in a file.
local function read(text, unfinished)
  local folder <close> = scratch.folder { a = text }
  return reader.read(folder.path .. "/a", unfinished)
end

local function sealed(body)
  return body .. tape.seal(body)
end

local function refused(text, why)
  local made, message = read(text)
  assert.is_nil(made)
  assert.truthy(message:find(why, 1, true), message)
end

-- The lines with line `number` replaced.
local function with(number, ...)
  local lines = table.move(LINES, 1, number - 1, 1, {})
  for _, line in ipairs { ... } do lines[#lines + 1] = line end
  return tapes.text(table.move(LINES, number + 1, #LINES, #lines + 1, lines))
end

describe("jig.cassette.reader", function()
  it("reads what was recorded", function()
    local made = assert(read(TEXT))
    assert.equal("thermostat", made.recipe.name)
    assert.equal("A", made.unit.slot)
    assert.same({}, made.cli)
    assert.equal(#LINES - 3, #made.events)
    assert.is_false(made.keep)
    assert.is_true(made.finished)
    assert.equal(5, made.events[1].line)
    local kept = tapes.text(tapes.record { recipe = "examples/meter", recording = { keep = true } })
    assert.is_true(assert(read(kept)).keep)
  end)

  it("refuses a file in which one byte is another", function()
    for at = 1, #TEXT do
      local other = string.char(TEXT:byte(at) ~ 1)
      assert.is_nil((reader.of("a", TEXT:sub(1, at - 1) .. other .. TEXT:sub(at + 1))), at)
    end
  end)

  it("refuses one that was cut, at every byte, and takes it as unfinished where a line is whole", function()
    for at = 0, #TEXT - 1 do
      local made, message = reader.of("a", TEXT:sub(1, at))
      assert.is_nil(made, at)
      assert.is_string(message)
      made = reader.of("a", TEXT:sub(1, at), true)
      if made then assert.is_false(made.finished) end
    end
    local _, message = read(TEXT:sub(1, -100))
    assert.truthy(message:find("is unfinished", 1, true) and message:find("--unfinished", 1, true), message)
    assert.equal(#LINES - 4, #assert(read(TEXT:match("^(.*\n).-\n.-\n$"), true)).events)
  end)

  it("says that it was changed, and how one says that it was meant", function()
    refused(TEXT:gsub("thermostat", "thermometer"), "--seal")
    refused(TEXT .. "more\n", "something behind its last line")
    refused((TEXT:gsub("\n", "\r\n")), "its lines end in CR LF")
    refused("\u{feff}" .. TEXT, "a byte order mark")
    refused(TEXT .. "sha256 x\n", "was changed")
    refused(TEXT:sub(1, -2), "is unfinished")
  end)

  it("refuses what is no cassette", function()
    refused("", "is empty")
    refused("\0\0\0\n", "is no cassette")
    refused("jig-cassette 1", "is no cassette")
    refused(sealed(format.VERSION .. "\n"), "line 2: expected the line 'recipe'")
    refused(with(2), "line 3: expected the line 'unit'")
  end)

  it("refuses another version by its name", function()
    refused(sealed((TEXT:gsub("^jig%-cassette 1", "jig-cassette 2"):gsub("sha256 [^\n]*\n$", ""))),
      "is of another version: 'jig-cassette 2'")
  end)

  it("refuses what does not fit together", function()
    refused(with(4, LINES[4], LINES[4]), "counts the attempts wrong")
    refused(with(4), "before the first attempt")
    refused(with(5, LINES[5], LINES[5]), "comes before the 'open' above it was answered")
    refused(with(6, LINES[6], LINES[6]), "answers nothing")
    refused(with(6), "comes before the 'open' above it was answered")
    refused(with(7, LINES[1]), "stands in no head")
    refused(with(7, "99.000000 > set line=dtr value=true"), "is earlier than the one before")
    refused(with(7, LINES[7], (LINES[7]:gsub("> set.*", "< bytes like=silk payload=4:0123456789abcdef"))),
      "is like nothing")
    local other = TEXT:gsub("session=%x%x%x", "session=zzz", 1):gsub("sha256 %x*\n$", "")
    refused(sealed(other), "is of another session")
    refused(sealed(format.VERSION .. "\n" .. table.concat(LINES, "\n", 1, 3) .. "\n"), "tells of nothing")
    refused(with(7, "\0"), "holds a byte that is no printable ASCII")
  end)

  it("refuses names that are paths", function()
    for _, name in ipairs { "../recipe.lua", "/etc/passwd", "..", ".", ".hidden", "a/b" } do
      local line = format.line { kind = "recipe", fields = {
        name = "a", version = "1", folder = "a", sha256 = "0", file = name } }
      refused(with(1, line), "by more than the name of a file")
      line = format.line { kind = "recipe", fields = {
        name = "a", version = "1", folder = name, sha256 = "0", file = "a" } }
      refused(with(1, line), "by more than the name of a file")
    end
    refused(with(2, 'unit number=1 retries=0 slot="../.."'), "has a slot without a name")
    refused(with(2, "unit number=1 retries=101 slot=A"), "impossible retries")
    refused(with(2, "unit number=0 retries=0 slot=A"), "a unit without a number")
    for line, why in pairs { ["cli accept=text"] = "exit statuses", ['cli accept=","'] = "exit statuses",
      ["cli grace=-1"] = "below 0", ["cli grace=text"] = "no number", ["cli more=1"] = "has no 'more'" } do
      refused(with(3, line), why)
    end
  end)

  it("refuses what is too large, before it reads all of it", function()
    refused(("x"):rep(format.SIZE + 1), "is larger than")
    refused(sealed(format.VERSION .. "\n" .. ("\n"):rep(format.LINES + 5)), "line 2 begins neither")
    local many = {}
    for i = 1, format.LINES do many[i] = "cli" end
    refused(tapes.text(many), "lines")
    local large = LINES[6]:match("^%S+") .. " < bytes payload=1048576:0123456789abcdef"
    refused(with(6, LINES[6], large, large, large, large, large, large, large, large), "bytes of payloads")
    refused(with(7, "0.000000 > text bytes=\"" .. ("a"):rep(format.LINE) .. '"'), "is longer than")
  end)

  it("refuses what is no file, and waits for nothing", function()
    local folder <close> = scratch.folder()
    scratch.run { "mkfifo", folder.path .. "/pipe" }
    for path, why in pairs { [folder.path] = "is no file", ["/dev/zero"] = "is no file", ["nowhere"] = "no such file",
      [folder.path .. "/pipe"] = "is no file" } do
      local made, message = reader.read(path)
      assert.is_nil(made)
      assert.truthy(message:find(why, 1, true), message)
    end
  end)

  it("seals anew what was changed, but nothing that is no cassette", function()
    local folder <close> = scratch.folder { a = (TEXT:gsub("name=thermostat", "name=thermometer")), b = "x\n",
      c = TEXT:gsub("sha256 %x*\n$", "") }
    assert.is_true(reader.seal(folder.path .. "/a"))
    assert.equal("thermometer", assert(reader.read(folder.path .. "/a")).recipe.name)
    assert.is_true(reader.seal(folder.path .. "/c"))
    assert.equal(TEXT, folder:read("c"))
    assert.is_nil((reader.seal(folder.path .. "/b")))
    assert.equal("x\n", folder:read("b"))
    assert.is_nil((reader.seal(folder.path .. "/none")))
  end)
end)
