--- What may be typed at the shell's prompt: the environment of a recipe, and names of the shell's own. What is
-- assigned without `local` stays until the shell ends.

local hexdump = require "jig.shell.hexdump"
local sandbox = require "jig.sandbox"
local task = require "jig.task"
local units = require "jig.unit"
local values = require "jig.shell.values"

local environment = {}

environment.HELP = [[
Any Lua of a recipe may be typed; an expression prints its value.
  port:write("AT\r\n")  port:expect("OK")  port:read(4)      the wire, with the recipe's limits
  unit:exchange{scp=256, payload=hex.decode"00ff"}           a message and its answer over the framing
  send{scp=256, payload="…"}  receive()  frame{…}            one half of it; the bytes of a frame
  open() open("tty:/dev/ttyUSB1") close()                    the port again, or another one
  unit again() unit:new_device()                             the unit; a new one; the CLI, with --cli alone
  recipe.prepare(unit)  recipe.limits.read = 20              the recipe: its hooks, its settings
  framing jig hex crc digest require "jig.framing.slip"      what a recipe may use
  print(…)  dump(bytes)  sleep(seconds)  help  quit
Tab completes, Up goes back, Ctrl-C stops what waits, Ctrl-D leaves.]]

-- The verbs that call the CLI.
local SERVICE <const> = { "new_device", "get_device_configuration", "handle_device_response" }

--- Takes the verb from a unit that waits for its device: in a shell the port looks for it.
---@param unit jig.Unit
function environment.without_reopen(unit)
  function unit.reopen()
    error("unit:reopen: in a shell a port that is lost is opened again by itself, and another one by open(ADDRESS)", 0)
  end
end

--- Takes the verbs that call the CLI from a unit: for a shell without --cli.
---@param unit jig.Unit
function environment.without_service(unit)
  for _, name in ipairs(SERVICE) do
    unit[name] = function()
      error(("unit:%s calls the Secure Factory CLI: start the shell with --cli PATH for that"):format(name), 0)
    end
  end
end

-- What goes over the wire by the recipe's framing.
local function framed(shell)
  local host = shell.recipe.framing.host
  local made = {}

  function made.frame(fields) return host.encode(fields) end

  function made.send(fields) shell.env.port:write(host.encode(fields)) end

  function made.receive(seconds)
    local decoder = host.decoder()
    local limit <close> = task.limit("exchange", seconds or shell.recipe.limits.exchange)
    local frame = units.read_frame(shell.unit, decoder)
    shell.env.port:unread((decoder:rest()))
    return frame
  end

  return made
end

-- What `port` is before there is one.
local function no_port()
  return setmetatable({}, {
    __index = function() error("the port is not open: open() opens it, open(ADDRESS) another one", 0) end,
  })
end

-- What is the shell's own.
local function own(shell)
  local made = framed(shell)

  function made.print(...)
    for i = 1, select("#", ...) do
      for _, line in ipairs(values.lines((select(i, ...)))) do shell.say(line) end
    end
  end

  function made.dump(bytes)
    if type(bytes) ~= "string" then error("dump: expected a string, got " .. type(bytes), 0) end
    for _, line in ipairs(hexdump(bytes)) do shell.say(line) end
  end

  function made.open(address) shell:open(address) end

  function made.close() shell:close() end

  function made.again() shell:again() end

  return made
end

--- Makes the environment. `shell` has recipe, unit, say(line), and the methods open(address?), close(), again(); it
-- gets `env`, in which it sets `unit` and `port` anew when there are others.
---@param shell table
---@param folder string  of the recipe
---@param api table      what require "jig" gives
---@param files table    sandbox.files()
---@return table env
function environment.new(shell, folder, api, files)
  local below = sandbox.environment(folder, api, files)
  local env = setmetatable(own(shell), { __index = below })
  shell.env = env
  env._G = env
  env.unit, env.recipe, env.framing, env.jig = shell.unit, shell.recipe, shell.recipe.framing, api
  env.sleep, env.port = api.sleep, no_port()
  env.hex, env.crc, env.digest = below.require "jig.hex", below.require "jig.crc", below.require "jig.digest"
  return env
end

return environment
