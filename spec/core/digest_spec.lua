local core = require "spec.core"
local digest = require "jig.digest"
local hex = require "jig.hex"
local proc = require "jig.proc"
local scratch = require "spec.support.scratch"
local transcript = require "spec.support.transcript"

-- FIPS 180-4 example messages and their published digests.
local vectors = {
  {
    "",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
  },
  {
    "abc",
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    "a9993e364706816aba3e25717850c26c9cd0d89d",
  },
  {
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
  },
  {
    ("a"):rep(1000000),
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    "34aa973cd4c4daa4f61eeb2bdbad27316534016f",
  },
}

describe("jig.digest", function()
  it("makes the published digests", function()
    for _, vector in ipairs(vectors) do
      assert.equal(vector[2], hex.encode(digest.sha256(vector[1])))
      assert.equal(vector[3], hex.encode(digest.sha1(vector[1])))
    end
  end)

  it("makes the same digest in pieces, split anywhere", function()
    local text = vectors[3][1]
    for _, kind in ipairs { "sha256", "sha1" } do
      local whole = digest[kind](text)
      for at = 0, #text do
        assert.equal(whole, core.digest(kind, text:sub(1, at), "", text:sub(at + 1)))
      end
      assert.equal(digest[kind](""), core.digest(kind))
    end
  end)

  it("gives raw bytes", function()
    assert.equal(32, #digest.sha256("\0\xFF"))
    assert.equal(20, #digest.sha1("\0\xFF"))
  end)

  it("says of bytes only how many they are and how their digest begins", function()
    local payload = hex.decode(transcript.provisioning_payload)
    assert.equal("1984 bytes sha256:12fad966", digest.brief(payload))
    assert.equal("90 bytes sha256:282ba562", digest.brief(hex.decode(transcript.init_response)))
    assert.equal("1 byte sha256:6e340b9c", digest.brief("\0"))
    assert.equal("0 bytes sha256:e3b0c442", digest.brief(""))
  end)

  it("raises on anything but a string", function()
    for _, call in pairs(digest) do
      assert.has_error(function() call(10) end)
      assert.has_error(function() call() end)
    end
  end)

  describe("of a file", function()
    it("is that of its bytes, wherever they are split", function()
      local folder <close> = scratch.folder()
      for _, vector in ipairs(vectors) do
        local path = folder:write("file", vector[1])
        assert.equal(vector[2], hex.encode(core.digest_file("sha256", path)))
        assert.equal(vector[3], hex.encode(core.digest_file("sha1", path)))
      end
      for _, n in ipairs { 65535, 65536, 65537, 131072 } do
        local text = ("\0\n\xFF"):rep(n // 3) .. ("x"):rep(n % 3)
        assert.equal(digest.sha256(text), core.digest_file("sha256", folder:write("file", text)))
      end
    end)

    it("comes in pieces from what gives it in pieces", function()
      local folder <close> = scratch.folder()
      scratch.run { "mkfifo", folder.path .. "/pipe" }
      local writer <close> = assert(proc.start { "sh", "-c",
        ("for i in 1 2 3; do printf abc; sleep 0.01; done >%s/pipe"):format(folder.path) })
      assert.equal(digest.sha256 "abcabcabc", core.digest_file("sha256", folder.path .. "/pipe"))
      assert.equal(0, writer:wait(60).exit)
    end)

    it("fails for what cannot be opened or read, by its path", function()
      local folder <close> = scratch.folder()
      local cases = {
        { folder.path .. "/none", "not_found", "/none: No such file or directory" },
        { folder.path .. "/none/file", "not_found", "/none/file: No such file or directory" },
        { folder.path, "system", folder.path .. ": Is a directory" },
        { "", "not_found", ": No such file or directory" },
      }
      for _, kind in ipairs { "sha256", "sha1" } do
        for _, case in ipairs(cases) do
          local sum, message, code = core.digest_file(kind, case[1])
          assert.same({ nil, case[2] }, { sum, code })
          assert.matches(case[3], message, 1, true)
        end
      end
    end)
  end)
end)
