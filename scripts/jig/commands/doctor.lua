--- jig doctor: looks at a station before its first unit, and at what can leak there. Changes nothing, opens no device,
--- calls no CLI. Exit 0, also with warnings; 1 when something failed; 2.

local clean = require "jig.output.clean"
local doctor = require "jig.doctor"
local journaling = require "jig.commands.journaling"
local json = require "jig.output.json"
local options = require "jig.commands.options"
local survey = require "jig.survey"

local OK <const>, FAILED <const>, USAGE <const> = 0, 1, 2

local function parser()
  local p = options.parser("doctor", "Look at a station before its first unit, and at what can leak there.")
  p:argument("recipe", "Recipes: files, or folders with recipe.lua; default: this one."):args("*"):recipe()
  p:option("--station", "Station file.")
  p:flag("--json", "One JSON object for each finding, and nothing else.")
  return p
end

local function line(finding)
  return ("%-4s  %-9s  %s"):format(finding.state, finding.check, clean(finding.text))
end

return function(words)
  local o, status = options.parse(parser(), words)
  if not o then return status end
  o.recipe = o.recipe or {}
  local about, message = survey.of(o)
  if not about then
    io.stderr:write("jig doctor: ", message, "\n")
    return USAGE
  end
  about.cli = journaling.cli(o, about.station)
  about.journal = journaling.settings(o, about.station)
  local failed = doctor.run(require "jig.doctor.host", about, function(finding)
    print(o.json and json.line(finding) or line(finding))
  end)
  return failed and FAILED or OK
end
