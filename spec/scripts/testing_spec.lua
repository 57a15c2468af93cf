local length = require "jig.framing.length"
local slip = require "jig.framing.slip"
local testing = require "jig.testing"

-- Defines the checks of `f` for a stand-in of busted. Gives the titles of the checks that fail.
local function failures(f, options)
  local failed, titles = {}, {}
  local busted = package.loaded.busted
  package.loaded.busted = {
    describe = function(_, body) body() end,
    it = function(title, body)
      titles[#titles + 1] = title
      if not pcall(body) then failed[#failed + 1] = title end
    end,
  }
  local ok, message = pcall(testing.framing, f, options)
  package.loaded.busted = busted
  if not ok then error(message, 0) end
  return failed, titles
end

-- A framing like `good` but for the ends, whose parts `change` may replace.
local function broken(good, change)
  local function wrap(from)
    local made = { encode = from.encode, decoder = from.decoder, sample = from.sample }
    change(made)
    return made
  end
  local copy = {}
  for key, value in pairs(good) do copy[key] = value end
  copy.host = wrap(good.host)
  copy.device = copy.host
  return copy
end

-- Makes an end's decoders answer feed through `through(frame, answer, skipped, why)`.
local function refeed(made, through)
  local decoder = made.decoder
  made.decoder = function()
    local inner = decoder()
    return {
      feed = function(_, bytes) return through(inner:feed(bytes)) end,
      idle = function() return inner:idle() end,
      rest = function() return inner:rest() end,
    }
  end
end

describe("jig.testing", function()
  describe("framing", function()
    local good = length {
      header = ">I2 length", start = "\x7e", crc = "CRC-16/IBM-3740", max = 1000,
    }
    local announced = { oversize = { host = "\x7e\xff\xff" } }

    it("finds no fault with a good framing", function()
      local failed, titles = failures(good, announced)
      assert.same({}, failed)
      assert.equal(12, #titles)
    end)

    local function has(list, title)
      for _, entry in ipairs(list) do
        if entry == title then return true end
      end
      return false
    end

    local mistakes = {
      { "gives back every payload", function(made)
        refeed(made, function(frame, ...)
          if frame then frame.payload = frame.payload:gsub("\0", "") end
          return frame, ...
        end)
      end },
      { "takes max bytes and refuses one more", function(made)
        local encode = made.encode
        made.encode = function(frame)
          if #frame.payload > 1000 then frame = { payload = "" } end
          return encode(frame)
        end
      end },
      { "refuses a frame without payload", function(made)
        local encode = made.encode
        made.encode = function(frame) return encode { payload = frame.payload or "" } end
      end },
      { "does not care where its input is split", function(made)
        local decoder = made.decoder
        made.decoder = function()
          local inner = decoder()
          return {
            feed = function(_, bytes)
              local frame, answer, skipped, why = inner:feed(bytes)
              if not frame and bytes ~= "" then inner:rest() end
              return frame, answer, skipped, why
            end,
            idle = function() return inner:idle() end,
            rest = function() return inner:rest() end,
          }
        end
      end },
      { "gives one frame a call and keeps the rest", function(made)
        local decoder = made.decoder
        made.decoder = function()
          local inner = decoder()
          return {
            feed = function(_, bytes)
              local frame, answer, skipped, why = inner:feed(bytes)
              if frame then inner:rest() end
              return frame, answer, skipped, why
            end,
            idle = function() return inner:idle() end,
            rest = function() return inner:rest() end,
          }
        end
      end },
      { "gives no frame that is cut short, and silence ends it", function(made)
        local decoder = made.decoder
        made.decoder = function()
          local inner = decoder()
          return {
            feed = function(_, bytes) return inner:feed(bytes) end,
            idle = function() return nil, "more" end,
            rest = function() return inner:rest() end,
          }
        end
      end },
      { "starts afresh after rest()", function(made)
        local decoder = made.decoder
        made.decoder = function()
          local inner = decoder()
          return {
            feed = function(_, bytes) return inner:feed(bytes) end,
            idle = function() return inner:idle() end,
            rest = function() return "", 0 end,
          }
        end
      end },
      { "finds the frame behind junk", function(made)
        made.decoder = length {
          header = ">I2 length", start = "", crc = "CRC-16/IBM-3740", max = 1000,
        }.host.decoder
        local encode = made.encode
        made.encode = function(frame) return encode(frame):sub(2) end
      end },
      { "never takes a damaged frame for another", function(made)
        local unchecked = length { header = ">I2 length", start = "\x7e", max = 1000 }
        made.encode, made.decoder = unchecked.host.encode, unchecked.host.decoder
      end },
      { "keeps a bounded number of bytes", function(made)
        local decoder = made.decoder
        made.decoder = function()
          local inner, all = decoder(), {}
          return {
            feed = function(_, bytes)
              all[#all + 1] = bytes
              return inner:feed(bytes)
            end,
            idle = function() return inner:idle() end,
            rest = function() return inner:rest() end,
          }
        end
      end },
      { "refuses at once what announces more than max", function(made)
        made.decoder = length {
          header = ">I2 length", start = "\x7e", crc = "CRC-16/IBM-3740",
        }.host.decoder
      end },
    }
    for _, row in ipairs(mistakes) do
      it("sees when a framing breaks: " .. row[1], function()
        local failed = failures(broken(good, row[2]), announced)
        assert.is_true(has(failed, row[1]), table.concat(failed, "; "))
      end)
    end

    it("sees when \"bad\" comes without a number", function()
      local failed = failures(broken(good, function(made)
        refeed(made, function(frame, answer) return frame, answer end)
      end))
      assert.is_true(has(failed, "finds the frame behind junk"))
    end)

    it("checks a framing without traits as its options say", function()
      local bare = broken(slip { max = 500 }, function() end)
      bare.traits, bare.max = nil, nil
      local failed, titles = failures(bare, { junk = true, max = 500 })
      assert.same({}, failed)
      assert.is_true(has(titles, "finds the frame behind junk"))
      assert.is_false(has(titles, "never takes a damaged frame for another"))
      failed = failures(bare, { check = true, max = 500 })
      assert.same({ "never takes a damaged frame for another" }, failed)
    end)

    it("checks both directions when they differ", function()
      local _, titles = failures(slip { header = "", reply = "B status", max = 500 })
      assert.equal(20, #titles)
    end)

    it("refuses what it does not know", function()
      local function call(f, options)
        local ok, message = pcall(function()
          testing.framing(f, options)
        end)
        assert.is_false(ok)
        return message
      end
      assert.truthy(call(good, { jnuk = true })
        :find('testing_spec.lua:%d+: testing.framing: unknown option "jnuk"$'))
      assert.truthy(call({ host = {}, device = {} })
        :find("testing_spec.lua:%d+: testing.framing: max: expected integer$"))
    end)
  end)
end)
