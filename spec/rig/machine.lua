--- QEMU with the guest: started, spoken to by QMP, its snapshot made and restored, its console.
--
--     local machine <close> = machines.restore(folder)   -- a guest that is up, in a second
--     assert(machine:run("uname -r", 5) == 0)
--
-- Always without KVM: where a machine is virtual itself, /dev/kvm may be there and hang. Everything that the guest has
-- is in `words`: a snapshot fits only a machine with the same.

local cjson = require "cjson.safe"
local clock = require "jig.clock"
local port = require "jig.port"
local task = require "jig.task"

local machines = {}

-- Seconds: of a guest's boot, of an answer of QEMU's, of a whole machine's life. After the last one, and when who
-- started it is gone, `timeout` ends QEMU.
local BOOT <const>, ANSWER <const>, LIFE <const> = 120, 30, 3600

-- The guest's time is counted in its instructions, two nanoseconds each, and jumps to the next timer when there is
-- nothing to do: what happens in it, and when, does not depend on how busy this machine is, and no pause in it takes
-- time. Nothing in the guest may wait for this side with a limit.
local CLOCK <const> = "shift=1,sleep=off"

-- Megabytes of memory; a snapshot has what of it was used.
local MEMORY <const> = 320

---@class rig.Machine
---@field wire jig.Port      QMP
---@field console jig.Port   the guest's shell
local machine = {}
machine.__index = machine

local function words(folder)
  return {
    "setpriv", "--pdeathsig", "TERM", "timeout", "-k", "5", tostring(LIFE), "qemu-system-x86_64",
    "-M", "pc", "-accel", "tcg", "-icount", CLOCK, "-m", tostring(MEMORY),
    "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
    "-kernel", folder .. "/vmlinuz", "-initrd", folder .. "/initramfs",
    "-append", "console=ttyS0 loglevel=1 panic=-1 mitigations=off nokaslr rdinit=/init",
    "-chardev", "pty,id=console", "-serial", "chardev:console",
    "-virtfs", ("local,path=%s,mount_tag=files,security_model=none,readonly=on"):format(folder),
    "-qmp", "stdio",
  }
end

local function address_of(list)
  local encoded = {}
  for i, word in ipairs(list) do
    encoded[i] = word:gsub("[^%w%-%._~/]", function(c) return ("%%%02X"):format(c:byte()) end)
  end
  return "exec:" .. table.concat(encoded, " ") .. "?stderr=inherit"
end

-- ---- QMP ----

-- Reads lines until the one that `test` wants, past events. QEMU also tells people there where its
-- terminals are.
local function await(self, limit, test)
  local deadline = clock.now() + limit
  while true do
    local line = assert(self.wire:read_until("\n", math.max(deadline - clock.now(), 0)))
    local told = line:sub(1, 1) == "{" and assert(cjson.decode(line), line) or {}
    if test(told) then return told end
  end
end

--- A command of QMP; its answer. Raises what QEMU refuses. Yields.
---@param command string
---@param arguments? table
---@return any
function machine:qmp(command, arguments)
  assert(self.wire:write(cjson.encode { execute = command, arguments = arguments } .. "\n", ANSWER))
  local told = await(self, ANSWER, function(t) return t["return"] ~= nil or t.error end)
  if told.error then error(("QEMU refuses %s: %s"):format(command, told.error.desc), 2) end
  return told["return"]
end

-- Where QEMU has put the pseudo-terminals of its serial ports.
local function open_serial(self)
  for _, device in ipairs(self:qmp "query-chardev") do
    local path = device.filename:match("^pty:(.+)")
    if path then self[device.label] = assert(port.open("tty:" .. path)) end
  end
end

local function start(folder, more)
  local list = words(folder)
  table.move(more, 1, #more, #list + 1, list)
  local self = setmetatable({ wire = assert(port.open(address_of(list))) }, machine)
  await(self, ANSWER, function(told) return told.QMP end)
  self:qmp "qmp_capabilities"
  open_serial(self)
  return self
end

-- ---- the console ----

--- A line for the guest's shell; its exit status. What it prints goes to `show`, line by line. Yields.
---@param line string
---@param limit number  seconds
---@param show? fun(line: string)
---@return integer
function machine:run(line, limit, show)
  assert(self.console:write(line .. "\n", ANSWER))
  local line_limit <close> = task.limit("the guest", limit)
  while true do
    local text = assert(self.console:read_until("\n", math.huge))
    local status = text:match("^rig: (%d+)")
    if status then return tonumber(status) end
    if show then show((text:gsub("\r?\n$", ""))) end
  end
end

-- ---- life ----

-- A guest that has just come up, whose files of the host are not mounted yet: QEMU does not keep those.
local function save(self, path)
  self:qmp "stop"
  self:qmp("migrate", { uri = ("exec:cat >%s.new"):format(path) })
  local told
  repeat
    clock.sleep(0.02)
    told = self:qmp "query-migrate"
    assert(told.status ~= "failed", told["error-desc"])
  until told.status == "completed"
  assert(os.rename(path .. ".new", path))
end

--- Boots the guest and writes FOLDER/snapshot. Raises when it does not come up. Yields.
---@param folder string  with vmlinuz and initramfs; of ordinary letters
---@param show fun(line: string)  what the guest says on the way
function machines.snapshot(folder, show)
  local self <close> = start(folder, {})
  local boot_limit <close> = task.limit("the guest's boot", BOOT)
  repeat
    local line = assert(self.console:read_until("\n", math.huge))
    if line ~= "rig: up\n" then show((line:gsub("\r?\n$", ""))) end
  until line == "rig: up\n"
  save(self, folder .. "/snapshot")
end

--- A guest that goes on where the snapshot was made, with what FOLDER/files.tar has in /job: programs that are run by
-- `chroot /job` see the project in /project. Yields.
---@param folder string
---@return rig.Machine
function machines.restore(folder)
  local self = start(folder, { "-incoming", ("exec:cat %s/snapshot"):format(folder) })
  repeat
    clock.sleep(0.01)
  until self:qmp("query-status").status ~= "inmigrate"
  self:qmp "cont"
  local function must(line)
    local said = {}
    local status = self:run(line, ANSWER, function(text) said[#said + 1] = text end)
    if status ~= 0 then error(("the guest cannot do '%s': %s"):format(line, table.concat(said, "; ")), 0) end
  end
  must(("date -s @%d >/dev/null"):format(os.time()))
  must "mount -t 9p -o trans=virtio,version=9p2000.L,msize=500000,cache=none,ro files /host"
  must "tar -x -C /job -f /host/files.tar && umount /host"
  must "for d in proc sys dev run tmp; do mount --rbind /$d /job/$d || exit 1; done"
  return self
end

--- Ends it.
function machine:close()
  if self.wire then pcall(self.qmp, self, "quit") end
  for _, wire in ipairs { "console", "wire" } do
    if self[wire] then self[wire]:close() end
  end
end

machine.__close = machine.close

return machines
