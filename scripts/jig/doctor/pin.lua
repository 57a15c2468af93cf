--- The token's PIN: can it be had, and who could read it while the CLI gets it?

local token_pin = require "jig.token_pin"

local function check_source(host, from, say)
  local kind = token_pin.parse(from)
  if kind == "prompt" then
    return say("ok", "the PIN is asked for at the terminal: a service, which has none, is not to be run so")
  end
  local path, message = token_pin.path(from, host.getenv)
  if not path then return say("warn", message .. "; only the jig doctor that the service itself runs can see it") end
  local kept, why = host.pin(path, kind == "credential")
  if kept then return say("ok", ("the PIN is in %s, and nobody else may read it"):format(path)) end
  say("fail", ("the PIN is not to be had: %s; token.pin.from in the station file says where it is"):format(why))
end

return function(host, about, say)
  local pin = about.cli.token and about.cli.token.pin
  if not pin or not pin.from then return end
  check_source(host, pin.from, say)
  if pin.by == "environment" then
    say("warn", ("the CLI gets the PIN by the variable %s, which root and every program of this user can read while a "
      .. "call runs: by = \"descriptor\" or \"terminal\" keeps it from them, where the CLI can do that")
      :format(pin.variable))
  end
end
