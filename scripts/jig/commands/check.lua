--- jig check: says what is wrong with recipes, and what to write instead. Exit 0, 1 when anything was found, 2.

local check = require "jig.check"
local json = require "jig.output.json"
local options = require "jig.commands.options"

local function parser()
  local p = options.parser("check", "Look for mistakes in recipes.")
  p:argument("recipe", "Recipes: files, or folders with recipe.lua."):args("+")
  p:flag("--no-run", "Leave out the run with device.lua, which is code outside of the sandbox.")
  p:flag("--json", "One JSON object for each finding, and nothing else.")
  return p
end

local function print_text(result)
  for _, finding in ipairs(result.findings) do print(check.text(finding)) end
  if #result.findings == 0 then
    print(("%s: %s %s: no mistakes found"):format(result.file, result.recipe.name, result.recipe.version))
  end
end

return function(words)
  local o, status = options.parse(parser(), words)
  if not o then return status end
  local exit = 0
  for _, path in ipairs(o.recipe) do
    local result = check.recipe(path, { run = not o.no_run })
    if #result.findings > 0 then exit = 1 end
    for _, note in ipairs(result.notes) do io.stderr:write("jig check: ", note, "\n") end
    if o.json then
      for _, finding in ipairs(result.findings) do print(json.line(finding)) end
    else
      print_text(result)
    end
  end
  return exit
end
