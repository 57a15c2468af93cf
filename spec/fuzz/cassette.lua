--- Reading a cassette: jig.cassette.reader and format.
--
-- The first byte of an input says what is done with the rest: 0 it is the file, 1 it is one that is taken unfinished,
-- 2 the first line and the seal are put around it.
--
--   - Nothing raises: a cassette, or nil and what is wrong, with the path.
--   - Each line that is taken is written by jig in the same way, and in no other.
--   - What is read has a head, and events in the order of time.

local format = require "jig.cassette.format"
local reader = require "jig.cassette.reader"
local tape = require "jig.cassette.tape"

local function check_line(line)
  local event, message = format.event(line)
  if not event then
    assert(type(message) == "string" and message ~= "", "no message")
    return
  end
  assert(format.line(event) == line, "a line that jig would write otherwise")
end

local function check(made)
  assert(#made.events > 0 and made.recipe and made.unit and made.cli, "no head or no events")
  local before, size = 0, 0
  for _, event in ipairs(made.events) do
    assert(event.at >= before and event.at == event.at, "events out of order")
    before = event.at
    for _, value in pairs(event.fields) do
      if type(value) == "table" then
        size = size + value.size
        assert(not value.bytes or #value.bytes == value.size, "a payload of another size")
      end
    end
  end
  assert(size <= format.PAYLOADS, "more payload than there may be")
  assert(not made.recipe.file:find("/", 1, true) and made.recipe.folder:find("[/%z]") == nil
    and made.recipe.file ~= ".." and made.recipe.folder ~= "..", "a path in the head")
end

local function text_of(how, rest)
  if how % 3 ~= 2 then return rest end
  local body = format.VERSION .. "\n" .. rest
  return body .. tape.seal(body)
end

return function(input)
  if #input < 1 then return end
  local how = input:byte(1)
  local text = text_of(how, input:sub(2))
  for line in text:gmatch("[^\n]*") do check_line(line) end
  local made, message = reader.of("a/path", text, how % 3 == 1)
  if made then return check(made) end
  assert(type(message) == "string" and message:find("a/path: ", 1, true) == 1, message)
end
