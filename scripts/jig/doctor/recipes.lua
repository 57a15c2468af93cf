--- The recipes: can they be loaded?

return function(_, about, say)
  local names = {}
  for _, one in ipairs(about.recipes) do
    if one.trouble then
      say("fail", ("%s: jig check %s tells more"):format(one.trouble, one.file))
    else
      names[#names + 1] = ("%s %s"):format(one.recipe.name, one.recipe.version)
    end
  end
  if #names > 0 then say("ok", ("%s can be loaded"):format(table.concat(names, ", "))) end
end
