--- Who may change a file: its owner and those who may write to it, and to each folder above, where it could be put in
--- another's place. Root and the user who asks are trusted.

local owners = {}

-- Bits of a mode.
local GROUP_WRITES <const>, ALL_WRITE <const>, STICKY <const> = 16, 2, 512

-- The name that stands in a file of accounts for a number, such as /etc/passwd.
local function name_in(text, number)
  for name, id in (text or ""):gmatch("([^:\n]+):[^:\n]*:(%d+):") do
    if tonumber(id) == number then return name end
  end
end

--- The name of a user, or "user 1234".
---@param host jig.doctor.Host
---@param uid integer
---@return string
function owners.user(host, uid)
  return name_in(host.read "/etc/passwd", uid) or ("user %d"):format(uid)
end

--- The name of a group, or "group 1234".
---@param host jig.doctor.Host
---@param gid integer
---@return string
function owners.group(host, gid)
  return name_in(host.read "/etc/group", gid) or ("%d"):format(gid)
end

--- The number of a group; nil when there is none of that name.
---@param host jig.doctor.Host
---@param name string
---@return integer?
function owners.group_id(host, name)
  for known, id in (host.read "/etc/group" or ""):gmatch("([^:\n]+):[^:\n]*:(%d+):") do
    if known == name then return math.tointeger(tonumber(id)) end
  end
end

--- What stands above a path: its folder, the one above that, to "/".
---@param path string  absolute
---@return string[]
function owners.above(path)
  local list, folder = {}, path
  while folder ~= "/" do
    folder = folder:match("^(.+)/[^/]*$") or "/"
    list[#list + 1] = folder
  end
  return list
end

-- Why others may change what has this state; nil when they may not. In a folder like /tmp others may add files, but
-- not take away those of others.
local function trouble(host, path, about)
  local me = host.identity().uid
  local shared = about.kind == "folder" and about.mode & STICKY ~= 0
  if about.mode & ALL_WRITE ~= 0 and not shared then return ("everybody may write %s"):format(path) end
  if about.mode & GROUP_WRITES ~= 0 and about.gid ~= 0 and not shared then
    return ("group %s may write %s"):format(owners.group(host, about.gid), path)
  end
  if about.uid ~= 0 and about.uid ~= me then
    return ("%s belongs to %s"):format(path, owners.user(host, about.uid))
  end
end

--- Why others may change a file, or what it is reached by; nil when they may not. The first reason counts.
---@param host jig.doctor.Host
---@param path string
---@return string?
function owners.trouble(host, path)
  local whole = host.realpath(path) or path
  for _, one in ipairs { whole, table.unpack(owners.above(whole)) } do
    local about = host.stat(one)
    local why = about and trouble(host, one, about)
    if why then return why end
  end
end

--- The nearest folder that is there: the path itself, or one above.
---@param host jig.doctor.Host
---@param path string  absolute
---@return string
function owners.nearest(host, path)
  for _, one in ipairs { path, table.unpack(owners.above(path)) } do
    if host.stat(one) then return one end
  end
  return "/"
end

return owners
