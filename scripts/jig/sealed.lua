--- Files of a recipe that were read and checked before: what jig.sandbox.files() is for files on disk, and in its
--- place. Nothing is opened; a file that was not among them is not there.

local digest = require "jig.digest"

local sealed = {}

-- A slot's state may keep it where no recipe comes, which has the methods of strings.
local dump = string.dump or debug.dump -- luacheck: ignore 143 (jig puts it there)

---@param from jig.Sealed
---@param folder string  of the recipe, with its last "/": what the paths begin with
---@return table files   path -> { code, sha256 }
function sealed.files(from, folder)
  local methods = {}

  function methods:load(path, env)
    local known = rawget(self, path)
    if known then return load(known.code, "@" .. path, "b", env) end
    local text = path:sub(1, #folder) == folder and from.texts[path:sub(#folder + 1)]
    if not text then return nil, path .. ": is no file of the signed recipe" end
    local chunk, message = load(text, "@" .. path, "t", env)
    if not chunk then return nil, message end
    rawset(self, path, { code = dump(chunk), sha256 = digest.sha256(text) })
    return chunk
  end

  return setmetatable({}, { __index = methods })
end

return sealed
