--- jig check: loads a recipe as `run` would and says what is wrong with it. Exit 0, 1 for a mistake, 2.

local loader = require "jig.loader"
local options = require "jig.commands.options"
local sandbox = require "jig.sandbox"

return function(words)
  local p = options.parser("check", "Look for mistakes in recipes.")
  p:argument("recipe", "Recipes: files, or folders with recipe.lua."):args("+")
  local o, status = options.parse(p, words)
  if not o then return status end
  local exit = 0
  for _, path in ipairs(o.recipe) do
    local file, folder = loader.locate(path)
    local made, message = loader.load(file, folder, sandbox.files())
    if made then
      print(("%s: %s %s: no mistakes found"):format(file, made.name, made.version))
    else
      print(message)
      exit = 1
    end
  end
  return exit
end
