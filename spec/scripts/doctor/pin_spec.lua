local machine = require "spec.support.machine"

local function said(pin, change)
  local host = machine.new {}
  host.getenv = function() end
  if change then change(host) end
  return machine.check("pin", host, { cli = { token = pin and { name = "default", pin = pin } } })
end

describe("jig doctor: pin", function()
  it("has nothing to say where jig gives none", function()
    assert.same({}, said(false))
    assert.same({}, said { patterns = { "wrong" } })
  end)

  it("reads it, as the station would, and tells nothing of it", function()
    local asked
    local list = said({ from = "file:/etc/jig/pin", by = "descriptor" }, function(host)
      host.pin = function(...) asked = { ... } return true end
    end)
    machine.says(list, "ok", "the PIN is in /etc/jig/pin, and nobody else may read it")
    assert.same({ "/etc/jig/pin", false }, asked)
  end)

  it("fails when it is not to be had", function()
    machine.says(said({ from = "file:/etc/jig/pin", by = "descriptor" }, function(host)
      host.pin = function() return nil, "/etc/jig/pin may be read by others than its owner: chmod 0600" end
    end), "fail", "the PIN is not to be had: /etc/jig/pin may be read by others than its owner: chmod 0600; "
      .. "token.pin.from")
  end)

  it("finds a credential where systemd puts it, and says so where it has not", function()
    local asked
    machine.says(said({ from = "credential:pin", by = "descriptor" }, function(host)
      host.getenv = function(name) return name == "CREDENTIALS_DIRECTORY" and "/run/credentials/jig" or nil end
      host.pin = function(...) asked = { ... } return true end
    end), "ok", "the PIN is in /run/credentials/jig/pin")
    assert.same({ "/run/credentials/jig/pin", true }, asked)
    machine.says(said { from = "credential:pin", by = "descriptor" }, "warn", "the unit needs LoadCredential=pin:/PATH")
  end)

  it("says what a prompt means", function()
    machine.says(said { from = "prompt", by = "descriptor" }, "ok", "asked for at the terminal")
  end)

  it("warns of the environment, which others can read", function()
    local list = said({ from = "file:/etc/jig/pin", by = "environment", variable = "TOKEN_PIN" }, function(host)
      host.pin = function() return true end
    end)
    assert.equal(2, #list)
    assert.matches("^warn the CLI gets the PIN by the variable TOKEN_PIN", list[2])
  end)
end)
