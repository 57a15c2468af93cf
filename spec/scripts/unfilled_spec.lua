local length = require "jig.framing.length"
local unfilled = require "jig.unfilled"

describe("jig.unfilled", function()
  it("names the field that a message lacks", function()
    local host = length { header = ">I2 scp B kind B command I2 length" }.host
    assert.equal("command", unfilled(host, { scp = 1, payload = "" }))
    assert.equal("kind", unfilled(host, { scp = 1, command = 2, payload = "" }))
    assert.is_nil(unfilled(host, { scp = 1, command = 2, kind = 3, payload = "" }))
    assert.is_nil(unfilled({ encode = tostring }, { payload = "" })) -- a framing that says nothing of its fields
  end)
end)
