local clock = require "jig.clock"
local native = require "jig.coroutine"

-- Lua's own, which busted's runner may have replaced by jig's: what they gave by hand.
local create, yield, status = coroutine.create, coroutine.yield, coroutine.status

describe("jig.coroutine", function()
  it("resumes as Lua does", function()
    local co = create(function(a, b)
      assert.same({ a + b, nil }, { (yield(a, nil, b)) })
      return "end", nil
    end)
    assert.same(table.pack(true, 1, nil, 2), table.pack(native.resume(co, 1, 2)))
    assert.same(table.pack(true, "end", nil), table.pack(native.resume(co, 3)))
    assert.same({ false, "cannot resume dead coroutine" }, { native.resume(co) })
    assert.same({ false, "cannot resume non-suspended coroutine" }, { native.resume((coroutine.running())) })
    local ok, message = native.resume(create(function() error { 5 } end))
    assert.same({ false, { 5 } }, { ok, message })
    assert.has_error(function() native.resume(5) end)
    assert.has_error(function() native.resume() end)
  end)

  it("takes and gives many values", function()
    local many = table.pack(native.resume(create(function(...) return ... end), table.unpack({}, 1, 10000)))
    assert.equal(10001, many.n)
  end)

  it("closes as Lua does", function()
    local closed = 0
    local co = create(function()
      local x <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
      yield(x)
    end)
    native.resume(co)
    assert.same({ true, 1, "dead" }, { native.close(co), closed, status(co) })
    assert.has_error(function() native.close((coroutine.running())) end)
    assert.has_error(function() native.close(5) end)
  end)

  it("lets nothing wait that coroutine.close runs: it could not come back", function()
    local ok, message
    local co = create(function()
      local x <close> = setmetatable({}, { __close = function() ok, message = pcall(clock.sleep, 0.001) end })
      yield(x)
    end)
    native.resume(co)
    assert.is_true(native.close(co))
    assert.is_false(ok)
    assert.matches("clock.sleep cannot wait here", message, 1, true)
    assert.is_true(clock.sleep(0.001))
  end)
end)
