local loop = require "spec.loop"

local words = {
  [0] = "ok",
  [-1] = "again",
  [-2] = "misuse",
  [-3] = "invalid",
  [-4] = "system",
  [-5] = "memory",
  [-6] = "unsupported",
  [-7] = "timeout",
  [-8] = "closed",
  [-9] = "interrupted",
  [-10] = "lost",
  [-11] = "not_found",
  [-12] = "busy",
  [-13] = "denied",
  [-14] = "limit",
  [-15] = "refused",
  [-16] = "killed",
  [-17] = "duplicate",
  [-18] = "record",
  [-19] = "token",
  [-20] = "token_missing",
  [-21] = "token_busy",
  [-22] = "pin",
}

describe("core/error", function()
  it("has a word of its own for every code", function()
    local seen = {}
    for code, word in pairs(words) do
      assert.equal(word, loop.error_name(code))
      assert.is_nil(seen[word])
      seen[word] = true
    end
  end)

  it("says unknown of what is no code", function()
    for _, code in ipairs { -23, 1, 1000, -1000 } do
      assert.equal("unknown", loop.error_name(code))
    end
  end)

  it("fills in code and text and returns the code", function()
    for code in pairs(words) do
      assert.same({ code, "a %s b", code, 0 }, { loop.error(code, "a %s b") })
    end
  end)

  it("cuts a text that is too long", function()
    local longest = ("x"):rep(255)
    for _, n in ipairs { 255, 256, 1000 } do
      assert.same({ -3, longest, -3, 0 }, { loop.error(-3, ("x"):rep(n)) })
    end
    assert.equal(("x"):rep(254), select(2, loop.error(-3, ("x"):rep(254))))
  end)

  it("chooses the code from the system's error, and appends its text", function()
    -- The numbers are Linux's (asm-generic/errno-base.h and errno.h).
    local cases = {
      { 11, "again", "Resource temporarily unavailable" },
      { 12, "memory", "Cannot allocate memory" },
      { 2, "not_found", "No such file or directory" },
      { 19, "not_found", "No such device" },
      { 6, "not_found", "No such device or address" },
      { 20, "not_found", "Not a directory" },
      { 13, "denied", "Permission denied" },
      { 1, "denied", "Operation not permitted" },
      { 8, "denied", "Exec format error" },
      { 16, "busy", "Device or resource busy" },
      { 32, "lost", "Broken pipe" },
      { 5, "lost", "Input/output error" },
      { 104, "lost", "Connection reset by peer" },
      { 107, "lost", "Transport endpoint is not connected" },
      { 111, "refused", "Connection refused" },
      { 110, "timeout", "Connection timed out" },
      { 7, "limit", "Argument list too long" },
      { 22, "system", "Invalid argument" },
    }
    for _, case in ipairs(cases) do
      local returned, text, code, sys = loop.error_sys(case[1], "cannot 100%")
      assert.equal(case[2], loop.error_name(returned), case[3])
      assert.equal("cannot 100%: " .. case[3], text)
      assert.same({ returned, case[1] }, { code, sys })
    end
  end)

  it("keeps the system's text however long the first part is", function()
    local _, text = loop.error_sys(2, ("x"):rep(1000))
    assert.matches("^x+: No such file or directory$", text)
    assert.is_true(#text < 256)
  end)
end)
