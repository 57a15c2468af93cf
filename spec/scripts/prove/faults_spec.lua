local explorer = require "jig.prove.explorer"
local faults = require "jig.prove.faults"
local proofs = require "spec.support.proofs"

-- The table: every kind of effect, and every fault that fits it. What belongs to one product is in angle brackets.
local TABLE <const> = {
  open = "not_found refused never interrupt killed",
  set = "unsupported lost interrupt killed",
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
  write = { what = "bytes", size = 4 },
  read = { what = "frame", bytes = "12345678", frame = { scp = 1, payload = "3456", status = 0 } },
  wait = { what = "port:read", limit = "exchange", seconds = 2 },
  hook = { what = "reset" },
  call = { what = "new_device" },
  record = { what = "opening" },
  close = { what = "port" },
}

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
    }
    cases[3][1].frame = nil
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

  -- Each fault of the table, at the first effect of its kind that it fits: it happened, and no law was broken.
  it("happens, each at an effect that it fits", function()
    local clean = select(2, explorer.go(subject, {}))
    local seen = {}
    for number, effect in ipairs(clean.trail) do
      for _, fault in ipairs(faults.of(effect, subject)) do
        local key = effect.kind .. " " .. fault.name
        if not seen[key] then
          local path, history = explorer.go(subject, { { at = number, name = fault.name } })
          seen[key] = true
          assert.equal(fault.name, history.trail[number].injected, path.id)
          assert.equal("", proofs.laws(path), path.id)
        end
      end
    end
    for kind, row in pairs(TABLE) do
      for name in row:gsub("<statuses>", "status_0x11"):gmatch("%S+") do assert.is_true(seen[kind .. " " .. name]) end
    end
  end)
end)
