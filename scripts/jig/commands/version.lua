--- jig version: jig's version, then every library's.

return function(words)
  if words[1] then
    local options = require "jig.commands.options"
    local o, status = options.parse(options.parser("version", "Show the versions of jig and its libraries."), words)
    if not o then return status end
  end
  for _, entry in ipairs(require "jig.version") do
    print(("%-14s %s"):format(entry.name, entry.version))
  end
  return 0
end
