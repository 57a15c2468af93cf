--- The recipes: can they be loaded, and are they signed, where the station says trust?

return function(host, about, say)
  local names, from = {}, about.station.trust
  for _, one in ipairs(about.recipes) do
    local refused = from and not one.trouble and select(2, host.seal(one, from))
    if one.trouble then
      say("fail", ("%s: jig check %s tells more"):format(one.trouble, one.file))
    elseif refused then
      say("fail", refused .. ": sign it anew, or find out who changed it")
    else
      names[#names + 1] = ("%s %s"):format(one.recipe.name, one.recipe.version)
    end
  end
  if #names > 0 then say("ok", ("%s can be loaded"):format(table.concat(names, ", "))) end
end
