--- The files of a new product's folder, in the order in which they are to be read.

local device = require "jig.init.device"
local editor = require "jig.init.editor"
local readme = require "jig.init.readme"
local recipe = require "jig.init.recipe"
local spec = require "jig.init.spec"

---@param made jig.init.Plan
---@param meta? string  the folder of jig's definition files
---@return { name: string, text: string }[]
return function(made, meta)
  local list = {}
  local function add(name, text)
    if text then list[#list + 1] = { name = name, text = text } end
  end
  add("README.md", readme.text(made))
  add("recipe.lua", recipe.recipe(made))
  add("status.lua", recipe.status(made))
  add("device.lua", device.text(made))
  add("recipe_spec.lua", spec.text(made))
  add(".luarc.json", editor.luarc(made, meta))
  add(".luacheckrc", editor.luacheckrc(made))
  add(".gitignore", editor.gitignore())
  return list
end
