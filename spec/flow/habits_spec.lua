-- Habits of recipes and devices: those that are sound must be proven without a violation, and those that are not
-- must be found, under their law. One fault at a time.

local explorer = require "jig.prove.explorer"
local faults = require "jig.prove.faults"
local proofs = require "spec.support.proofs"
local report = require "jig.prove.report"

-- A lamp whose recipe and device are what is said; the framing has a status and a check.
local function lamp(fields, framing)
  return ([[
local jig = require "jig"
return jig.recipe {
  name = "lamp", port = "pair:nowhere", limits = { exchange = 2, ready = 1, unit = 60 },
  framing = require "jig.framing.%s" { %s },
  %s
}
]]):format(framing and framing[1] or "length",
    framing and framing[2] or 'header = ">I2 length", reply = ">I2 length B status", crc = "CRC-16/IBM-3740"', fields)
end

local ANSWER <const> = 'device:send { payload = "the lamp\'s answer to " .. request.payload:byte() }'

local function answering(settings)
  return ("return { %s firmware = function(device) while true do local request = device:receive() %s end end }")
    :format(settings or "", ANSWER)
end

-- An exchange in blocks of 16 bytes, each sent again until it is acknowledged. A block is its number and the bytes.
local ARQ <const> = [[
  link = "arq",
  exchange = function(unit, request)
    local decoder = unit.data.framing.host.decoder()
    local function answer_to(frame)
      for _ = 1, 3 do
        unit.port:write(unit.data.framing.host.encode(frame))
        local ok, got = pcall(unit.read_frame, unit, decoder)
        if ok and got.status == 0 then return got end
        decoder:rest()
      end
      unit:fail("connectivity.timeout")
    end
    for at = 1, #request.payload, 16 do answer_to { payload = request.payload:sub(at, at + 15) } end
    return answer_to { payload = "\0" }
  end,
  prepare = function(unit)
    unit.data.framing = require "jig.framing.length" {
      header = ">I2 length", reply = ">I2 length B status", crc = "CRC-16/IBM-3740" }
  end,
]]

local SOUND <const> = {
  ["a device that is polled for its answer"] = {
    text = lamp [[
  status = { [7] = { "lamp.busy", code = 7, reason = "busy" } },
  exchange = function(unit, request)
    local host = require "jig.framing.length" {
      header = ">I2 length", reply = ">I2 length B status", crc = "CRC-16/IBM-3740" }.host
    unit.port:write(host.encode(request))
    local decoder = host.decoder()
    local first = unit:read_frame(decoder)
    if first.status ~= 0 then return first end
    unit.port:write(host.encode { payload = "?" })
    return unit:read_frame(decoder)
  end,
]], device = [[
return function(device)
  while true do
    local request = device:receive()
    device:send { payload = "wait" }
    device:receive()
    device:send { payload = "the lamp's answer to " .. request.payload:byte() }
  end
end
]] },
  ["a device that writes its frames byte by byte"] = {
    text = lamp "", device = [[
local f = require "jig.framing.length" { header = ">I2 length", reply = ">I2 length B status", crc = "CRC-16/IBM-3740" }
return function(device)
  while true do
    local request = device:receive()
    device:write(f.device.encode { status = 0, payload = "the lamp's answer to " .. request.payload:byte() })
  end
end
]] },
  ["an exchange in blocks that are sent again"] = {
    text = lamp(ARQ), device = [[
return function(device)
  local whole, latest = "", nil
  while true do
    local request = device:receive()
    if request.payload == "\0" then
      device:send { payload = "the lamp's answer to " .. #whole }
    else
      if request.payload ~= latest then whole = whole .. request.payload end
      latest = request.payload
      device:send { payload = "ok" }
    end
  end
end
]] },
  ["a banner that is waited for again and again"] = {
    text = lamp [[
  prepare = function(unit)
    for _ = 1, 3 do
      if pcall(unit.port.expect, unit.port, "ready\r\n") then return end
      unit.port:discard()
    end
    unit:fail("lamp.nobanner", { code = 77, reason = "the lamp does not start" })
  end,
]], device = answering [[banner = "ready\r\n",]] },
  ["a greeting exchange that may fail"] = {
    text = lamp [[
  status = { [7] = { "lamp.busy", code = 7, reason = "busy", retry = true } },
  prepare = function(unit)
    for _ = 1, 2 do
      local ok, thrown = pcall(unit.exchange, unit, { payload = "hello" })
      if ok then return end
      if thrown.name == "firmware.unknown_status" then error(thrown, 0) end
    end
    unit:fail("lamp.deaf", { code = 78, reason = "the lamp does not answer" })
  end,
]], device = answering() },
  ["payloads of one small size, and an scp of one byte"] = {
    text = lamp("", { "raw", "length = 24" }), device = [[
return {
  cli = { new_device = { scp = 1, payload = ("a\255"):rep(12) },
          get_device_configuration = { scp = 2, payload = ("b\254"):rep(12) } },
  firmware = { { payload = ("first"):rep(5):sub(1, 24) }, { payload = ("other"):rep(5):sub(1, 24) } },
}
]] },
  ["a recipe that waits by the clock of os"] = {
    text = lamp [[
  prepare = function()
    local till = os.time() + 5
    while os.time() < till do jig.sleep(0.5) end
  end,
]], device = answering() },
}

SOUND["a boot that takes its time, a serial number in a frame, and words after an answer"] = {
  text = lamp [[
  reset = function(unit)
    jig.sleep(2)
    unit.port:discard()
  end,
  prepare = function(unit)
    local ok, answer
    for _ = 1, 2 do
      ok, answer = pcall(unit.exchange, unit, { payload = "serial" })
      if ok then break end
      if answer.name == "firmware.unknown_status" then error(answer, 0) end
    end
    if not ok then unit:fail("lamp.mute", { code = 70, reason = "the lamp does not say its number" }) end
    unit.serial = answer.payload
  end,
  run = function(unit)
    jig.sleep(40) -- longer than prepare may take
    local key = unit:exchange(unit:new_device())
    unit.port:expect("written\r\n", 20) -- longer than an exchange may take
    unit:handle_device_response(unit:exchange(unit:get_device_configuration(key)))
  end,
  status = { [7] = { "lamp.busy", code = 7, reason = "busy" } },
]], device = [[
return function(device)
  while true do
    local request = device:receive()
    if request.payload == "serial" then
      device:send { payload = "LAMP0042" }
    else
      device:send { payload = "the lamp's answer to " .. request.payload:byte() }
      device:sleep(10)
      device:write("written\r\n")
    end
  end
end
]] }
SOUND["an answer in two frames, of which each begins with its number"] = {
  text = lamp [[
  exchange = function(unit, request)
    local host = require "jig.framing.length" {
      header = ">I2 length", reply = ">I2 length B status", crc = "CRC-16/IBM-3740" }.host
    local decoder = host.decoder()
    unit.port:write(host.encode(request))
    local parts = {}
    for i = 1, 2 do
      local frame = unit:read_frame(decoder)
      if frame.status ~= 0 then return frame end
      if frame.payload:byte() ~= i then unit:fail("connectivity.corrupt") end
      parts[i] = frame.payload:sub(2)
    end
    return { status = 0, payload = table.concat(parts) }
  end,
]], device = [[
return function(device)
  while true do
    local request = device:receive()
    device:send { payload = "\1first half of " .. request.payload:byte() }
    device:send { payload = "\2second half of " .. request.payload:byte() }
  end
end
]] }
SOUND["a fault that is swallowed in a session"] = {
  text = lamp [[
  run = function(unit)
    local init = unit:new_device()
    local ok, key = pcall(unit.exchange, unit, init)
    pcall(jig.sleep, 1)
    local more = unit:get_device_configuration(ok and key or "made up")
    local _, last = pcall(unit.exchange, unit, more)
    unit:handle_device_response(type(last) == "table" and last.payload or "made up, too")
  end,
]], device = answering() }

local UNSOUND <const> = {
  ["a part of a message in the log"] = {
    law = "7 opaque and unseen", text = lamp [[
  run = function(unit)
    local init = unit:new_device()
    unit:log("sent " .. require("jig.hex").encode(init.payload):sub(20, 60))
    local key = unit:exchange(init)
    unit:handle_device_response(unit:exchange(unit:get_device_configuration(key)))
  end,
]], device = answering() },
  ["a message in the log, in base64"] = {
    law = "7 opaque and unseen", text = lamp [[
  run = function(unit)
    local init = unit:new_device()
    local digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    local text = init.payload:gsub("...", function(three)
      local number, out = string.unpack(">I3", three), ""
      for shift = 18, 0, -6 do
        local at = (number >> shift & 63) + 1
        out = out .. digits:sub(at, at)
      end
      return out
    end)
    unit:log(text)
    local key = unit:exchange(init)
    unit:handle_device_response(unit:exchange(unit:get_device_configuration(key)))
  end,
]], device = answering() },
  ["a status that is taken for an answer by an exchange of its own"] = {
    law = "the fault has a mapped code", text = lamp [[
  status = { [7] = { "lamp.busy", code = 7, reason = "busy" } },
  exchange = function(unit, request)
    local host = require "jig.framing.length" {
      header = ">I2 length", reply = ">I2 length B status", crc = "CRC-16/IBM-3740" }.host
    unit.port:write(host.encode(request))
    return unit:read_frame(host.decoder()).payload
  end,
]], device = answering "statuses = { 7 }," },
  ["a second answer that is handed on instead of the first"] = {
    law = "2 order", text = lamp [[
  run = function(unit)
    local key = unit:exchange(unit:new_device())
    local more = unit:get_device_configuration(key)
    unit:exchange(more)
    unit:handle_device_response(key)
  end,
]], device = answering() },
  ["a device whose code fails on one path"] = {
    law = "the device plays on", text = lamp [[
  status = { [7] = { "lamp.busy", code = 7, reason = "busy", retry = true } },
]], device = [[
return { statuses = { 7 }, firmware = function(device)
  if device.boots > 1 then error "this lamp starts once" end
  while true do
    local request = device:receive()
    device:send { payload = "the lamp's answer to " .. request.payload:byte() }
  end
end }
]] },
  ["a device that never stops writing"] = {
    law = "the device plays on", text = lamp "", device = [[
return function(device)
  while true do device:write(("x"):rep(1000)) end
end
]] },
}

-- The others are the engine's own, whatever a recipe's habits.
local OF_THE_WIRE <const> = { write = true, set = true, read = true, wait = true, hook = true }

local function laws_of(proof)
  local found = {}
  for _, list in ipairs { { proof.clean }, proof.singles } do
    for _, path in ipairs(list) do
      for _, violation in ipairs(path.violations) do found[violation.law] = true end
    end
  end
  return found
end

describe("a proof", function()
  for habit, product in pairs(SOUND) do
    it("blames nobody for " .. habit, function()
      local subject <close> = proofs.subject(product)
      local clean, history = explorer.go(subject, {})
      assert.equal("", proofs.laws(clean))
      for number, effect in ipairs(history.trail) do
        for _, fault in ipairs(OF_THE_WIRE[effect.kind] and faults.of(effect, subject) or {}) do
          local path = explorer.go(subject, { { at = number, name = fault.name } })
          assert.equal(path.id .. ": ", path.id .. ": " .. proofs.laws(path))
        end
      end
    end)
  end

  for habit, product in pairs(UNSOUND) do
    it("finds " .. habit, function()
      local subject <close> = proofs.subject(product)
      local proof = explorer.prove(subject, { singles = true, stop = 1 })
      assert.is_true(proof.violations > 0)
      assert.is_true(laws_of(proof)[product.law], report.text(proof, true))
    end)
  end
end)
