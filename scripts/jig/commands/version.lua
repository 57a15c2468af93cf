--- jig version: jig's version, then every library's.

return function()
  for _, entry in ipairs(require "jig.version") do
    print(("%-14s %s"):format(entry.name, entry.version))
  end
  return 0
end
