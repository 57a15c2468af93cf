-- The layers, read from the sources:
--
--     scripts/  ->  bindings/  ->  core/  <-  transports/
--
-- Each exception stands here with its reason; one that is no longer needed is a failure, too.

local scratch = require "spec.support.scratch"

local build = os.getenv("JIG_BUILD") or "build"

-- The files below a folder whose names match, sorted.
local function files(folder, pattern)
  local found = {}
  for path in scratch.run({ "find", folder, "-type", "f" }).stdout:gmatch("[^\n]+") do
    if path:match(pattern) then found[#found + 1] = path end
  end
  table.sort(found)
  assert(#found > 0, folder .. " is empty")
  return found
end

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read("a")
end

local function exists(path)
  local file = io.open(path)
  return file and file:close() or false
end

-- Headers that are no library's of their own: of the C library and of the kernel.
local SYSTEM <const> = {}
for name in ([[
  arpa/inet asm/termbits assert ctype dirent dlfcn endian errno fcntl ftw gnu/libc-version inttypes
  langinfo limits linux/openat2 linux/serial locale semaphore wchar
  linux/sockios math netdb netinet/in netinet/tcp poll pthread sched setjmp signal spawn stdarg stdatomic stdbool
  stddef stdint stdio stdlib string strings sys/epoll sys/file sys/inotify sys/ioctl sys/mman sys/prctl sys/random
  sys/resource sys/socket sys/stat sys/statvfs sys/syscall sys/sysmacros sys/timex sys/types sys/wait termios time
  unistd
]]):gmatch("%S+") do SYSTEM[name .. ".h"] = true end

-- Which library a header is of; nil for the system's.
local function library_of(header)
  local known = {
    ["sqlite3.h"] = "sqlite",
    ["libusb-1.0/libusb.h"] = "libusb",
    ["libudev.h"] = "libudev",
    ["lua.h"] = "lua", ["lauxlib.h"] = "lua", ["lualib.h"] = "lua",
    ["uv.h"] = "libuv", ["histedit.h"] = "libedit", ["libserialport.h"] = "libserialport",
  }
  if known[header] then return known[header] end
  if header:match("^openssl/") then return "openssl" end
  assert(SYSTEM[header], "no layer knows <" .. header .. ">: add it here")
end

-- Own headers and libraries that a C file includes.
local function includes(path)
  local own, libraries = {}, {}
  for opening, name in read(path):gmatch('#include ([<"])([^>"]+)[>"]') do
    if opening == '"' then
      own[#own + 1] = name
    else
      local library = library_of(name)
      if library then libraries[library] = true end
    end
  end
  return own, libraries
end

-- path -> library -> why.
local LIBRARIES <const> = {
  ["core/digest.c"] = { openssl = "hashes are OpenSSL's; sign.c alone sees it, too" },
  ["core/secret.c"] = { openssl = "secrets lie in its heap, and it asks for one at a terminal" },
  ["core/sign.c"] = { openssl = "signatures are OpenSSL's" },
  ["core/store.c"] = { sqlite = "the database is SQLite; no other file sees it" },
  ["core/loop.c"] = { libuv = "the loop stands on it; no other file sees it" },
  ["transports/tls.h"] = { openssl = "TLS is OpenSSL's; the three files of tls see it" },
  ["transports/tls.c"] = { openssl = "moves what it reads and writes" },
  ["transports/tls_trust.c"] = { openssl = "certificates and keys are its" },
  ["transports/tls_words.c"] = { openssl = "its reasons are told in words" },
  ["bindings/editline.c"] = { libedit = "lines on a terminal are edited by it" },
  ["bindings/version.c"] = {
    libuv = "asks it for its version",
    libserialport = "asks it for its version",
    openssl = "asks it for its version",
  },
}

-- The libraries of a layer's files but for `allowed` are those listed above, and no more are listed.
local function check_libraries(layer, allowed)
  for _, path in ipairs(files(layer, "%.[ch]$")) do
    local _, libraries = includes(path)
    local listed = LIBRARIES[path] or {}
    for library in pairs(libraries) do
      assert(allowed[library] or listed[library], path .. " must not see " .. library)
    end
    for library in pairs(listed) do
      assert(libraries[library], path .. " is allowed to see " .. library .. ", and does not")
    end
  end
end

local function check_own(layer, folders)
  for _, path in ipairs(files(layer, "%.[ch]$")) do
    for _, name in ipairs((includes(path))) do
      local folder = name:match("^(%w+)/[%w_]+%.h$")
      assert(folders[folder], ("%s includes \"%s\""):format(path, name))
      assert(exists(name), name)
    end
  end
end

-- What is one thread's own, and no two engines share: the name of the variable.
local OF_A_THREAD <const> = {
  ["bindings/editline.o"] = "own", -- the editor whose thread it is, which libedit's callbacks are not told
}

-- What belongs to the process, as its signals do: the name of the variable.
local OF_THE_PROCESS <const> = {
  ["bindings/main.o"] = "first", -- what a signal's handler sees, which is told nothing but the signal
}

-- Sources that have no spec of their own at the same path.
local COVERED <const> = {
  ["core/beneath.c"] = "spec/bindings/source_spec.lua: what leads out of a folder",
  ["core/bundle.c"] = "spec/bindings/guard_spec.lua: folders that are read whole",
  ["core/guard.c"] = "spec/bindings/guard_spec.lua: files that nobody else may change",
  ["core/pinned.c"] = "spec/bindings/guard_spec.lua: programs that are pinned",
  ["core/prompt.c"] = "spec/core/handover_spec.lua: at a terminal",
  ["core/pty.c"] = "spec/core/handover_spec.lua and spec/transports/exec_spec.lua: terminals of programs",
  ["core/secret.c"] = "spec/bindings/secret_spec.lua and pin_spec.lua",
  ["core/effects.c"] = "spec/core/ledger_spec.lua: the rows that events make",
  ["core/emergency_file.c"] = "spec/core/emergency_spec.lua: what its files look like",
  ["core/scribe.c"] = "spec/core/journal_spec.lua: what the journal's thread does",
  ["core/ledger_compare.c"] = "spec/core/ledger_verify_spec.lua: what verify compares",
  ["core/ledger_rules.c"] = "spec/core/ledger_spec.lua: which event may come when",
  ["core/seat.c"] = "spec/core/gate_spec.lua: the files, and what stands in them",
  ["core/gate_watch.c"] = "spec/core/gate_spec.lua: waiting between processes",
  ["core/judge.c"] = "spec/core/session_spec.lua: what each call came to",
  ["bindings/editline.c"] = "spec/bindings/lineedit_spec.lua: what a person sees of it",
  ["bindings/world_hooks.c"] = "spec/bindings/world_spec.lua and player_spec, stage_spec: what each hook may answer",
  ["bindings/world_record.c"] = "spec/bindings/world_spec.lua: a record",
  ["transports/connect.c"] = "spec/transports/tcp_spec.lua: how tcp and tls connect",
  ["transports/tls_trust.c"] = "spec/transports/tls_spec.lua: the options of its addresses",
  ["transports/tls_words.c"] = "spec/transports/tls_spec.lua: each failure with its words",
  ["transports/fd.c"] = "spec/transports/contract_spec.lua: every wire with a descriptor reads and writes by it",
  ["transports/lock.c"] = "spec/transports/serial_spec.lua and tty_spec.lua: a device is opened once",
  ["transports/options.c"] = "spec/transports/serial_spec.lua and tty_spec.lua: the options of their addresses",
  ["scripts/jig/trial_load.lua"] = "spec/scripts/trial_spec.lua: what a trial loads",
  ["scripts/jig/check/api.lua"] = "spec/scripts/meta_spec.lua: what a recipe can name",
  ["scripts/jig/ahead.lua"] = "spec/bindings/ahead_spec.lua: what the state has loaded",
  ["scripts/jig/check/calls.lua"] = "spec/scripts/check/mistakes_spec.lua: the mistakes it finds, as of all in check/",
  ["scripts/jig/check/doubts.lua"] = "spec/scripts/check/mistakes_spec.lua",
  ["scripts/jig/check/framings.lua"] = "spec/scripts/check/mistakes_spec.lua",
  ["scripts/jig/check/globals.lua"] = "spec/scripts/check/mistakes_spec.lua",
  ["scripts/jig/check/header.lua"] = "spec/scripts/check/mistakes_spec.lua",
  ["scripts/jig/check/hooks.lua"] = "spec/scripts/check/mistakes_spec.lua",
  ["scripts/jig/check/limits.lua"] = "spec/scripts/check/mistakes_spec.lua",
  ["scripts/jig/check/names.lua"] = "spec/scripts/check/mistakes_spec.lua",
  ["scripts/jig/check/statuses.lua"] = "spec/scripts/check/mistakes_spec.lua",
  ["scripts/jig/check/strings.lua"] = "spec/scripts/check/mistakes_spec.lua",
  ["scripts/jig/check/tables.lua"] = "spec/scripts/check/mistakes_spec.lua",
  ["scripts/jig/cassette/port_tap.lua"] = "spec/scripts/cassette/recorder_spec.lua: what is told of a port",
  ["scripts/jig/cassette/session_tap.lua"] = "spec/scripts/cassette/recorder_spec.lua: what is told of a session",
  ["scripts/jig/cassette/talk.lua"] = "spec/scripts/cassette/recorder_spec.lua: what is told of an exchange",
  ["transports/usb_library.c"] = "spec/transports/usb_spec.lua: a machine without libusb, and libusb's failures",
  ["transports/usb_find.c"] = "spec/transports/usb_spec.lua: which device, interface and endpoints",
  ["transports/sysfs.c"] = "spec/transports/usb_list_spec.lua: attributes, and texts that are hostile",
  ["transports/holders.c"] = "spec/transports/usb_list_spec.lua and serial_find_spec.lua: who holds a device",
  ["transports/usb_pipe.c"] = "spec/transports/usb_spec.lua: reading and writing",
  ["transports/usb_request.c"] = "spec/transports/usb_spec.lua: control requests",
  ["scripts/jig/framing/contract.lua"] = "spec/scripts/testing_spec.lua: jig.testing.framing is this file",
  ["scripts/jig/framing/stuffed.lua"] = "spec/scripts/framing/{slip,hdlc,stx_etx}_spec.lua: what they share",
}

-- What a line must say that keeps a checker from speaking: what of it, and why. By the word that it is known by.
local SUPPRESSIONS <const> = {
  ["NO" .. "LINT"] = "%([%w%.,-]+%): %a",
  ["cppcheck" .. "-suppress"] = "^ %w+ ; %a",
  ["luacheck" .. ":"] = { "^ ignore [%w_/ ]+ %(%a.*%)", "^ push ignore [%w_/ ]+ %(%a.*%)", "^ pop$" },
}

-- Those that have no room of their own for it have it in a comment on the line above.
local ABOVE <const> = { "no_" .. "sanitize", "#pragma" .. " GCC diagnostic" }

local function says(text, patterns)
  if type(patterns) == "string" then return text:find(patterns) ~= nil end
  for _, pattern in ipairs(patterns) do
    if text:find(pattern) then return true end
  end
  return false
end

-- Whether a line suppresses nothing, or says why. `above` is the line before it.
local function is_reasoned(line, above)
  for word, patterns in pairs(SUPPRESSIONS) do
    local _, at = line:find(word, 1, true)
    if at and not says(line:sub(at + 1), patterns) then return false end
  end
  for _, word in ipairs(ABOVE) do
    if line:find(word, 1, true) and not (above:find "%*/%s*$" or above:find "^%s*%-%-") then return false end
  end
  return true
end

-- The first line of a text that suppresses something without a reason.
local function unreasoned(text)
  local above = ""
  for line in text:gmatch "[^\n]*" do
    if not is_reasoned(line, above) then return line end
    above = line
  end
end

local function spec_of(path)
  return "spec/" .. path:gsub("^scripts/jig/", "scripts/"):gsub("%.%w+$", "_spec.lua")
end

describe("the layers", function()
  describe("core/", function()
    it("sees no Lua, no device library, and of the others each in one file", function()
      check_libraries("core", {})
    end)

    it("includes nothing but its own", function() check_own("core", { core = true }) end)
  end)

  describe("transports/", function()
    it("see at most one device library each", function()
      local devices = { libserialport = true, libusb = true, libudev = true }
      check_libraries("transports", devices)
      for _, path in ipairs(files("transports", "%.[ch]$")) do
        local _, libraries = includes(path)
        local first = next(libraries)
        assert(first == nil or next(libraries, first) == nil, path .. " sees two libraries")
      end
    end)

    it("include core/ and their own", function() check_own("transports", { core = true, transports = true }) end)
  end)

  describe("bindings/", function()
    it("see Lua alone", function() check_libraries("bindings", { lua = true }) end)

    it("include core/ and their own", function() check_own("bindings", { core = true, bindings = true }) end)
  end)

  describe("scripts/", function()
    -- Modules of others, and the scripts that may require them (Lua patterns).
    local others = {
      ["argparse"] = { "commands/%w+", "completion" },
      ["cjson.safe"] = { "ahead", "commands/ports", "commands/journal/%w+", "init/editor", "output/json",
        "output/specs_stream", "prove/[%w/]+", "record", "recovery", "testing/rig" },
      ["luassert"] = { "testing/assertions" },
      ["say"] = { "testing/assertions" },
      ["busted"] = { "commands/test", "framing/contract", "output/several", "output/specs", "output/specs_collect",
        "output/specs_junit", "output/specs_stream", "output/specs_tap" },
      ["busted.modules.output_handler_loader"] = { "output/several" },
      ["busted.outputHandlers.base"] = { "output/several", "output/specs_collect", "output/specs_tap" },
      ["busted.runner"] = { "commands/test" },
      ["pl.dir"] = { "covered" },
      ["pl.path"] = { "covered" },
      ["pl.pretty"] = { "output/specs_collect", "output/specs_tap" },
    }

    -- Beginnings of names, of which the rest is a verb or a page.
    local begun = {
      ["jig.commands.journal."] = { ["scripts/jig/commands/journal.lua"] = true },
      ["jig.commands."] = { ["scripts/jig/main.lua"] = true, ["scripts/jig/commands/help.lua"] = true },
      ["jig.pages."] = { ["scripts/jig/commands/help.lua"] = true },
    }

    local function may_require(path, name)
      for _, pattern in ipairs(others[name] or {}) do
        if path:match("^scripts/jig/" .. pattern .. "%.lua$") then return true end
      end
      return false
    end

    it("require jig's modules, which exist, and no spec or example", function()
      for _, path in ipairs(files("scripts/jig", "%.lua$")) do
        -- comments show what recipes and specs require
        local code = read(path):gsub("%-%-[^\n]*", "")
        for name in code:gmatch("require%s*%(?%s*[\"']([%w_%.]+)[\"']") do
          local module = name:match("^jig%.(.+)")
          if begun[name] then
            assert(begun[name][path], path .. " requires " .. name .. "…")
          elseif module then
            local file = "scripts/jig/" .. module:gsub("%.", "/") .. ".lua"
            assert(exists(file) or exists("bindings/" .. module .. ".c"), path .. " requires " .. name)
          elseif name ~= "jig" then
            assert(may_require(path, name), path .. " requires " .. name)
          end
        end
      end
    end)
  end)

  it("have a spec for every source, at the same path", function()
    local sources = {}
    for _, layer in ipairs { "core", "transports", "bindings" } do
      table.move(files(layer, "%.c$"), 1, 1000, #sources + 1, sources)
    end
    table.move(files("scripts/jig", "%.lua$"), 1, 1000, #sources + 1, sources)
    local seen = {}
    for _, path in ipairs(sources) do
      seen[path] = true
      assert(exists(spec_of(path)) ~= (COVERED[path] ~= nil),
        COVERED[path] and path .. " has a spec: take it from the list" or spec_of(path) .. " is missing")
    end
    for path in pairs(COVERED) do assert(seen[path], path .. " is gone: take it from the list") end
  end)

  describe("keep no checker silent without a reason", function()
    it("at a line", function()
      for _, folder in ipairs { "core", "transports", "bindings", "scripts", "examples", "spec" } do
        for _, path in ipairs(files(folder, "%.[chl][ua]*$")) do
          local line = unreasoned(read(path))
          assert(not line, ("%s: the reason is missing: %s"):format(path, line))
        end
      end
    end)

    it("in .clang-tidy, where each check that is off is named with it", function()
      local settings, off, named = read ".clang-tidy", {}, {}
      for name in settings:match "\nChecks:(.-)\n%u":gmatch "%s%-([%w][%w%.-]+)" do off[#off + 1] = name end
      for name in settings:gmatch "\n# +([%w%.-]+)  +%S" do named[#named + 1] = name end
      table.sort(off)
      table.sort(named)
      assert.is_true(#off > 0)
      assert.same(off, named)
    end)

    it("in .luacheckrc, where it stands above", function()
      local above = ""
      for line in read ".luacheckrc":gmatch "[^\n]*" do
        local silent = line:find "ignore%s*=" or line:find "globals%s*="
        assert(not silent or above:find "^%-%-", line)
        if not line:find "^files" then above = line end
      end
    end)

    it("and the look at it is not blind", function()
      for word in pairs(SUPPRESSIONS) do
        assert.is_false(is_reasoned("x(); // " .. word, ""), word)
        assert.is_false(is_reasoned("x(); // " .. word .. " ignore 211", ""), word)
      end
      for _, word in ipairs(ABOVE) do assert.equal(word, unreasoned("y();\n" .. word)) end
      assert.is_nil(unreasoned("/* why */\n" .. ABOVE[1]))
    end)
  end)

  it("have a README.md each", function()
    local top = scratch.run({ "find", ".", "-mindepth", "1", "-maxdepth", "1", "-type", "d", "-not", "-name", ".*" })
    for path in top.stdout:gmatch("[^\n]+") do
      if path ~= "./build" and path ~= "./" .. build then
        assert(exists(path .. "/README.md"), path .. "/README.md is missing")
      end
    end
    assert.is_true(exists "README.md")
  end)

  it("keep no state in variables of files", function()
    local objects = {}
    for _, layer in ipairs { "core", "transports", "bindings" } do
      table.move(files(build .. "/" .. layer, "%.o$"), 1, 1000, #objects + 1, objects)
    end
    local result = scratch.run { "nm", "--format=sysv", table.unpack(objects) }
    assert.equal(0, result.exit, result.stderr)
    local object, symbols = nil, 0
    for line in result.stdout:gmatch("[^\n]+") do
      object = line:match("^Symbols from (.*):$") or object
      local name, section = line:match("^(%S+)%s*|.*|([^|]*)$")
      if name then
        symbols = symbols + 1
        local mutable = section == "*COM*"
          or section:match("^%.t?bss") or section:match("^%.t?data") and not section:match("^%.data%.rel%.ro")
        local from = (object or ""):match("[^/]*/[^/]*$")
        local of_a_thread = section and section:match("^%.tbss") and OF_A_THREAD[from]
        if name == of_a_thread or name == OF_THE_PROCESS[from] then mutable = false end
        -- what begins with "__" or ".L" was added by the compiler's own checks
        assert(not mutable or name:match("^__") or name:match("^%.?L"),
          ("%s: %s is a variable in %s"):format(object, name, section))
      end
    end
    assert.is_true(symbols > 500)
  end)
end)
