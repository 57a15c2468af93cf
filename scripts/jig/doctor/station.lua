--- The station file, its keys and the recipes: may others change what this station runs?

local owners = require "jig.doctor.owners"

-- Files of a recipe's folder that are looked at.
local MOST <const> = 1000

-- The station file and the keys, where it says trust.
local function trusted(about)
  local list = {}
  if about.file and about.station.trust then
    list[1] = about.file
    for _, path in ipairs(about.station.trust.keys or {}) do list[#list + 1] = path end
  end
  return list
end

-- What a run refuses, since whose link it is nobody asks; nil when there is none.
local function link_trouble(host, about)
  for _, path in ipairs(trusted(about)) do
    local real = host.realpath(path)
    local whole = require("jig.trust").whole(path, host.realpath "." or "/")
    if real and real ~= whole then
      return ("%s leads over a link, and a run of a station that says trust refuses it: name %s"):format(path, real)
    end
  end
end

-- The files of a station: its own, its keys, the recipes, and what these may require, which stands beside them.
local function files(host, about)
  local list = trusted(about)
  if #list == 0 then list[1] = about.file end
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
  local link = link_trouble(host, about)
  if link then return say("fail", link) end
  for _, path in ipairs(list) do
    local why = owners.trouble(host, path)
    if why then
      return say(about.station.trust and "fail" or "warn", ("%s, and so what this station runs: chown root, "
        .. "chmod go-w"):format(why))
    end
  end
  say("ok", ("nobody else may change %s"):format(about.file or "the recipes"))
end
