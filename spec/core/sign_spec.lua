local hex = require "jig.hex"
local ledgers = require "spec.ledger"
local scratch = require "spec.support.scratch"

-- RFC 8032, section 7.1: secret key, public key, message, signature, in hex.
local vectors = {
  {
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
      .. "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
      .. "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
}

local base64_digits <const> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(bytes)
  local text = bytes:gsub("..?.?", function(part)
    local a, b, c = part:byte(1, 3)
    local number = a << 16 | (b or 0) << 8 | (c or 0)
    local digits = {}
    for i = 1, 4 do
      local at = (number >> (24 - 6 * i) & 63) + 1
      digits[i] = i <= #part + 1 and base64_digits:sub(at, at) or "="
    end
    return table.concat(digits)
  end)
  return text
end

local function pem(name, der)
  return ("-----BEGIN %s-----\n%s\n-----END %s-----\n"):format(name, base64(der), name)
end

-- RFC 8410
local function private_pem(secret)
  return pem("PRIVATE KEY", hex.decode("302e020100300506032b657004220420" .. secret))
end

local function public_pem(public) return pem("PUBLIC KEY", hex.decode("302a300506032b6570032100" .. public)) end

local folder

local function key(name, text, mode)
  local path = folder:write(name, text)
  scratch.run { "chmod", mode or "600", path }
  return path
end

describe("core/sign", function()
  setup(function() folder = scratch.folder() end)
  teardown(function() folder:__close() end)

  it("signs as RFC 8032 does", function()
    for _, vector in ipairs(vectors) do
      local secret, public, message, expected = table.unpack(vector)
      local signature, of = ledgers.sign(key("a", private_pem(secret)), hex.decode(message))
      assert.same({ expected, public }, { hex.encode(signature), hex.encode(of) })
      assert.is_true(ledgers.check(key("b", public_pem(public), "644"), hex.decode(message), signature))
      assert.is_true(ledgers.check(key("a", private_pem(secret)), hex.decode(message), signature))
      assert.is_true(ledgers.check(hex.decode(public), hex.decode(message), signature))
    end
  end)

  it("notices any byte that was changed", function()
    local path, message = key("a", private_pem(vectors[1][1])), "ab\0\xFF"
    local signature, public = ledgers.sign(path, message)
    local function changed(bytes, at)
      return bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 1) .. bytes:sub(at + 1)
    end
    for at = 1, #signature do assert.is_false(ledgers.check(public, message, changed(signature, at))) end
    for at = 1, #message do assert.is_false(ledgers.check(public, changed(message, at), signature)) end
    for at = 1, #public do assert.is_falsy(ledgers.check(changed(public, at), message, signature)) end
    assert.is_false(ledgers.check(public, message .. "\0", signature))
    assert.is_false(ledgers.check(public, message:sub(1, -2), signature))
  end)

  it("refuses a private key that others than its owner may use", function()
    for _, mode in ipairs { "640", "620", "610", "604", "602", "601", "644" } do
      local signature, message, code = ledgers.sign(key("a", private_pem(vectors[1][1]), mode), "x")
      assert.same({ nil, "denied" }, { signature, code }, mode)
      assert.matches("others may use the key .*: chmod 600 it", message)
    end
    assert(ledgers.sign(key("a", private_pem(vectors[1][1]), "400"), "x"))
  end)

  it("takes nothing else for a key", function()
    scratch.run { "openssl", "genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:x", "-out",
      folder.path .. "/locked" }
    scratch.run { "openssl", "genpkey", "-algorithm", "x25519", "-out", folder.path .. "/x25519" }
    scratch.run { "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
      folder.path .. "/p256" }
    folder:write("empty", "")
    folder:write("garbage", ("\0\xFF-----BEGIN"):rep(2000))
    folder:write("public", public_pem(vectors[1][2]))
    folder:write("cut", private_pem(vectors[1][1]):sub(1, -30))
    for _, name in ipairs { "locked", "x25519", "p256", "empty", "garbage", "public", "cut" } do
      local path = folder.path .. "/" .. name
      scratch.run { "chmod", "600", path }
      local signature, message, code = ledgers.sign(path, "x")
      local reason = name == "public" and " is a public key: name the private one of the pair"
        or " holds no Ed25519 key without a passphrase"
      assert.same({ nil, "invalid", path .. reason }, { signature, code, message })
      if name ~= "public" then assert.equal("invalid", select(3, ledgers.check(path, "x", ("x"):rep(64)))) end
    end
    assert.equal("not_found", select(3, ledgers.sign(folder.path .. "/nowhere", "x")))
    assert.equal("not_found", select(3, ledgers.check(folder.path .. "/nowhere", "x", ("x"):rep(64))))
  end)
end)
