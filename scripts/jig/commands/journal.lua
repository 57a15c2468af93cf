--- jig journal: picks the sub-verb, each of which is a file of jig.commands.journal.

local options = require "jig.commands.options"

local VERBS <const> = {
  { "list", "one line per unit, newest last" },
  { "show", "what happened in one session" },
  { "tail", "the newest events, as they come" },
  { "export", "one row per attempt, as CSV, JSON lines or JUnit" },
  { "stats", "yield, faults and times" },
  { "verify", "check the chain of events and its signatures" },
  { "sign", "sign the newest event" },
  { "prune", "remove old events" },
}

local USAGE <const> = 2

local function print_usage(out)
  options.usage("jig journal", VERBS, out)
end

return function(words)
  local name = words[1]
  if name == nil or name == "--help" or name == "-h" then
    print_usage(name and io.stdout or io.stderr)
    return name and 0 or USAGE
  end
  for _, verb in ipairs(VERBS) do
    if verb[1] == name then
      return require("jig.commands.journal." .. name)(table.move(words, 2, #words, 1, {}))
    end
  end
  io.stderr:write(("jig journal: '%s' is no verb of it\n"):format(name))
  print_usage(io.stderr)
  return USAGE
end
