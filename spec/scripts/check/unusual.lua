--- A recipe in which nothing is wrong, though much is unusual: `jig check` must find nothing in it.

return {
  ["recipe.lua"] = [==[
local jig = require "jig"
local blocks = require "blocks"
local fault = require "jig.fault"
local hex, digest = require "jig.hex", require "jig.digest"

local function send(port, text, ...)
  port:write(text)
  return port:read_until("\n", 1, ...)
end

local function block(unit, request)
  for try = 1, 3 do
    local ok, thrown = pcall(send, unit.port, request.payload .. "\n")
    if ok then return thrown:sub(1, -2) end
    if not fault.is(thrown) or thrown.name ~= "connectivity.timeout" then error(thrown, 0) end
    unit:log(("try %d: %s"):format(try, digest.brief(request.payload)))
  end
  unit:fail("connectivity.timeout", { reason = "three times silent" })
end

return jig.recipe {
  name = "own",
  port = "tcp:localhost:7000",
  framing = blocks.make(),
  link = "arq",
  success = 7,
  limits = { first = 2, exchange = 20 },
  status = { [1] = { "firmware.cannot_parse" }, [2] = { "own.odd", code = 700 + 1, reason = "odd" } },
  exchange = function(unit, request)
    return { payload = block(unit, request), status = 7 }
  end,
  prepare = function(u)
    local port = u.port
    local received, sent = port:counts()
    u.data.count = received + sent
    local text <const> = port:discard()
    port:unread(text)
    port:set("baud", 9600)
    u.serial = hex.encode(text):upper()
    local t = setmetatable({}, { __index = function(_, k) return k end })
    for i, v in ipairs { t.a, select("#", t) } do u.data[i] = v end
    local co = coroutine.wrap(function() coroutine.yield(1) end)
    co()
    if os.time() < 0 then error(jig.fault("own.clock", { code = 702, reason = "clock", limit = "x" })) end
    goto done
    ::done::
  end,
}
]==],
  ["blocks.lua"] = [==[
-- A framing of the recipe's own.
local common = require "jig.framing.common"
local crc = require "jig.crc"

local sum = crc.new { width = 16, poly = 0x1021 }

local Decoder = {}
Decoder.__index = Decoder

function Decoder:feed(bytes)
  self.data = self.data .. bytes
  local line, rest = self.data:match("^(.-)\n(.*)$")
  if not line then return nil, "more" end
  self.data = rest
  return { payload = line, status = 0 }
end
function Decoder:idle() return nil, "more" end
function Decoder:rest() local rest = self.data self.data = "" return rest, 0 end

local function make()
  local one = {
    encode = function(frame) return frame.payload .. "\n" end,
    decoder = function() return setmetatable({ data = "" }, Decoder) end,
    sample = { status = 0 },
  }
  return { host = one, device = one, max = 100, name = "blocks",
    traits = { resync = true, check = false, empty = false } }
end

return { make = make, sum = function(x) return sum(x) + sum:width() end, max = common.MAX }
]==],
}
