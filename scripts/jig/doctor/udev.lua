--- udev rules: does one give the devices that the recipes match to the user who asks?

local devices = require "jig.udev.devices"
local grammar = require "jig.udev.grammar"
local owners = require "jig.doctor.owners"
local rules = require "jig.udev.rules"

-- Where rules are; of a name that is in several folders the first counts.
local FOLDERS <const> = { "/etc/udev/rules.d", "/run/udev/rules.d", "/usr/local/lib/udev/rules.d",
  "/usr/lib/udev/rules.d", "/lib/udev/rules.d" }

local ALL_WRITE <const> = 2

-- All rules of the machine, in the order of their files' names.
local function installed(host)
  local files, names, list = {}, {}, {}
  for _, folder in ipairs(FOLDERS) do
    for _, name in ipairs(host.list(folder) or {}) do
      if name:find("%.rules$") and not files[name] then
        files[name] = folder .. "/" .. name
        names[#names + 1] = name
      end
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    local made = grammar.read(host.read(files[name]) or "")
    table.move(made, 1, #made, #list + 1, list)
  end
  return list
end

local function is_mine(host, name)
  local id, me = owners.group_id(host, name), host.identity()
  if me.uid == 0 then return true end
  for _, group in ipairs(me.groups) do
    if group == id then return true end
  end
  return false
end

-- What the last rules that say so give a device.
local function given(list, device)
  local found = {}
  for _, rule in ipairs(list) do
    if grammar.is_for(rule, device.vid, device.pid) then
      for key, value in pairs(grammar.given(rule)) do found[key] = value end
    end
  end
  return found
end

local function command(about)
  return about.file and "jig udev --station " .. about.file or "jig udev " .. about.recipes[1].file
end

local function name(device)
  local pid = device.pid and ("%04x"):format(device.pid) or "*"
  return ("%04x:%s (%s)"):format(device.vid, pid, device.name)
end

-- What is wrong with what the rules give a device: what it is called here, and the group that it is given to.
local function trouble(host, list, device)
  local what = given(list, device)
  if what.mode and what.mode & ALL_WRITE ~= 0 then return nil end
  if what.group then return not is_mine(host, what.group) and "group" or nil, what.group end
  return what.seat and "seat" or "nobody"
end

local FOUND <const> = {
  nobody = "no udev rule gives %s to a group: %s > %s",
  seat = "udev rules give %s to who sits at the screen, and to no service: %s > %s",
}

return function(host, about, say)
  local wanted, list, good = devices.of(about), installed(host), 0
  local lacking = { nobody = {}, seat = {} }
  for _, device in ipairs(wanted) do
    local why, group = trouble(host, list, device)
    if why == "group" then
      say("fail", ("a udev rule gives %s to group %s, which you are not in: usermod -a -G %s USER"):format(
        name(device), group, group))
    elseif why then
      table.insert(lacking[why], name(device))
    else
      good = good + 1
    end
  end
  for _, why in ipairs { "nobody", "seat" } do
    local names = table.concat(lacking[why], ", ")
    if names ~= "" then say("warn", FOUND[why]:format(names, command(about), rules.FILE)) end
  end
  if good > 0 and good == #wanted then say("ok", ("rules give all devices to you: %d"):format(good)) end
end
