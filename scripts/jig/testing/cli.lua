--- Plays the vendor's Secure Factory CLI: records each call and answers as told.
--
-- What it is told is one table, by command; what it is not told it does as the real one would:
--
--     cli = {
--       new_device = { scp = 256, payload = "\1\x81\0\0" },         -- prints these
--       get_device_configuration = { exit = 3, err = "no such device" },
--       handle_device_response = { fingerprint = "e603eb9d", after = 2 },   -- after 2 s
--       report_error = function(call) return { exit = call.number == 1 and 1 or 0 } end,
--     }
--
-- An answer is { scp =, payload =, fingerprint = } (printed as the CLI does), or what the program does:
-- { out = bytes, err = bytes, exit = n | signal = n, after = seconds (math.huge: it hangs), deaf = true (TERM does
-- not end it), missing = true (it cannot be started) }; or a function that takes the call and gives one.
--
-- What the real one would answer is of no use to every product: a framing may carry payloads of one size only. So a
-- device may say what the service answers to it (`cli` in jig.testing.device), which is then the usual.

local digest = require "jig.digest"
local hex = require "jig.hex"

local cli = {}

---@class jig.testing.Call
---@field command "new_device"|"get_device_configuration"|"handle_device_response"|"report_error"
---@field session string
---@field response? string  bytes
---@field code? integer     of report_error
---@field reason? string
---@field number integer    which call of this command it is, from 1
---@field argv string[]
---@field at number         seconds since the run began
---@field limit number      seconds that it was given
---@field played? table     what the program did; nil when it was never heard
---@field payload? string   bytes that it gave

local COMMANDS <const> = {
  new_device = true, get_device_configuration = true, handle_device_response = true, report_error = true,
}

-- What an answer may say, and the type of it.
local KEYS <const> = {
  scp = "number", payload = "string", fingerprint = "string", out = "string", err = "string", exit = "number",
  signal = "number", after = "number", deaf = "boolean", missing = "boolean", error = "string", message = "string",
}

--- Seconds that a call takes where nothing else is said.
cli.LATENCY = 0.01

-- Bytes that stand for a message: never the same for two commands, and long enough to be found where they do
-- not belong.
local function message(label)
  return digest.sha256("jig.testing " .. label) .. digest.sha256("and " .. label):sub(1, 16)
end

--- What the CLI answers where it is told nothing.
cli.usual = {
  new_device = { scp = 256, payload = message "new_device" },
  get_device_configuration = { scp = 257, payload = message "get_device_configuration" },
  handle_device_response = { fingerprint = hex.encode(digest.sha256("fingerprint"):sub(1, 20)) },
  report_error = {},
}

-- The usual answers of a service that gives a product these.
local function usual_with(given)
  local made = {}
  for command, answer in pairs(cli.usual) do
    made[command] = {}
    for key, value in pairs(answer) do made[command][key] = (given[command] or {})[key] or value end
  end
  return made
end

local function printed(answer)
  local lines = {}
  if answer.scp then lines[#lines + 1] = ("SCP %d\n"):format(answer.scp) end
  if answer.payload then lines[#lines + 1] = ("PAYLOAD %s\n"):format(hex.encode(answer.payload)) end
  if answer.fingerprint then lines[#lines + 1] = ("FINGERPRINT %s\n"):format(answer.fingerprint) end
  return table.concat(lines)
end

local function parse(argv)
  local call = { argv = argv }
  local at = 1
  while argv[at] and not COMMANDS[argv[at]] do at = at + 1 end
  call.command, call.session = argv[at], argv[at + 1]
  if call.command == "report_error" then
    call.code, call.reason = math.tointeger(tonumber(argv[at + 2])), argv[at + 3]
  elseif call.command ~= "new_device" then
    call.response = argv[at + 2] and hex.decode(argv[at + 2])
  end
  return call
end

local function check_answer(command, answer)
  if type(answer) ~= "table" then
    error(("cli.%s: expected a table or a function that gives one, got %s"):format(command, type(answer)), 0)
  end
  for key, value in pairs(answer) do
    local known = KEYS[key]
    if not known then error(("cli.%s: there is no '%s'"):format(command, tostring(key)), 0) end
    if type(value) ~= known then
      error(("cli.%s: %s: expected a %s, got a %s"):format(command, key, known, type(value)), 0)
    end
  end
end

-- The answer as what the program does.
local function as_play(answer)
  local play = {}
  for key, value in pairs(answer) do play[key] = value end
  play.after = play.after or cli.LATENCY
  play.out = play.out or printed(answer)
  play.scp, play.payload, play.fingerprint = nil, nil, nil
  return play
end

---@class jig.testing.Cli
---@field calls jig.testing.Call[]
---@field usual table<string, table>  what it answers where it is told nothing
local methods = {}
local meta = { __index = methods, __name = "jig.testing.cli" }

--- What is wrong with the usual answers of a product; nil when nothing is.
---@param given any  { new_device = { scp =, payload = }, … }
---@return string?
function cli.mistake(given)
  if type(given) ~= "table" then return "cli: expected a table, got a " .. type(given) end
  for command, answer in pairs(given) do
    local usual = cli.usual[command]
    if not usual then return ("cli: there is no command '%s'"):format(tostring(command)) end
    if type(answer) ~= "table" then return ("cli.%s: expected a table, got a %s"):format(command, type(answer)) end
    for key, value in pairs(answer) do
      if not usual[key] then return ("cli.%s: it gives no '%s'"):format(command, tostring(key)) end
      if type(value) ~= KEYS[key] then
        return ("cli.%s.%s: expected a %s, got a %s"):format(command, key, KEYS[key], type(value))
      end
    end
  end
end

--- Makes one that was not called yet.
---@param told? table   see above
---@param given? table  its usual answers, where they are not those of any product
---@return jig.testing.Cli
function cli.new(told, given)
  for command in pairs(told or {}) do
    if not COMMANDS[command] then error(("cli: there is no command '%s'"):format(tostring(command)), 0) end
  end
  local usual = given and usual_with(given) or cli.usual
  return setmetatable({ told = told or {}, usual = usual, calls = {}, counts = {} }, meta)
end

--- A call that jig is about to make.
---@param argv string[]
---@param limit number
---@param at number
---@return jig.testing.Call
function methods:call(argv, limit, at)
  local call = parse(argv)
  if not call.command then error("not a call of the CLI: " .. table.concat(argv, " "), 0) end
  self.counts[call.command] = (self.counts[call.command] or 0) + 1
  call.number, call.at, call.limit = self.counts[call.command], at, limit
  self.calls[#self.calls + 1] = call
  return call
end

--- What the program does then.
---@param call jig.testing.Call
---@return table play  as jig.world's start hook gives it
function methods:answer(call)
  local told = self.told[call.command]
  if type(told) == "function" then told = told(call) end
  local answer = told or self.usual[call.command]
  check_answer(call.command, answer)
  call.payload = answer.payload
  call.played = as_play(answer)
  return call.played
end

return cli
