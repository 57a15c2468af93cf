--- The proofs that belong to a run of specs: of each recipe folder among its paths that has a device.

local explorer = require "jig.prove.explorer"
local report = require "jig.prove.report"
local system = require "jig.system"

local folders = {}

--- The recipe folders among these paths that can be proven: recipe.lua and device.lua stand in them.
---@param paths string[]
---@return string[]
function folders.among(paths)
  local list = {}
  for _, path in ipairs(paths) do
    local folder = path:gsub("/+$", "")
    local whole = system.kind(folder .. "/recipe.lua") and system.kind(folder .. "/device.lua")
    if whole then list[#list + 1] = folder end
  end
  return list
end

local function prove(folder, options)
  local subject <close> = explorer.subject(folder)
  return explorer.prove(subject, options)
end

--- Proves each of these folders and shows a line for each, and every violation. Does not yield.
---@param list string[]  of folders.among
---@param out file*
---@param options? table  of explorer.prove
---@return boolean sound  false: there is a violation, or a proof could not be made
function folders.prove(list, out, options)
  local sound = true
  for _, folder in ipairs(list) do
    local ok, proof = pcall(prove, folder, options)
    out:write("proof: ", ok and report.text(proof, true) or tostring(proof) .. "\n")
    sound = sound and ok and proof.violations == 0
  end
  return sound
end

return folders
