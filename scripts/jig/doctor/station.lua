--- The station file and the recipes: may others change what this station runs?

local owners = require "jig.doctor.owners"

-- Files of a recipe's folder that are looked at.
local MOST <const> = 1000

-- The files of a station: its own, the recipes, and what these may require, which stands beside them.
local function files(host, about)
  local list = { about.file }
  for _, one in ipairs(about.recipes) do
    list[#list + 1] = one.file
    local names = host.list(one.folder) or {}
    table.sort(names)
    for i = 1, math.min(#names, MOST) do
      if names[i]:find("%.lua$") then list[#list + 1] = one.folder .. names[i] end
    end
  end
  return list
end

return function(host, about, say)
  local list = files(host, about)
  if #list == 0 then return end
  for _, path in ipairs(list) do
    local why = owners.trouble(host, path)
    if why then
      return say(about.station.trust and "fail" or "warn", ("%s, and so what this station runs: chown root, "
        .. "chmod go-w"):format(why))
    end
  end
  say("ok", ("nobody else may change %s"):format(about.file or "the recipes"))
end
