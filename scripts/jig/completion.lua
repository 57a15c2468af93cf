--- Completions for shells, made by argparse from what the verbs say of their options.

local options = require "jig.commands.options"

local completion = {}

local MAKERS <const> = { bash = "get_bash_complete", zsh = "get_zsh_complete", fish = "get_fish_complete" }

-- A command under `parser` for each verb of a list; those of a verb's own below it.
local function add_verbs(parser, verbs, modules)
  for _, verb in ipairs(verbs) do
    local module = modules .. verb[1]
    local command = parser:command(verb[1], verb[2])
    local description, own = options.of(require(module))
    if description then
      command:add_help(false)
      options.fill(command, description)
    elseif own then
      add_verbs(command, own, module .. ".")
    end
  end
end

--- The text that a shell reads; nil for a shell that is not known. Does not yield.
---@param shell string      bash, zsh or fish
---@param verbs string[][]  of jig: name, what it does
---@return string?
function completion.text(shell, verbs)
  local maker = MAKERS[shell]
  if not maker then return nil end
  local parser = require "argparse"("jig", "Provision devices on a factory line."):add_help(false)
  add_verbs(parser, verbs, "jig.commands.")
  return parser[maker](parser)
end

return completion
