local product = require "spec.support.product"

describe("jig.flow", function()
  it("calls the three commands in order and carries each message to the other side, byte for byte", function()
    local answers = { "key\0\xff", "done" }
    local run <close> = product.attempt {
      device = product.device(function(frame, n)
        return { scp = frame.scp, status = 0, payload = answers[n] }
      end),
    }
    assert.is_true(run.result.passed)
    assert.same({
      { "new_device", run.unit.session_id },
      { "get_device_configuration", run.unit.session_id, "6b657900ff" },
      { "handle_device_response", run.unit.session_id, "646f6e65" },
    }, run.folder:calls())
    assert.same({
      { scp = 256, payload = "\x01\x81\0\0" },
      { scp = 257, payload = "\x02\x03\x04\x05\x06\x07\x08" },
    }, run.received)
    assert.equal(product.fingerprint, run.result.fingerprint)
  end)

  it("files its exchanges under the names of the vendor's messages", function()
    local run <close> = product.attempt {}
    assert.equal("connect new_device factory_init get_device_configuration factory_provisioning "
      .. "handle_device_response", run.phases)
  end)

  it("stops at the first thing that fails", function()
    local run <close> = product.attempt {
      device = product.device(function(frame) return { scp = frame.scp, status = 7, payload = "" } end),
    }
    assert.equal("new_device report_error", run.folder:commands())
    assert.equal(1, #run.received)
  end)
end)
