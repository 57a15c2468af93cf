--- jig check: says what is wrong with recipes and station files, and what to write instead. Exit 0; 1 when
--- anything was found; 2.

local check = require "jig.check"
local json = require "jig.output.json"
local options = require "jig.commands.options"
local system = require "jig.system"

local function parser()
  local p = options.parser("check", "Look for mistakes in recipes and station files.")
  p:argument("recipe", "Files, or folders with recipe.lua or station.lua. Default: this one."):args("+"):recipe()
  p:flag("--no-run", "Leave out the run with device.lua, which is code outside of the sandbox.")
  p:flag("--json", "One JSON object for each finding, and nothing else.")
  return p
end

local function title(result)
  if result.station then return result.station.name or "station" end
  return ("%s %s"):format(result.recipe.name, result.recipe.version)
end

local function print_text(result)
  for _, finding in ipairs(result.findings) do print(check.text(finding)) end
  if #result.findings == 0 then print(("%s: %s: no mistakes found"):format(result.file, title(result))) end
end

-- What is no path at all is no finding either.
local function missing(paths)
  for _, path in ipairs(paths) do
    local there, message = system.realpath(path)
    if not there then return message end
  end
end

-- Whether nothing was found.
local function show(result, as_json)
  for _, note in ipairs(result.notes) do io.stderr:write("jig check: ", note, "\n") end
  if not as_json then print_text(result) end
  for _, finding in ipairs(as_json and result.findings or {}) do print(json.line(finding)) end
  return #result.findings == 0
end

return function(words)
  local o, status = options.parse(parser(), words)
  if not o then return status end
  local message = missing(o.recipe)
  if message then
    io.stderr:write("jig check: ", message, "\n")
    return 2
  end
  local clean = true
  for _, path in ipairs(o.recipe) do
    for _, result in ipairs(check.all(path, { run = not o.no_run })) do
      clean = show(result, o.json) and clean
    end
  end
  return clean and 0 or 1
end
