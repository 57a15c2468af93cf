--- The gate of the security token: can its lock files be made, and who has it?

local locks = require "jig.doctor.locks"
local owners = require "jig.doctor.owners"

local ALL_WRITE <const> = 2
local ADVICE <const> = "mkdir -p -m 2775, chgrp to the group of those who run jig; or /etc/tmpfiles.d/jig.conf"

-- A folder that jig makes itself, when it may.
local function check_missing(host, folder, say)
  local nearest = owners.nearest(host, folder)
  if host.may(nearest, "wx") then
    return say("ok", ("the lock folder %s is made by the first run"):format(folder))
  end
  say("fail", ("the lock folder %s is missing, and %s may not be written by you: %s"):format(folder, nearest, ADVICE))
end

local function trouble(host, folder, about)
  if about.kind ~= "folder" then return "is no folder" end
  if about.mode & ALL_WRITE ~= 0 then return "may be written by everybody, who could hold the token" end
  local may, message = host.may(folder, "wx")
  if not may then return "cannot be used: " .. message end
  local locked, why = host.lock(folder)
  if not locked then return "takes no locks: " .. why end
end

local function holders(host, token)
  local list = {}
  for i = 0, (token.width or 1) - 1 do
    for _, pid in ipairs(locks.holders(host, ("%s/%s.%d"):format(token.folder, token.name, i))) do
      list[#list + 1] = locks.program(host, pid)
    end
  end
  return list
end

return function(host, about, say)
  local token = about.cli.token
  if token == false then
    return say("ok", "the station file says token = false: calls queue for nothing, whoever else uses the token")
  end
  local folder = host.stat(token.folder)
  if not folder then return check_missing(host, token.folder, say) end
  local why = trouble(host, token.folder, folder)
  if why then return say("fail", ("the lock folder %s %s: %s"):format(token.folder, why, ADVICE)) end
  local list = holders(host, token)
  say("ok", ("token '%s' %s"):format(token.name, #list == 0 and "is free" or "is used by " .. table.concat(list, ", ")))
end
