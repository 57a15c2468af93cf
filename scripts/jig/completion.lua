--- Completions for shells, made by argparse from what the verbs say of their options.

local options = require "jig.commands.options"

local completion = {}

local MAKERS <const> = { bash = "get_bash_complete", zsh = "get_zsh_complete", fish = "get_fish_complete" }

-- A command under `parser` for each verb of a list; those of a verb's own below it. Calls each(verb, description).
local function add_verbs(parser, verbs, modules, each)
  for _, verb in ipairs(verbs) do
    local module = modules .. verb[1]
    local command = parser:command(verb[1], verb[2])
    local description, own = options.of(require(module), verbs)
    if description then
      command:add_help(false)
      options.fill(command, description, true)
      each(verb[1], description)
    elseif own then
      add_verbs(command, own, module .. ".", each)
    end
  end
end

-- Of the words of arguments argparse tells zsh alone. These put those of a verb's argument into a text for another.
local PUT <const> = {}

function PUT.fish(text, verb, words)
  return ("%scomplete -c jig -n '__fish_jig_seen_command %s' -xa '%s'\n"):format(text, verb, words)
end

-- Behind what the verb's options take, before all options are offered for a dash.
function PUT.bash(text, verb, words)
  local _, open = text:find(("\n        '%s')\n"):format(verb), 1, true)
  local close = text:find("\n            ;;\n", open, true)
  local line = ('            COMPREPLY=($(compgen -W "%s" -- "$cur"))'):format(words)
  return text:sub(1, close) .. line .. text:sub(close)
end

--- The text that a shell reads; nil for a shell that is not known. Does not yield.
---@param shell string      bash, zsh or fish
---@param verbs string[][]  of jig: name, what it does
---@return string?
function completion.text(shell, verbs)
  local maker = MAKERS[shell]
  if not maker then return nil end
  local parser, arguments = require "argparse"("jig", "Provision devices on a factory line."):add_help(false), {}
  add_verbs(parser, verbs, "jig.commands.", function(verb, description)
    for _, element in ipairs(description) do
      local words = element.kind == "argument" and (element.words or element.suggested)
      if words then arguments[#arguments + 1] = { verb, table.concat(words, " ") } end
    end
  end)
  local text = parser[maker](parser)
  for _, argument in ipairs(PUT[shell] and arguments or {}) do
    text = PUT[shell](text, argument[1], argument[2])
  end
  return text
end

return completion
