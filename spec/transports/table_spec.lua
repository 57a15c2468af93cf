local port = require "jig.port"

describe("transports/table", function()
  it("lists each transport once, with a line for people", function()
    local names = {}
    for i, entry in ipairs(port.schemes()) do
      names[i] = entry.scheme
      assert.matches("^%l.*%w$", entry.summary)
    end
    assert.same({ "serial", "usb", "tty", "tcp", "tls", "exec", "pair", "stage", "stdin", "fault" }, names)
  end)

  it("has no transport for other schemes", function()
    local p, message, code = port.open("carrier-pigeon:home")
    assert.same({ nil, "invalid" }, { p, code })
    assert.matches("carrier-pigeon", message, 1, true)
  end)
end)
