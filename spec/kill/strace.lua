--- A second opinion on the points of a trace: what strace shows of the same process and its threads, judged
-- by strace's words for flags, not by the tracer's table.
--
--     local names = strace.names(station.read("/tmp/strace.out"))   --> { write = 12, openat = 3, … }

local strace = {}

local CHANGES <const> = {}
for name in ([[
  write writev pwrite64 pwritev pwritev2 sendfile copy_file_range sendto sendmsg sendmmsg
  fsync fdatasync sync_file_range msync ftruncate truncate fallocate creat
  rename renameat renameat2 unlink unlinkat mkdir mkdirat rmdir link linkat symlink symlinkat mknodat
  chmod fchmod fchmodat chown fchown lchown fchownat utimensat utimes fsetxattr
  flock connect bind listen shutdown clone clone3 fork vfork kill tgkill pidfd_send_signal exit_group
]]):gmatch("%S+") do CHANGES[name] = true end

local function any_of(text, words)
  for _, word in ipairs(words) do
    if text:find(word, 1, true) then return true end
  end
  return false
end

local WRITING <const> = { "O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC" }
local LOCKING <const> = { "F_SETLK", "F_OFD_SETLK" }
local READING <const> = { "TCGETS", "TIOCMGET", "TIOCOUTQ", "FIONREAD", "FIONBIO", "TIOCGWINSZ", "TIOCGSERIAL" }

local BY_ARGUMENTS <const> = {
  open = function(text) return any_of(text, WRITING) end,
  openat = function(text) return any_of(text, WRITING) end,
  fcntl = function(text) return any_of(text, LOCKING) end,
  ioctl = function(text) return not any_of(text, READING) end,
  mmap = function(text) return text:find("PROT_WRITE", 1, true) ~= nil and text:find("MAP_SHARED", 1, true) ~= nil end,
}

-- The ids of the process and its threads: those that a clone with CLONE_THREAD gave.
local function threads_of(text)
  local own, pending = { [text:match("^(%d+)")] = true }, {}
  for id, line in text:gmatch("(%d+) +([^\n]+)") do
    local starts = line:match("^clone3?%(") and line:find("CLONE_THREAD", 1, true)
    local made = line:match("= (%d+)$")
    if starts and not made then pending[id] = true end
    if made and (starts or pending[id] and line:match("^<%.%.%. clone3? resumed>")) then
      own[made], pending[id] = true, nil
    end
  end
  return own
end

--- How often each call that changes something was made by the first process of a trace and its threads.
---@param text string  what strace -f -o wrote
---@return table<string, integer>
function strace.names(text)
  local own, found = threads_of(text), {}
  for id, name, rest in text:gmatch("(%d+) +([%w_]+)(%([^\n]+)") do
    local judge = BY_ARGUMENTS[name]
    if own[id] and (CHANGES[name] or judge and judge(rest)) then found[name] = (found[name] or 0) + 1 end
  end
  return found
end

return strace
