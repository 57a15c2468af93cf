local explorer = require "jig.prove.explorer"
local faults = require "jig.prove.faults"
local proofs = require "spec.support.proofs"

-- The table: every kind of effect, and every fault that fits it. What belongs to one product is in angle brackets.
local TABLE <const> = {
  open = "not_found refused never interrupt killed",
  set = "unsupported lost interrupt killed",
  control = "refused hang lost interrupt killed",
  leave = "never_back another_back interrupt killed",
  write = "lost blocked interrupt killed killed_after",
  read = "lost silence late in_pieces short drip corrupt junk duplicate cut <statuses> interrupt killed",
  wait = "limit interrupt killed",
  hook = "interrupt killed",
  call = "missing exit signal hang deaf late empty odd_hex wrong_key extra_lines over_cap token_missing token_busy "
    .. "token_pin interrupt killed killed_after",
  record = "refused killed_after interrupt killed",
  close = "interrupt killed",
}

-- An effect of each kind, as a run has it.
local EFFECTS <const> = {
  open = { what = "port" },
  set = { what = "dtr", value = 1 },
  control = { what = "c0/01", size = 4 },
  leave = { what = "device", serial = "S1" },
  write = { what = "bytes", size = 4 },
  read = { what = "frame", bytes = "12345678", frame = { scp = 1, payload = "3456", status = 0 } },
  wait = { what = "port:read", limit = "exchange", seconds = 2 },
  hook = { what = "reset" },
  call = { what = "new_device" },
  record = { what = "opening" },
  close = { what = "port" },
}

-- What a device on USB has more.
local COMES_BACK <const> = [[
  prepare = function(unit)
    unit.port:control { request_type = 0x40, request = 1 }
    unit:reopen { pid = 2 }
  end,
  ]]
local LEAVES <const> = [[
return {
  usb = { pid = 1, serial = "S1" },
  control = function(device) return device:leave { pid = 2 } or true end,
  firmware = { { payload = "one answer" }, { payload = "another answer" } },
}
]]

local function names(effect, subject)
  local list = {}
  for i, fault in ipairs(faults.of(effect, subject)) do list[i] = fault.name end
  return list
end

local function effect_of(kind, change)
  local effect = { kind = kind, life = 1 }
  for key, value in pairs(EFFECTS[kind]) do effect[key] = value end
  for key, value in pairs(change or {}) do effect[key] = value end
  return effect
end

describe("jig.prove.faults", function()
  local subject

  setup(function() subject = proofs.subject() end)
  teardown(function() getmetatable(subject).__close(subject) end)

  it("has a row for each kind of effect", function()
    local kinds = {}
    for kind in pairs(TABLE) do kinds[#kinds + 1] = kind end
    local known = table.move(faults.KINDS, 1, #faults.KINDS, 1, {})
    table.sort(kinds)
    table.sort(known)
    assert.same(kinds, known)
  end)

  for kind, row in pairs(TABLE) do
    it("has these faults for " .. kind, function()
      local expected = {}
      for name in row:gsub("<statuses>", "status_0x11 status_0xff_unmapped"):gmatch("%S+") do
        expected[#expected + 1] = name
      end
      local found = names(effect_of(kind), subject)
      table.sort(expected)
      table.sort(found)
      assert.same(expected, found)
    end)
  end

  it("says why one does not fit", function()
    local cases = {
      { effect_of("call", { what = "report_error" }), "empty", "what report_error prints is not read" },
      { effect_of("wait", { what = "clock.sleep", limit = "" }), "limit", "a sleep that ends before any limit" },
      { effect_of("read", { what = "text" }), "status", "it is no frame" },
      { effect_of("leave"), "another_back", "the device has no serial number that its wire knows" },
    }
    cases[3][1].frame, cases[4][1].serial = nil, nil
    for _, case in ipairs(cases) do
      local effect, name, why = table.unpack(case)
      local _, gaps = faults.of(effect, subject)
      local found
      for _, gap in ipairs(gaps) do found = found or (gap[1] == name and gap[2]) end
      assert.equal(why, found)
      for _, fitting in ipairs(names(effect, subject)) do assert.not_equal(name, fitting) end
    end
  end)

  it("does not interrupt a start that recovers", function()
    for _, name in ipairs(names(effect_of("record", { life = 2 }), subject)) do assert.not_equal("interrupt", name) end
  end)

  it("knows statuses of the map, of the device, and one of neither", function()
    local other <close> = proofs.subject { device = "return { statuses = { 0x11, 0x12, 0xff, 0 }, firmware = {} }" }
    local found = {}
    for _, name in ipairs(names(effect_of "read", other)) do
      if name:find "^status" then found[#found + 1] = name end
    end
    assert.same({ "status_0x11", "status_0x12", "status_0xff", "status_0xfe_unmapped" }, found)
  end)

  it("has statuses of a further wire made by that wire's framing", function()
    local made = {}
    local effect = effect_of("read", {
      wire = 1, frame = { number = 7, status = 0 },
      encode = function(frame)
        made[#made + 1] = ("%d %d"):format(frame.number, frame.status)
        return "status"
      end,
    })
    local fault = faults.named(effect, subject, "status_0x11")
    assert.same({ pieces = { { 0, "status" } } }, fault.act(effect, {}, subject))
    assert.equal("7 17", made[#made])
    -- Nothing tells whether it is damaged.
    assert.same({ "own", "passed", "firmware.unknown_status" },
      { table.unpack(faults.allowed(faults.named(effect, subject, "corrupt"), effect, subject), 1, 3) })
  end)

  it("lets a device that is waited for be looked for again, but not the first time", function()
    for phase, expected in pairs { connect = "connectivity.open", prepare = "connectivity.open own passed" } do
      local effect = effect_of("open", { phase = phase })
      local allowed = faults.allowed(faults.named(effect, subject, "refused"), effect, subject)
      assert.equal(expected, table.concat(allowed, " ", 1, math.min(3, #allowed)))
    end
  end)

  -- Each fault of the table, at the first effect of its kind that it fits: it happened, and no law was broken.
  it("happens, each at an effect that it fits", function()
    local usb <close> = proofs.subject { recipe = { ["reset ="] = COMES_BACK .. "reset =" }, device = LEAVES }
    local seen = {}
    local function try(product)
      local clean = select(2, explorer.go(product, {}))
      for number, effect in ipairs(clean.trail) do
        for _, fault in ipairs(faults.of(effect, product)) do
          local key = effect.kind .. " " .. fault.name
          if not seen[key] then
            local path, history = explorer.go(product, { { at = number, name = fault.name } })
            seen[key] = true
            assert.equal(fault.name, history.trail[number].injected, path.id)
            assert.equal("", proofs.laws(path), path.id)
          end
        end
      end
    end
    try(subject)
    try(usb)
    for kind, row in pairs(TABLE) do
      for name in row:gsub("<statuses>", "status_0x11"):gmatch("%S+") do assert.is_true(seen[kind .. " " .. name]) end
    end
  end)
end)
