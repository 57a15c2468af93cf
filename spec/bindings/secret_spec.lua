-- That its memory is cleared: spec/flow/pin_spec.lua, from outside.

local json = require "cjson.safe"
local scratch = require "spec.support.scratch"
local secret = require "jig.secret"
local sign = require "jig.sign"

local SHOWN <const> = "a secret is not shown: secret:expose() gives its bytes, for a frame or an exchange"

describe("jig.secret", function()
  it("keeps any bytes, up to its cap", function()
    for _, bytes in ipairs { "\0", "\xFF", "0451", ("x"):rep(4096) } do
      local made <close> = secret.new(bytes)
      assert.equal(bytes, made:expose())
    end
    for _, bytes in ipairs { "", ("x"):rep(4097) } do
      assert.error_matches(function() secret.new(bytes) end, "a secret has 1 to 4096 bytes")
    end
  end)

  it("is one of many", function()
    local many = {}
    for i = 1, 40 do many[i] = secret.new(("%04d"):format(i):rep(1024)) end
    for i = 1, 40 do
      assert.equal(("%04d"):format(i):rep(1024), many[i]:expose())
      many[i]:release()
    end
  end)

  it("leaves OpenSSL the room in which it makes private keys", function()
    local folder <close> = scratch.folder()
    local many = {}
    for i = 1, 2000 do many[i] = secret.new(("x"):rep(i < 40 and 4000 or 4)) end
    local made, message = sign.make(folder.path .. "/key", folder.path .. "/key.pub")
    local signature, why = sign.sign(folder.path .. "/key", "text")
    for _, each in ipairs(many) do each:release() end
    assert.is_true(made, message)
    assert.equal(64, #(signature or ""), why)
  end)

  it("is compared with another, and with bytes", function()
    local one, same, other, longer = secret.new "0451", secret.new "0451", secret.new "0452", secret.new "04511"
    assert.is_true(one == same)
    assert.is_false(one == other)
    assert.is_false(one == longer)
    assert.is_false(one == "0451")
    assert.is_false(one == io.stdout)
    assert.same({ true, false, false, false },
      { one:equals "0451", one:equals "0452", one:equals "045", one:equals "" })
  end)

  it("is no text", function()
    local made <close> = secret.new "0451"
    local attempts = {
      function() return tostring(made) end,
      function() return "PIN " .. made end,
      function() return made .. made end,
      function() return ("%s"):format(made) end,
      function() print(made) end,
    }
    for i, attempt in ipairs(attempts) do
      local ok, message = pcall(attempt)
      assert.is_false(ok, i)
      assert.matches(SHOWN, message, 1, true)
    end
    for i, attempt in ipairs {
      function() return #made end,
      function() return made:rep(2) end,
      function() return ("x").rep(made, 2) end, -- luacheck: ignore 143 (of strings)
      function() return table.concat { made } end,
      function() return made < made end,
      function() return made.bytes.x end,
      function() made.bytes = 1 end,
    } do
      local ok, message = pcall(attempt)
      assert.is_false(ok, i)
      assert.is_nil(tostring(message):find("0451", 1, true))
    end
    assert.is_nil((json.encode { made }))
  end)

  it("is gone once it is released", function()
    local made, other = secret.new "0451", secret.new "0451"
    made:release()
    made:release()
    for _, name in ipairs { "expose", "equals" } do
      assert.error_matches(function() made[name](made, "") end, "attempt to use a secret that was released")
    end
    assert.is_false(made == other)
  end)

  describe("for who writes down what a unit says", function()
    before_each(function() secret.forget() end)
    after_each(function() secret.forget() end)

    it("remembers what was exposed, also when it was released, until it is told to forget", function()
      local shown, hidden = secret.new "shown", secret.new "hidden"
      assert.same({}, secret.exposed())
      shown:expose()
      shown:expose()
      shown:release()
      hidden:release()
      assert.same({ "shown" }, secret.exposed())
      secret.forget()
      assert.same({}, secret.exposed())
    end)

    it("remembers the last 64", function()
      for i = 1, 70 do secret.new(("%02d"):format(i)):expose() end
      local list = secret.exposed()
      table.sort(list)
      assert.same({ 64, "07", "70" }, { #list, list[1], list[64] })
    end)

    it("remembers again what is exposed again: after it was told to forget, and after 64 others", function()
      local kept = secret.new "kept"
      kept:expose()
      secret.forget()
      assert.equal("kept", kept:expose())
      assert.same({ "kept" }, secret.exposed())
      for i = 1, 64 do secret.new(("%02d"):format(i)):expose() end
      assert.equal("kept", secret.hide "kept")
      kept:expose()
      assert.equal("****", secret.hide "kept")
    end)

    it("hides each byte of each, also where two places overlap, of one or of two", function()
      secret.new("abab"):expose()
      assert.equal("x******y **** aba ****a", secret.hide "xabababy abab aba ababa")
      secret.forget()
      secret.new("1234"):expose()
      secret.new("3456"):expose()
      assert.equal("****** ****5", secret.hide "123456 12345")
    end)

    it("hides each of many places, wherever they overlap", function()
      local function hidden(bytes, text)
        local shown = {}
        for i = 1, #text do shown[i] = text:sub(i, i) end
        for i = 1, #text do
          if text:sub(i, i + #bytes - 1) == bytes then
            for k = i, i + #bytes - 1 do shown[k] = "*" end
          end
        end
        return table.concat(shown)
      end
      for _, bytes in ipairs { "a", "aa", "aab", "aba", "abaab", "aabaa", "abababc", "bbbbbb" } do
        secret.new(bytes):expose()
        for number = 0, 2000 do
          local text = {}
          for i = 1, 20 do
            text[i] = string.char(97 + (number * i * 7919 >> 3) % 3) .. bytes:sub(-(i % 4))
          end
          text = table.concat(text)
          assert.equal(hidden(bytes, text), secret.hide(text))
        end
        secret.forget()
      end
    end)

    it("takes no longer for one that stands at each byte", function()
      local before = os.clock()
      secret.new(("x"):rep(4096)):expose()
      assert.equal(("*"):rep(1 << 20), secret.hide(("x"):rep(1 << 20)))
      assert.is_true(os.clock() - before < 1)
    end)

    it("hides them in a text", function()
      assert.equal("0451 \0", secret.hide "0451 \0")
      secret.new("0451"):expose()
      secret.new("\0\xFF"):expose()
      assert.equal("**** is **** and 045 and ** ****", secret.hide "0451 is 0451 and 045 and \0\xFF 0451")
      assert.equal("", secret.hide "")
      assert.equal("****", secret.hide("0451", "more", {}))
      secret.forget()
      assert.equal("0451", secret.hide "0451")
    end)
  end)
end)
