--- The checks that any framing gets for free: that it keeps the contract of jig.framing.common.
-- Used through `testing.framing` (jig.testing).

-- A generator of its own, so that a spec sees the same bytes in every run (Lehmer, modulus 2^31-1,
-- Park and Miller 1988).
local function generator(seed)
  local state = seed
  return function(least, most)
    state = state * 48271 % 0x7fffffff
    return least + state % (most - least + 1)
  end
end

local function random_bytes(random, size)
  local bytes = {}
  for i = 1, size do bytes[i] = string.char(random(0, 255)) end
  return table.concat(bytes)
end

local function every_byte()
  local bytes = {}
  for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
  return table.concat(bytes)
end

local function describe_bytes(bytes)
  local head = bytes:sub(1, 12):gsub(".", function(c) return ("%02x"):format(c:byte()) end)
  return ("%d bytes %s%s"):format(#bytes, head, #bytes > 12 and "..." or "")
end

---@class jig.FramingCheck  one direction of a framing that is being checked
---@field name string
---@field from jig.FramingEnd  encodes
---@field to jig.FramingEnd    decodes
---@field traits jig.FramingTraits
---@field max integer
local Check = {}
Check.__index = Check

-- A frame with this payload and a value for each field of the header.
function Check:frame(payload)
  local frame = { payload = payload }
  for field, value in pairs(self.from.sample or {}) do frame[field] = value end
  return frame
end

function Check:encode(payload)
  return self.from.encode(self:frame(payload))
end

-- Makes a payload such as this framing can carry out of any bytes; nil when there is none.
function Check:fit(payload)
  local size = self.traits.size
  if size then
    if payload == "" then return nil end
    return payload:rep(size // #payload + 1):sub(1, size)
  end
  if payload == "" and not self.traits.empty then return nil end
  if self.traits.text and not payload:find("[^\t\n\r\27\32-\126]") then return nil end
  return #payload <= self.max and payload or payload:sub(1, self.max)
end

-- Feeds bytes and takes all that comes of them. Adds frames to `got`, a table with `bad`, the sum
-- of the bytes skipped.
local function take(decoder, bytes, got)
  local frame, answer, skipped, why = decoder:feed(bytes)
  while frame or answer == "bad" do
    if frame then
      got[#got + 1] = frame
    else
      assert(math.type(skipped) == "integer" and skipped > 0, "bad without a number of bytes")
      assert(type(why) == "string" and why ~= "", "bad without a reason")
      got.bad = got.bad + skipped
    end
    frame, answer, skipped, why = decoder:feed("")
  end
  assert(answer == "more", "neither frame, more nor bad")
  return got
end

-- The same for silence.
local function silence(decoder, got)
  local frame, answer, skipped = decoder:idle()
  if frame then got[#got + 1] = frame end
  if answer == "bad" then got.bad = got.bad + skipped end
  return take(decoder, "", got)
end

-- What comes of one piece after the other. Where only silence ends a frame it follows the last.
function Check:receive(pieces)
  local decoder, got = self.to.decoder(), { bad = 0 }
  for _, piece in ipairs(pieces) do take(decoder, piece, got) end
  if self.traits.silence then silence(decoder, got) end
  return got, decoder
end

-- Raises unless what came is exactly these payloads, with all fields, and nothing bad.
function Check:expect(payloads, got, context)
  local from = self.from.sample or {}
  assert(got.bad == 0, ("%s: %d bytes skipped"):format(context, got.bad))
  assert(#got == #payloads, ("%s: %d frames, expected %d"):format(context, #got, #payloads))
  for i, payload in ipairs(payloads) do
    if got[i].payload ~= payload then
      error(("%s: got %s, expected %s"):format(context, describe_bytes(got[i].payload),
        describe_bytes(payload)))
    end
    for field, value in pairs(from) do
      assert(got[i][field] == value, ("%s: field %s differs"):format(context, field))
    end
    assert(got[i].log == nil, ("%s: a log without text"):format(context))
  end
end

-- Payloads at the edges: no byte, each byte alone and doubled, all, many, the most.
function Check:payloads()
  local list, random = {}, generator(20)
  local function add(payload)
    payload = self:fit(payload)
    if payload then list[#list + 1] = payload end
  end
  add("")
  for byte = 0, 255 do
    add(string.char(byte))
    add(string.char(byte, byte))
    add("\0" .. string.char(byte) .. "\xFF")
  end
  add(every_byte())
  add(every_byte():reverse())
  for _, size in ipairs { 4, 24, 90, 253, 254, 255, 256, 508, 1984 } do
    add(random_bytes(random, size))
    add(("\0"):rep(size))
    add(("\x01"):rep(size))
  end
  return list
end

-- A payload of middle size with every kind of byte.
function Check:middle()
  return self:fit(every_byte())
end

local function round_trip(check)
  for _, payload in ipairs(check:payloads()) do
    local got, decoder = check:receive { check:encode(payload) }
    check:expect({ payload }, got, "payload of " .. describe_bytes(payload))
    assert(decoder:rest() == "", "rest() is not empty after everything was taken")
  end
end

local function limits(check)
  local random = generator(21)
  local payload = check:fit(random_bytes(random, check.max))
  check:expect({ payload }, check:receive { check:encode(payload) }, "the longest payload")
  local over = random_bytes(random, check.max + 1)
  assert(not pcall(check.from.encode, check:frame(over)), "a payload over max is encoded")
end

local function misuse(check)
  local frame = check:frame(nil)
  assert(not pcall(check.from.encode, frame), "a frame without payload is encoded")
  if not check.traits.empty then
    assert(not pcall(check.from.encode, check:frame("")), "an empty payload is encoded")
  end
end

local function split(check)
  local payload = check:middle()
  local bytes = check:encode(payload)
  for at = 0, #bytes do
    local got = check:receive { bytes:sub(1, at), bytes:sub(at + 1) }
    check:expect({ payload }, got, ("split behind byte %d"):format(at))
  end
end

local function byte_by_byte(check)
  local payload = check:middle()
  local pieces = {}
  for char in check:encode(payload):gmatch(".") do
    pieces[#pieces + 1] = char
    pieces[#pieces + 1] = ""
  end
  check:expect({ payload }, check:receive(pieces), "byte by byte")
end

local function several(check)
  local random = generator(22)
  local payloads, bytes = {}, {}
  for i = 1, 20 do
    payloads[i] = check:fit(random_bytes(random, 4 * i))
    bytes[i] = check:encode(payloads[i])
  end
  check:expect(payloads, check:receive { table.concat(bytes) }, "frames in one piece")
  local decoder = check.to.decoder()
  local frame = decoder:feed(bytes[1] .. bytes[2])
  assert(frame and frame.payload == payloads[1], "the first call does not give the first frame")
  assert(decoder:rest() ~= "", "rest() forgets what follows the first frame")
  check:expect({ payloads[3] }, take(decoder, bytes[3], { bad = 0 }), "after rest()")
end

local function cut_short(check)
  local payload = check:middle()
  local bytes = check:encode(payload)
  for size = 0, #bytes - 1 do
    local got, decoder = check:receive { bytes:sub(1, size) }
    local context = ("cut behind byte %d"):format(size)
    check:expect({}, got, context)
    silence(decoder, got)
    assert(#got == 0, context .. ": silence makes a frame of it")
    -- What was no more than the beginning of a start mark is text now.
    got = take(decoder, bytes, { bad = 0 })
    for _, frame in ipairs(got) do frame.log = nil end
    check:expect({ payload }, got, context .. ", then silence")
  end
end

local function cut_and_rest(check)
  local payload = check:middle()
  local bytes = check:encode(payload)
  for size = 0, #bytes - 1 do
    local _, decoder = check:receive { bytes:sub(1, size) }
    decoder:rest()
    local got = take(decoder, bytes, { bad = 0 })
    if check.traits.silence then silence(decoder, got) end
    check:expect({ payload }, got, ("cut behind byte %d, then rest()"):format(size))
  end
end

-- Raises when the last frame that comes of `junk` and two whole frames is not the one sent.
local function survives(check, junk, context)
  local payload = check:middle()
  local bytes = check:encode(payload)
  local got, decoder = check:receive { junk, bytes, bytes }
  silence(decoder, got)
  local last = got[#got]
  assert(last and last.payload == payload, context .. ": the frame is lost")
  if check.traits.check then
    for _, frame in ipairs(got) do
      assert(frame.payload == payload or (frame.status or 0) ~= 0,
        context .. ": junk passes for a frame")
    end
  end
end

local function junk_before(check)
  local random = generator(23)
  survives(check, "boot: ready\r\n", "text")
  for size = 1, 200, 7 do
    survives(check, random_bytes(random, size), ("%d random bytes"):format(size))
  end
  for byte = 0, 255 do
    survives(check, string.char(byte), ("byte %02x"):format(byte))
  end
  local bytes = check:encode(check:middle())
  local size = 1
  while size < #bytes do
    survives(check, bytes:sub(1, size), ("a frame cut behind byte %d"):format(size))
    survives(check, bytes:sub(size + 1), ("a frame without its first %d bytes"):format(size))
    -- All cuts at the edges, some in between.
    size = size + ((size < 24 or size > #bytes - 40) and 1 or 9)
  end
end

local function corrupt(check)
  local payload = check:fit(random_bytes(generator(24), 40) .. every_byte():sub(1, 40))
  local bytes = check:encode(payload)
  for at = 1, #bytes do
    for _, mask in ipairs { 0x01, 0x20, 0x80, 0xff } do
      local changed = string.char(bytes:byte(at) ~ mask)
      local damaged = bytes:sub(1, at - 1) .. changed .. bytes:sub(at + 1)
      local got, decoder = check:receive { damaged }
      silence(decoder, got)
      for _, frame in ipairs(got) do
        assert(frame.payload == payload or (frame.status or 0) ~= 0,
          ("byte %d changed by %02x: a wrong payload passes"):format(at, mask))
      end
    end
  end
end

local function memory_of(check, junk, bound)
  local decoder, got = check.to.decoder(), { bad = 0 }
  collectgarbage()
  local before = collectgarbage("count")
  for first = 1, #junk, 4096 do
    take(decoder, junk:sub(first, first + 4095), got)
    for i = #got, 1, -1 do got[i] = nil end
  end
  collectgarbage()
  local grown = (collectgarbage("count") - before) * 1024
  assert(grown < bound, ("%d bytes are kept, expected at most %d"):format(grown, bound))
  assert(#decoder:rest() < bound, "rest() gives more than can be kept")
end

local function bounded(check)
  -- A frame may be twice its payload on the wire; text may pile up to twice what is kept of it.
  local bound = 2 * check.max + 3 * 65536
  local size = bound + bound // 8
  local random = generator(25)
  local block = random_bytes(random, 4096)
  local head = check:encode(check:middle()):sub(1, -2)
  for _, junk in ipairs { "\0", "log line\r\n", block, head } do
    if junk ~= "" then memory_of(check, junk:rep(size // #junk), bound) end
  end
end

local function oversize(check, start)
  local decoder = check.to.decoder()
  local frame, answer = decoder:feed(start)
  assert(not frame and answer == "bad", "a frame over max is not refused when it announces itself")
end

-- The checks in order: what they show, what runs, and whether a framing with these traits can.
local checks <const> = {
  { "gives back every payload", round_trip },
  { "takes max bytes and refuses one more", limits },
  { "refuses a frame without payload", misuse },
  { "does not care where its input is split", split },
  { "takes single bytes and empty pieces", byte_by_byte },
  { "gives one frame a call and keeps the rest", several,
    function(traits) return not traits.silence end },
  { "gives no frame that is cut short, and silence ends it", cut_short,
    function(traits) return not traits.silence end },
  { "starts afresh after rest()", cut_and_rest },
  { "finds the frame behind junk", junk_before, function(traits) return traits.resync end },
  { "never takes a damaged frame for another", corrupt, function(traits) return traits.check end },
  { "keeps a bounded number of bytes", bounded },
}

local function describe_direction(busted, check, start)
  busted.describe(check.name, function()
    for _, row in ipairs(checks) do
      local title, run, fits = table.unpack(row)
      if not fits or fits(check.traits) then
        busted.it(title, function() run(check) end)
      end
    end
    if start then
      busted.it("refuses at once what announces more than max", function()
        oversize(check, start)
      end)
    end
  end)
end

local names <const> = {
  junk = true, check = true, empty = true, silence = true, size = true, text = true, max = true,
  oversize = true,
}

local function read_options(f, options)
  options = options or {}
  for key in pairs(options) do
    if not names[key] then
      error(("testing.framing: unknown option %q"):format(tostring(key)), 4)
    end
  end
  local traits = {}
  for key, value in pairs(f.traits or {}) do traits[key] = value end
  for key in pairs(names) do
    if options[key] ~= nil then traits[key == "junk" and "resync" or key] = options[key] end
  end
  return traits, options.max or f.max, options.oversize or {}
end

--- Defines the `describe` and `it` blocks for both directions of a framing.
---@param f jig.Framing
---@param options? jig.FramingChecks
return function(f, options)
  local busted = require "busted"
  local traits, max, start = read_options(f, options)
  if math.type(max) ~= "integer" then error("testing.framing: max: expected integer", 3) end
  local function direction(name, from, to, bytes)
    local check = setmetatable({ name = name, from = from, to = to, traits = traits, max = max },
      Check)
    describe_direction(busted, check, bytes)
  end
  busted.describe("as a framing", function()
    direction("from host to device", f.host, f.device, start.host)
    if f.device ~= f.host then
      direction("from device to host", f.device, f.host, start.device)
    end
  end)
end
