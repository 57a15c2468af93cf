--- A signed recipe's folder: read once, held against its manifest, and run from what was read.
--
-- What is checked is what is run: the bytes that were hashed go to the slots (jig.sealed), and no file of the folder is
-- opened again.

local digest = require "jig.digest"
local guard = require "jig.guard"
local hex = require "jig.hex"
local manifest = require "jig.manifest"
local sign = require "jig.sign"
local version = require "jig.version"

local bundle = {}

-- Bytes of a folder's Lua files together: each slot has them in its memory.
local LUA_BYTES <const> = 1048576

---@class jig.Sealed  plain: what a slot needs of a signed recipe
---@field texts table<string, string>  of its Lua files, by their paths from the folder
---@field name string
---@field version string
---@field manifest? string             SHA-256 of the manifest's bytes, in hex; nil where it is not yet signed

---@class jig.BundleKey
---@field name string  of its file
---@field pem string   its text

--- Reads a folder: its files, and apart from them the manifest and its signature.
---@param folder string
---@return { path: string, text: string, sha256: string }[]|nil files
---@return string|nil text_or_message  of the manifest; nil when there is none
---@return string? signature
function bundle.read(folder)
  local all, message = guard.bundle(folder)
  if not all then return nil, message end
  local files, own = {}, {}
  for _, file in ipairs(all) do
    if file.path == manifest.FILE or file.path == manifest.SIGNATURE then
      own[file.path] = file.text
    else
      files[#files + 1] = file
    end
  end
  return files, own[manifest.FILE], own[manifest.SIGNATURE]
end

--- What slots need of the files that were read. nil, message when that is too much.
---@param files { path: string, text: string }[]
---@return table<string, string>|nil texts, string? message
function bundle.texts(files)
  local texts, bytes = {}, 0
  for _, file in ipairs(files) do
    if file.path:find("%.lua$") then
      texts[file.path] = file.text
      bytes = bytes + #file.text
    end
  end
  if bytes > LUA_BYTES then return nil, ("its Lua files have %d bytes, and may have %d"):format(bytes, LUA_BYTES) end
  return texts
end

-- The number of a version that `git describe` tells, as "v0.3-2-g8a19605"; nil for a build without one.
local function own_version()
  return version[1].version:match("^v?(%d+%.%d[%d.]*)")
end

--- The least version of jig that `jig sign` writes when it is told none: this one.
---@return string
function bundle.own_version()
  local own = own_version()
  return manifest.is_version(own) and own or "0"
end

local function jig_trouble(least)
  local own = bundle.own_version()
  if not manifest.is_older(own, least) then return end
  return ("it needs jig %s, and this is %s"):format(least, version[1].version)
end

-- Whose key signed the manifest; nil, message when none did.
local function signer(text, signature, keys)
  if #signature ~= 64 then return nil, ("%s has %d bytes, not 64"):format(manifest.SIGNATURE, #signature) end
  local names = {}
  for i, key in ipairs(keys) do
    local right, message = sign.verify(key.pem, text, signature, key.name)
    if right == nil then return nil, message end
    if right then return key.name end
    names[i] = key.name
  end
  return nil, ("wrong key, or a changed manifest: it was not signed by %s"):format(table.concat(names, " or "))
end

--- Holds a folder against its signature and its manifest. The signature is checked before anything in the manifest is
-- read.
---@param folder string
---@param keys jig.BundleKey[]
---@return { sealed: jig.Sealed, manifest: jig.Manifest, key: string }|nil found
---@return string[]? reasons  why it is refused
function bundle.verify(folder, keys)
  local files, text, signature = bundle.read(folder)
  if not files then return nil, { text } end
  if not text then return nil, { ("not signed: there is no %s"):format(manifest.FILE) } end
  if not signature then return nil, { ("not signed: there is no %s"):format(manifest.SIGNATURE) } end
  local key, message = signer(text, signature, keys)
  if not key then return nil, { message } end
  local made
  made, message = manifest.parse(text)
  if not made then return nil, { ("%s: %s"):format(manifest.FILE, message) } end
  local reasons = manifest.differences(made, files)
  reasons[#reasons + 1] = jig_trouble(made.jig)
  local texts
  texts, message = bundle.texts(files)
  if not texts then reasons[#reasons + 1] = message end
  if #reasons > 0 then return nil, reasons end
  local sealed = { texts = texts, name = made.name, version = made.version,
    manifest = hex.encode(digest.sha256(text)) }
  return { sealed = sealed, manifest = made, key = key }
end

return bundle
