--- The manifest of a signed recipe: which files its folder has, and what they are.
--
--     jig manifest 1
--     name thermostat
--     version 1.2.0
--     jig 0.3
--     files 2
--     4f1a…(64 hex digits) 1093 recipe.lua
--     e3b0…                 512 status.lua
--
-- Lines end with "\n". `jig` is the least version of jig; a version is 1 to 4 numbers with dots. Files stand in the
-- order of their paths' bytes: SHA-256, size in bytes, path from the folder. There is one text only for what it says:
-- what could be written in another way is refused. The signature is over all its bytes.

local hex = require "jig.hex"

local manifest = {}

--- Names of the two files that `jig sign` makes in the folder, and which it does not list.
manifest.FILE, manifest.SIGNATURE = "jig.manifest", "jig.manifest.sig"

--- Caps; of files and sizes as in core/bundle.h.
manifest.BYTES, manifest.FILES, manifest.FILE_BYTES, manifest.ALL_BYTES = 524288, 1024, 4194304, 16777216

-- Of a name, of a path, and of folders within folders.
local NAME <const>, PATH <const>, DEPTH <const> = 128, 255, 8

local FIRST <const> = "jig manifest 1"

---@class jig.Manifest
---@field name string     of the recipe
---@field version string  of the recipe
---@field jig string      least version of jig
---@field files { path: string, size: integer, sha256: string }[]  sha256 in hex

--- Whether a value is a version that can be compared: 1 to 4 numbers of at most 9 digits with dots between.
---@param value any
---@return boolean
function manifest.is_version(value)
  if type(value) ~= "string" or #value > 39 or not value:find("^%d[%d.]*$") or value:find("%.%.") or value:find("%.$")
  then
    return false
  end
  local count = 0
  for number in value:gmatch("%d+") do
    if #number > 9 or number:find("^0%d") then return false end
    count = count + 1
  end
  return count <= 4
end

--- Whether version `a` is older than `b`; numbers that are missing are 0.
---@param a string
---@param b string
---@return boolean
function manifest.is_older(a, b)
  local next_a, next_b = a:gmatch("%d+"), b:gmatch("%d+")
  for _ = 1, 4 do
    local one, other = tonumber(next_a() or 0), tonumber(next_b() or 0)
    if one ~= other then return one < other end
  end
  return false
end

--- Whether a value can be the name of a recipe that is signed.
---@param value any
---@return boolean
function manifest.is_name(value)
  return type(value) == "string" and #value >= 1 and #value <= NAME and not value:find("%c") and utf8.len(value) ~= nil
end

-- Why a path cannot stand in a manifest; nil when it can.
local function path_trouble(path)
  if #path == 0 or #path > PATH then return ("a path has 1 to %d bytes"):format(PATH) end
  if path:find("%c") then return "a path has control characters" end
  local depth = -1
  for part in (path .. "/"):gmatch("([^/]*)/") do
    if part == "" or part == "." or part == ".." then return "a path leaves the folder, or can be written otherwise" end
    depth = depth + 1
  end
  if depth > DEPTH then return ("a path has more than %d folders"):format(DEPTH) end
  if path == manifest.FILE or path == manifest.SIGNATURE then return "it lists itself" end
end

--- The text of a manifest. Its fields are taken as they are: what parse gave, or what `jig sign` has checked.
---@param self jig.Manifest
---@return string
function manifest.text(self)
  local lines = { FIRST, "name " .. self.name, "version " .. self.version, "jig " .. self.jig,
    ("files %d"):format(#self.files) }
  for _, file in ipairs(self.files) do
    lines[#lines + 1] = ("%s %d %s"):format(file.sha256, file.size, file.path)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- A number as it is written in one way only.
local function number(text, most)
  local value = text:find("^[1-9]%d*$") and #text <= 9 and math.tointeger(tonumber(text)) or text == "0" and 0 or nil
  return value and value <= most and value or nil
end

local function file_of(line)
  local sha256, size, path = line:match("^(%x+) (%d+) (.+)$")
  if not sha256 or #sha256 ~= 64 or sha256 ~= sha256:lower() then return nil, "expected SHA-256, size and path" end
  local bytes = number(size, manifest.FILE_BYTES)
  if not bytes then return nil, ("a size is 0 to %d, without zeros before"):format(manifest.FILE_BYTES) end
  local trouble = path_trouble(path)
  if trouble then return nil, trouble end
  return { path = path, size = bytes, sha256 = sha256 }
end

local HEAD <const> = {
  { "name", manifest.is_name, "a name of 1 to 128 bytes" },
  { "version", manifest.is_version, "1 to 4 numbers with dots" },
  { "jig", manifest.is_version, "1 to 4 numbers with dots" },
  { "files", function(text) return number(text, manifest.FILES) ~= nil end, "0 to 1024" },
}

-- The lines before those of files.
local function parse_head(next_line)
  if next_line() ~= FIRST then return nil, ("line 1: expected '%s'"):format(FIRST) end
  local made = {}
  for i, field in ipairs(HEAD) do
    local value = (next_line() or ""):match("^" .. field[1] .. " (.*)$")
    if not value or not field[2](value) then
      return nil, ("line %d: expected '%s', and %s"):format(i + 1, field[1], field[3])
    end
    made[field[1]] = value
  end
  return made
end

local function parse_files(next_line, count)
  local files, all, before = {}, 0, nil
  for i = 1, count do
    local line = next_line()
    if not line then return nil, ("it ends before file %d of %d"):format(i, count) end
    local file, trouble = file_of(line)
    if not file then return nil, ("line %d: %s"):format(i + 1 + #HEAD, trouble) end
    if before and file.path <= before then
      return nil, ("line %d: files stand in the order of their paths, each once"):format(i + 1 + #HEAD)
    end
    all = all + file.size
    if all > manifest.ALL_BYTES then return nil, ("all files together may have %d bytes"):format(manifest.ALL_BYTES) end
    files[i], before = file, file.path
  end
  if next_line() then return nil, ("there is more behind file %d"):format(count) end
  return files
end

--- Reads the text of a manifest, which may be anything.
---@param text string
---@return jig.Manifest|nil made, string? message
function manifest.parse(text)
  if #text > manifest.BYTES then return nil, ("it has more than %d bytes"):format(manifest.BYTES) end
  if text:sub(-1) ~= "\n" then return nil, "its last line does not end" end
  local next_line = text:gmatch("([^\n]*)\n")
  local made, message = parse_head(next_line)
  if not made then return nil, message end
  made.files, message = parse_files(next_line, tonumber(made.files))
  if not made.files then return nil, message end
  return made
end

--- How a folder differs from what its manifest says: sentences, in the order of paths; none when it is the same.
---@param self jig.Manifest
---@param found { path: string, text: string, sha256: string }[]  of guard.bundle, without the manifest's own files
---@return string[]
function manifest.differences(self, found)
  local list, at = {}, 1
  for _, file in ipairs(found) do
    while self.files[at] and self.files[at].path < file.path do
      list[#list + 1] = ("%s is missing"):format(self.files[at].path)
      at = at + 1
    end
    local listed = self.files[at]
    if not listed or listed.path ~= file.path then
      list[#list + 1] = ("%s is extra: it is not in the manifest"):format(file.path)
    else
      at = at + 1
      if listed.size ~= #file.text or listed.sha256 ~= hex.encode(file.sha256) then
        list[#list + 1] = ("%s was changed"):format(file.path)
      end
    end
  end
  for i = at, #self.files do list[#list + 1] = ("%s is missing"):format(self.files[i].path) end
  return list
end

return manifest
