-- What comes of it: spec/flow/pin_spec.lua.

local pin = require "jig.pin"
local scratch = require "spec.support.scratch"
local token_pin = require "jig.token_pin"

describe("jig.token_pin", function()
  after_each(pin.forget)

  it("knows the three places", function()
    local cases = {
      { "prompt", "prompt" }, { "file:/etc/jig/pin", "file", "/etc/jig/pin" }, { "file:/a b:c", "file", "/a b:c" },
      { "credential:pin", "credential", "pin" }, { "credential:token-pin.1_", "credential", "token-pin.1_" },
    }
    for _, case in ipairs(cases) do assert.same({ case[2], case[3] }, { token_pin.parse(case[1]) }) end
    for _, from in ipairs { "", "pin", "prompt:", "file:", "file:pin", "FILE:/pin", "credential:", "credential:../pin",
      "credential:.pin", "credential:a/b", "credential:" .. ("x"):rep(256), "0451", 1, true, {} } do
      assert.is_nil((token_pin.parse(from)))
    end
  end)

  it("finds its file", function()
    local function environment(value) return function() return value end end
    assert.equal("/etc/jig/pin", token_pin.path("file:/etc/jig/pin", environment "/x"))
    assert.equal("/run/c/pin", token_pin.path("credential:pin", environment "/run/c"))
    for _, value in ipairs { false, "", "run/c" } do
      local path, message = token_pin.path("credential:pin", environment(value or nil))
      assert.same({ nil, "systemd gave this process no credentials: the unit needs LoadCredential=pin:/PATH" },
        { path, message })
    end
    assert.is_nil((token_pin.path("prompt", environment "/x")))
  end)

  it("keeps it, or says why not and where that is said", function()
    local folder <close> = scratch.folder { pin = "0451" }
    scratch.run { "chmod", "0600", folder.path .. "/pin" }
    assert.is_true(token_pin.keep { name = "default", pin = { from = "file:" .. folder.path .. "/pin" } })
    local kept, message = token_pin.keep { name = "default", pin = { from = "file:" .. folder.path .. "/none" } }
    assert.is_nil(kept)
    assert.equal(("the token's PIN is not to be had: %s/none: No such file or directory\n  token.pin.from in the "
      .. "station file says where it is"):format(folder.path), message)
  end)

  it("has nothing to do where jig gives none", function()
    for _, token in ipairs { false, {}, { pin = {} }, { pin = { patterns = { "wrong" } } } } do
      assert.is_true(token_pin.keep(token))
    end
  end)
end)
