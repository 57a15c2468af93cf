--- What is claimed of each framing, for the targets framing_NAME.lua.
--
-- The first byte of an input says which of the framing's option sets and which end decodes, the second how the
-- rest is cut; the rest comes from the wire.
--
--   - Nothing raises; an answer is a frame, "more", or "bad" with some bytes and why.
--   - However the bytes are cut, the same frames come, with as many bad bytes before each, and the same is left.
--   - No byte is counted twice: what was bad and what is left is no more than what came.
--   - No payload is over max.
--   - Of each frame that came the other end's encoder makes bytes of which the same frame comes, or says why it cannot.
--   - The bytes as a payload: what is encoded is decoded to the same frame and nothing else.
--   - A framing that resynchronizes gives the second of two frames behind the bytes, after silence at the latest; but
--     where nothing but a mark tells a frame, marks in the bytes and in the payload may tell others.

local MARKED <const> = { length = true, ftcd = true }
local SILENCE <const>, ENCODE <const> = 0x40, 0x80 -- bits of the second byte, so that not all is done each time
local MOST <const> = 4096 -- answers to an input: more would be a loop

local function pieces(bytes, seed)
  local list, at = {}, 1
  local most = 1 + seed % 16
  while at <= #bytes do
    seed = (seed * 48271 + 11) % 0x7fffffff
    local size = 1 + seed % most
    list[#list + 1] = bytes:sub(at, at + size - 1)
    if size == most then list[#list + 1] = "" end
    at = at + size
  end
  return list
end

-- Adds an answer to what came: frames, each with the bad bytes before it. Whether there may be more.
local function add(came, frame, answer, skipped, why)
  came.answers = came.answers + 1
  assert(came.answers < MOST, "it answers without end")
  if frame then
    assert(type(frame.payload) == "string", "a frame without payload")
    came[#came + 1] = { frame = frame, bad = came.bad }
    came.bad = 0
    return true
  end
  if answer == "more" then return false end
  assert(answer == "bad", "neither frame, more nor bad")
  assert(math.type(skipped) == "integer" and skipped > 0, "bad without a number of bytes")
  assert(type(why) == "string" and why ~= "" and #why < 200, "bad without a reason")
  came.bad, came.all = came.bad + skipped, came.all + skipped
  return true
end

local function feed(decoder, bytes, came)
  local more = add(came, decoder:feed(bytes))
  while more do more = add(came, decoder:feed("")) end
end

local function silence(decoder, came)
  add(came, decoder:idle())
  feed(decoder, "", came)
end

local function nothing()
  return { bad = 0, all = 0, answers = 0 }
end

local function receive(stop, list)
  local decoder, came = stop.decoder(), nothing()
  for _, piece in ipairs(list) do feed(decoder, piece, came) end
  return came, decoder
end

local function same_frame(a, b, but)
  for key, value in pairs(a) do
    if key ~= but and b[key] ~= value then return false end
  end
  for key in pairs(b) do
    if key ~= but and a[key] == nil then return false end
  end
  return true
end

local function same(one, other)
  assert(#one == #other, "another number of frames when it is cut otherwise")
  for i, came in ipairs(one) do
    assert(same_frame(came.frame, other[i].frame), "another frame when it is cut otherwise")
    assert(came.bad == other[i].bad, "another number of bad bytes when it is cut otherwise")
  end
  assert(one.bad == other.bad, "another number of bad bytes at the end when it is cut otherwise")
end

-- However it is cut.
local function decode(stop, bytes, seed)
  local whole, first = receive(stop, { bytes })
  local cut, second = receive(stop, pieces(bytes, seed))
  same(whole, cut)
  local rest, text = first:rest()
  local other, other_text = second:rest()
  assert(rest == other and text == other_text, "something else is left when it is cut otherwise")
  assert(math.type(text) == "integer" and text >= 0 and text <= #rest, "more text is left than bytes")
  assert(whole.all + #rest - text <= #bytes, "bytes were counted twice")
  local again, empty = first:rest()
  assert(again == "" and empty == 0, "rest() leaves something")
  return whole
end

-- With silence behind each piece: other frames may come.
local function decode_with_silence(stop, bytes, seed)
  local decoder, came = stop.decoder(), nothing()
  for _, piece in ipairs(pieces(bytes, seed + 3)) do
    feed(decoder, piece, came)
    silence(decoder, came)
  end
  local rest, text = decoder:rest()
  assert(came.all + #rest - text <= #bytes, "bytes were counted twice")
end

-- Frames to encode are made by the encoder's end; nil when it refuses, as it may by its own words alone.
local function encode(name, from, frame)
  local ok, bytes = pcall(from.encode, frame)
  if ok then return bytes end
  assert(tostring(bytes):find(name .. ": ", 1, true), bytes)
end

-- What is encoded comes back, and nothing else.
local function expect(framing, from, to, frame)
  local bytes = encode(framing.name, from, frame)
  if not bytes then return nil end
  local came, decoder = receive(to, { bytes })
  if framing.traits.silence then silence(decoder, came) end
  assert(came.all == 0, "bad bytes in what was encoded")
  assert(#came == 1, "what was encoded is not one frame")
  assert(same_frame(came[1].frame, frame, "log"), "what was encoded comes back as something else")
  assert(came[1].frame.log == nil, "a log in what was encoded")
  assert(decoder:rest() == "", "something is left of what was encoded")
  return bytes
end

local function frame_of(from, payload)
  local frame = { payload = payload }
  for key, value in pairs(from.sample or {}) do frame[key] = value end
  return frame
end

-- Two frames behind anything: the second comes.
local function resync(to, junk, bytes, frame)
  local came, decoder = receive(to, { junk, bytes, bytes })
  silence(decoder, came)
  local last = came[#came]
  assert(last and same_frame(last.frame, frame, "log"), "the second of two frames behind other bytes is lost")
end

local function try(framing, from, to, bytes, seed)
  for _, came in ipairs(decode(to, bytes, seed)) do
    came.frame.log = nil
    assert(#came.frame.payload <= framing.max, "a payload over max")
    expect(framing, from, to, came.frame)
  end
  if seed & SILENCE ~= 0 then decode_with_silence(to, bytes, seed) end
  if seed & ENCODE == 0 then return end
  local frame = frame_of(from, bytes:sub(1, math.min(framing.max, framing.traits.size or #bytes)))
  local encoded = expect(framing, from, to, frame)
  local finds = framing.traits.resync and (framing.traits.check or not MARKED[framing.name])
  if encoded and finds then resync(to, bytes, encoded, frame) end
end

--- The function of a target.
---@param name string
---@param sets table[]  options
---@return fun(input: string)
return function(name, sets)
  local build, framings = require("jig.framing." .. name), {}
  for i, options in ipairs(sets) do framings[i] = build(options) end
  return function(input)
    if #input < 2 then return end
    local which, seed = input:byte(1, 2)
    local framing = framings[1 + (which >> 1) % #framings]
    local from, to = framing.device, framing.host
    if which & 1 == 1 then from, to = to, from end
    try(framing, from, to, input:sub(3), seed)
  end
end
