--- Finds the definition files with which an editor's Lua server knows jig's functions.

local system = require "jig.system"

-- Where they stand from the program's folder: installed, and in a tree of sources.
local PLACES <const> = { "/../share/jig/meta", "/../scripts/meta" }

--- The folder, without links; nil when there is none.
---@param program? string  jig itself; default: the program that runs
---@return string|nil
return function(program)
  local path = system.realpath(program or "/proc/self/exe")
  local folder = path and path:match("^(.*)/")
  if not folder then return nil end
  for _, place in ipairs(PLACES) do
    -- what is no folder has no "."
    local found = system.realpath(folder .. place .. "/.")
    if found then return found end
  end
end
