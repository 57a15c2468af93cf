--- Runs what may not be trusted to end in a slot's state of a world of its own, with a slot's budget, memory and
--- bounded libraries, before the tool's own state runs it, which has none of these.
--
--     local message = trial.refusal(file, folder)
--
-- A file can find out where it runs, and behave in one state and not in the other. So in both SIGINT and SIGTERM end
-- the process while it runs: `trial.interruptible`.

local system = require "jig.system"
local world = require "jig.world"

local trial = {}

-- Seconds of the world's own time: what sleeps is given up then.
local MOST <const> = 3600

-- Messages of one run.
local MESSAGES <const> = 10000

--- SIGINT and SIGTERM end the process until the value that this gives is closed. Does not yield.
---@return any  to be closed
function trial.interruptible()
  return system.release_signals()
end

local function collector()
  local list = {}
  return list, function(message)
    if #list >= MESSAGES then error(("it told more than %d times of itself"):format(MESSAGES), 0) end
    list[#list + 1] = message
  end
end

-- What a run of which nobody heard the end is said to have done.
local ENDLESS <const> = { stuck = "it waits for ever", limit = "it does not end", busy = "it spins" }

--- Runs a module's function as a slot's worker does. Does not yield.
---@param module string
---@param config table   plain
---@return table[] messages  what it emitted
---@return string? trouble   why it came to no end
function trial.run(module, config)
  local released <close> = trial.interruptible()
  local messages, keep = collector()
  local made <close> = assert(world.new({ event = keep }))
  local slot = made:slot()
  slot:start(module, config)
  local outcome = made:run(MOST)
  local trouble = ENDLESS[outcome]
  local message = slot:next()
  while message do
    trouble = trouble or message.event == "crashed" and message.message or nil
    message = slot:next()
  end
  return messages, trouble
end

--- Loads a recipe and gives what it calls itself. Does not yield.
---@param config { file: string, folder: string, sealed?: jig.Sealed }
---@return { name: string, version: string }|nil loaded, string? message
function trial.load(config)
  local messages, trouble = trial.run("jig.trial_load", config)
  local first = messages[1]
  if first and first.event == "loaded" and not trouble then return first end
  return nil, first and first.message or ("%s: %s"):format(config.file, trouble or "it tells nothing")
end

--- Loads a recipe, or the station file in `config.station`, and says why that is refused; nil when it is not. Does not
-- yield.
---@param config { file?: string, folder?: string, station?: string }
---@return string?
function trial.refusal(config)
  local messages, trouble = trial.run("jig.trial_load", config)
  return messages[1] and messages[1].message or trouble and ("%s: %s"):format(config.station or config.file, trouble)
end

return trial
