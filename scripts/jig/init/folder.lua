--- Makes a folder of files, as a whole or not at all: the files are written into a hidden folder beside it, which then
-- takes its name. The kernel does that only where there is nothing of that name, or an empty folder.

local hex = require "jig.hex"
local system = require "jig.system"
local write = require "jig.output.whole"

local folder = {}

-- What rename(2) answers where something stands in the way: EEXIST, ENOTDIR, ENOTEMPTY.
local TAKEN <const> = { [17] = true, [20] = true, [39] = true }

-- A reason without the path before it, which is one that people never see again.
local function reason(message, path)
  return message:sub(1, #path + 2) == path .. ": " and message:sub(#path + 3) or message
end

local function fill(hidden, name, files)
  for _, file in ipairs(files) do
    local path = hidden .. "/" .. file.name
    local message = write(path, file.text)
    if message then return nil, ("%s/%s cannot be written: %s"):format(name, file.name, reason(message, path)) end
  end
  return true
end

local function take_name(hidden, name)
  local ok, message, code = os.rename(hidden, name)
  if ok then return true end
  if TAKEN[code] then return nil, name .. " is there already, and is no empty folder", "taken" end
  return nil, ("%s cannot be made: %s"):format(name, message)
end

-- ".NAME.RANDOM" beside the folder.
local function hidden_beside(path)
  local at, name = path:match("^(.-)([^/]*)$")
  return ("%s.%s.%s"):format(at, name, hex.encode(system.random(4)))
end

--- Makes it. Nothing is overwritten, and when it fails nothing is left. Does not yield.
---@param name string  its path
---@param files { name: string, text: string }[]
---@return true|nil, string? message, string? code  "taken": something else has the name
function folder.make(name, files)
  local hidden = hidden_beside(name)
  local ok, message, code = system.make_folder(hidden)
  if not ok then
    return nil, ("%s cannot be made: %s"):format(name, reason(message, "cannot make the folder " .. hidden))
  end
  ok, message = fill(hidden, name, files)
  if ok then ok, message, code = take_name(hidden, name) end
  if ok then return true end
  system.remove_folder(hidden)
  return nil, message, code
end

return folder
