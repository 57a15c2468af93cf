local digest = require "jig.digest"
local hex = require "jig.hex"
local histories = require "spec.support.histories"
local scratch = require "spec.support.scratch"
local unseen = require "jig.prove.laws.unseen"

describe("jig.prove.laws.unseen", function()
  for name, check in histories.each {
    { "clean", "7 opaque and unseen", "stands in what was said", function(history)
      history.secrets["\1secret bytes\255"] = true
      table.insert(history.facts, "01736563726574206279746573ff")
    end },
    { "clean", "7 opaque and unseen", "stands in what was said", function(history)
      history.secrets["readable secret"] = true
      table.insert(history.said, "it said: readable secret.")
    end },
  } do
    it(name, check)
  end

  local MESSAGE <const> = digest.sha256("one") .. digest.sha256("two") .. "\""

  local function is_seen(text, secret)
    local seen = false
    unseen({ said = { "said", text }, said_lines = {}, facts = { "{}" }, secrets = { [secret or MESSAGE] = true } },
      function() seen = true end)
    return seen
  end

  local function base64(bytes)
    local folder <close> = scratch.folder { message = bytes }
    local result = scratch.run { "base64", "-w0", folder.path .. "/message" }
    assert.equal(0, result.exit)
    return result.stdout
  end

  for name, form in pairs {
    ["bytes"] = function(bytes) return bytes end,
    ["hex"] = hex.encode,
    ["upper-case hex"] = function(bytes) return hex.encode(bytes):upper() end,
    ["JSON"] = function(bytes) return (require "cjson.safe".encode(bytes)) end,
    ["base64"] = base64,
  } do
    it("finds a message as " .. name, function()
      assert.is_true(is_seen("<" .. form(MESSAGE) .. ">"))
      assert.is_false(is_seen("<" .. form(digest.sha256 "other" .. digest.sha256 "another") .. ">"))
    end)
  end

  for name, form in pairs {
    ["spaces"] = "%02x ", ["colons"] = "%02X:", ["0x"] = "0x%02x, ", ["escapes"] = "\\x%02x",
  } do
    it("finds a dump with " .. name, function()
      assert.is_true(is_seen("key " .. MESSAGE:gsub(".", function(c) return form:format(c:byte()) end)))
    end)
  end

  it("finds any part of fifteen bytes, and of readable text any of thirty-one", function()
    for at = 1, #MESSAGE - 15 do
      assert.is_true(is_seen("x" .. hex.encode(MESSAGE:sub(at, at + 14)) .. "x"), at)
    end
    local text = "the quick brown fox jumps over the lazy dog and away"
    for at = 1, #text - 31 do assert.is_true(is_seen(text:sub(at, at + 30), text), at) end
    assert.is_false(is_seen("a fox jumps over a fence", text))
    assert.is_false(is_seen(hex.encode(MESSAGE:sub(1, 7))))
  end)

  it("takes no digest, path or session id for a message", function()
    assert.is_false(is_seen("sha256 " .. hex.encode(digest.sha256(MESSAGE)) .. " of /a/path/that/is/rather/long"))
  end)
end)
