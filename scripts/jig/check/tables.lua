--- Keys and values of the recipe's table that are not as they have to be.

local nearest = require "jig.check.nearest"
local recipe = require "jig.recipe"

local function last_key(path)
  return path:match("([^%.%[%]]+)%]?$") or path
end

local function owner_of(path)
  local owner = path:match("^(.*)%.[^%.]+$")
  return owner or "the recipe"
end

--- Reports each.
---@param fields any  what jig.recipe was given
---@param report fun(path: string, what: string, instead: string)
return function(fields, report)
  for _, mistake in ipairs(recipe.mistakes(fields)) do
    local path = mistake.path
    if mistake.keys then
      local key = last_key(path)
      report(path, ("%s has no key '%s'"):format(owner_of(path), key), nearest.advice(key, mistake.keys))
    elseif mistake.got == "nothing" then
      report(path, ("%s is missing"):format(path), "expected " .. mistake.expected)
    else
      report(path, ("%s is %s"):format(path == "" and "the recipe" or path, mistake.got:gsub("^number ", "")),
        "expected " .. mistake.expected)
    end
  end
end
