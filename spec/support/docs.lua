--- The pages (README.md of each folder), followed from top to bottom as a reader would, in a folder of their own.
--
--     local page <close> = docs.follow "examples/README.md"
--     for _, block in ipairs(docs.blocks "examples/README.md") do page:run(block) end
--
-- What a block of code is, is told by the block and by the paragraph before it:
--
--   `NAME`: at the end of a paragraph    the block is written to that file of the page's folder; "Add to `NAME`:",
--                                        and it goes before the file's last line that begins with "}"
--   ```lua                               docs_lua.lua: a recipe, a station file, a spec, … runs in a fitting frame
--   ```json, ```c                        each line is an object; it compiles with the project's flags
--   ```sh, and indented blocks           commands: docs_commands.lua
--   an indented block, "jig-cassette 1"  what such a file holds: docs_cassette.lua
--
-- Commands run in one shell per block. None may be a usage error (2), unknown (126, 127) or die by a signal (128
-- and above), and no replay may differ (1). What is shown is compared line by line: docs_shown.lua.
--
-- Stand-ins make a factory of this machine: docs.STAND_INS. A proof is made with one fault at a time, because
-- spec/flow/proofs_spec.lua makes the pairs, unless JIG_DOCS=whole; and make is only asked whether it knows what
-- it is told to do.

local cjson = require "cjson.safe"
local docs_cassette = require "spec.support.docs_cassette"
local docs_commands = require "spec.support.docs_commands"
local docs_shown = require "spec.support.docs_shown"
local markdown = require "jig.markdown"
local proofs = require "spec.support.proofs"
local run_lua = require "spec.support.docs_lua"
local scratch = require "spec.support.scratch"
local station = require "spec.support.station"
local system = require "jig.system"

local docs = {}

local ROOT <const> = assert(system.realpath ".")
local WHOLE <const> = os.getenv "JIG_DOCS" == "whole"

-- What a page names -> what it is here; plain text, in this order. PLACE is the page's folder, BUILD the programs'.
docs.STAND_INS = {
  -- synopses
  { "[PATH…]", "trial_spec.lua" }, { "[--lcov FILE]", "--lcov lcov.info" },
  { "FOLDER --path", "examples/thermostat --path" }, { "FOLDER", "trial" },
  { "--port ADDRESS", "--port tcp:127.0.0.1:9" }, { "--junit FILE", "--junit junit.xml" },
  { "--stop N", "--stop 3" }, { "SESSION", "4f1a2b3c" }, { "--count 1000", "--count 2" },
  { "jig replay FILE", "jig replay cassettes/line4.cassette" },
  -- places
  { "/tmp/", "PLACE/tmp/" }, { "/mnt/usb/", "PLACE/" }, { "/etc/jig/", "PLACE/" },
  { "/usr/local/share/doc/jig/station/", "PLACE/examples/station/" },
  { "--store /tmp ", "--store PLACE " },
  { "/opt/secure-factory/factory_tool", "BUILD/factory_tool" },
  -- devices
  { "serial:/dev/ttyUSB0", "tty:PLACE/tmp/wire" }, { "tcp:192.168.1.10:7777", "tcp:127.0.0.1:9" },
  { "tcp:7777", "tcp:0" }, { " … --slot", " --slot" },
  { "tcp:10.0.0.7:7777", "tcp:127.0.0.1:9" },
  { "--port …", "--port tty:PLACE/tmp/wire --cli BUILD/factory_tool" },
  -- files of specs, which run where the source is
  { '"examples/thermostat/line4', '"PLACE/examples/thermostat/line4' },
}

--- The pages, sorted.
---@return string[]
function docs.pages()
  local found = {}
  local result = scratch.run { "find", ".", "-name", "*.md", "-not", "-path", "./build/*", "-not", "-path", "./.git/*" }
  for path in result.stdout:gmatch("%./([^\n]+)") do found[#found + 1] = path end
  table.sort(found)
  return found
end

---@class spec.DocsBlock: jig.markdown.Block
---@field place string   "README.md:12"
---@field first string   its first line
---@field file? string   that it is written to
---@field adds? boolean  to that file

-- The file that a paragraph names at its end, and whether the block is added to it.
local function file_of(paragraph)
  local text = paragraph and paragraph.kind == "text" and paragraph.text or ""
  local file = text:match("`([%w_%-./]+%.%w+)`[^`]*:$")
  return file, file and text:lower():find("add to `" .. file:lower() .. "`", 1, true) ~= nil
end

--- The blocks of code of a page.
---@param path string
---@return spec.DocsBlock[]
function docs.blocks(path)
  local list, before = {}, nil
  for _, block in ipairs(markdown.blocks(station.read(path))) do
    if block.kind == "code" then
      block.place, block.first = ("%s:%d"):format(path, block.line), block.lines[1] or ""
      if block.language and block.language ~= "sh" then block.file, block.adds = file_of(before) end
      list[#list + 1] = block
    end
    before = block
  end
  return list
end

-- Calls f with each text of a block: of a heading, a paragraph, an item, a cell.
local function each_text(block, f)
  if block.text then f(block.text) end
  for _, item in ipairs(block.items or {}) do f(item.text) end
  for _, row in ipairs(block.rows or {}) do
    for _, cell in ipairs(row) do f(cell) end
  end
end

-- The links of a text, those inside emphasis too.
local function add_links(list, text, line)
  for _, span in ipairs(markdown.spans(text)) do
    if span.kind == "link" and not span.target:find("://", 1, true) then
      list[#list + 1] = { target = span.target, line = line }
    elseif span.kind == "strong" or span.kind == "emphasis" then
      add_links(list, span.text, line)
    end
  end
end

--- The links of a page that stay in the tree.
---@param path string
---@return { target: string, line: integer }[]
function docs.links(path)
  local list = {}
  for _, block in ipairs(markdown.blocks(station.read(path))) do
    each_text(block, function(text) add_links(list, text, block.line) end)
  end
  return list
end

--- What links may name in a page.
---@param path string
---@return table<string, true>
function docs.anchors(path)
  local set = {}
  for _, block in ipairs(markdown.blocks(station.read(path))) do
    if block.kind == "heading" then set[markdown.anchor(block.text)] = true end
  end
  return set
end

-- ---- a page ----

---@class spec.Page  a page that is followed; closing it removes its folder
local page = {}
page.__index = page

-- A spec, for pages that run any.
local TRIAL_SPEC <const> = 'it("is run", function() assert.is_true(true) end)\n'

local PRELUDE <const> = [[
exec 2>&1 </dev/null
make() {
    local word known
    for word in "$@"; do
        case $word in
        *=*) known="\$(${word%%=*})\|^${word%%=*} *?=";;
        -*) continue;;
        *) known="^$word:";;
        esac
        grep -q "$known" "$ROOT/Makefile" || { echo "make: nothing is known of $word"; return 2; }
    done
}
ready() { # waits until the program in the background says that it is
    for _ in {1..3000}; do
        grep -qs . "$1" && return
        kill -0 $! 2>/dev/null || { cat "$1"; return; }
        sleep 0.01
    done
    echo "it is not ready: $1"
}
finish() { kill $(jobs -p) 2>/dev/null; wait; }
trap finish EXIT
]]

--- A folder in which a page is followed, with what the pages speak of. Yields.
---@param path string  of the page
---@return spec.Page
function docs.follow(path)
  local folder = scratch.folder {
    ["trial_spec.lua"] = TRIAL_SPEC, ["bin/jig"] = "", ["tmp/any"] = "",
  }
  os.remove(folder.path .. "/bin/jig")
  for name, target in pairs {
    ["bin/jig"] = station.jig, ["bin/device"] = station.simulator, ["bin/factory_tool"] = station.factory_tool,
    build = station.build, spec = ROOT .. "/spec", scripts = ROOT .. "/scripts", thermostat = "examples/thermostat",
  } do
    scratch.run { "ln", "-s", target, folder.path .. "/" .. name }
  end
  scratch.run { "cp", "-r", ROOT .. "/examples", folder.path } -- for pages that put files there
  return setmetatable({ path = path, folder = folder, place = folder.path }, page)
end

function page:__close() self.folder:__close() end

--- A text with the stand-ins for what it names.
---@param text string
---@return string
function page:here(text)
  for _, pair in ipairs(docs.STAND_INS) do
    local from = pair[1]:gsub("%p", "%%%0")
    text = text:gsub(from, (pair[2]:gsub("PLACE", self.place):gsub("BUILD", station.build):gsub("%%", "%%%%")))
  end
  return text
end

-- A command as it is run here.
local function adapted(text)
  if not WHOLE and text:match("^jig prove ") and not text:find("--path", 1, true) then text = text .. " --singles" end
  if text:match("jig test ") and text:match("examples/") then text = text .. " --no-proof" end
  if text:match("%-%-follow") or text:match("%-%-watch") then text = "timeout --signal INT 0.2 " .. text end
  return text
end

-- The block as one script, which says before each command its number and after it its status.
local function script_of(self, commands)
  local parts = { PRELUDE }
  for i, command in ipairs(commands) do
    local text = adapted(self:here(command.text))
    local behind = text:match("^(.-)%s*&$")
    parts[#parts + 1] = ("printf '\\036%d\\n'"):format(i)
    if behind then
      parts[#parts + 1] = ("%s > out.%d & ready out.%d"):format(behind, i, i)
    else
      parts[#parts + 1] = text
    end
    parts[#parts + 1] = "printf '\\037%d\\n' $?"
  end
  return table.concat(parts, "\n") .. "\n"
end

-- The wires that a block's stand-ins lead to: the simulated device of a recipe that it names.
local function device_of(self, block)
  local text = table.concat(block.lines, "\n")
  if not self:here(text):find(self.place .. "/tmp/wire", 1, true) then return end
  local wire = text:find("meter", 1, true) and "slip" or "length"
  local made = station.device(setmetatable({ path = self.place .. "/tmp", names = 0, fresh = function()
    return self.place .. "/tmp/wire"
  end }, {}), { wire = wire, arguments = { "--serial", "T100317" } })
  return made
end

-- A product, a cassette, and a journal to read with its keys, for pages that speak of any.
local function prepare(self, text)
  if text:find("FOLDER", 1, true) and self.folder:read "trial/recipe.lua" == "" then
    self.folder:write("trial/recipe.lua", proofs.STANDARD.text)
    self.folder:write("trial/device.lua", proofs.STANDARD.device)
  end
  if not self.cassette and (text:find("cassette", 1, true) or text:find("jig replay", 1, true)) then
    self.cassette = true
    docs_cassette.put(self.folder)
  end
  if self.journal or not text:find("jig journal", 1, true) then return end
  self.journal = true
  scratch.run { "bash", "-c", [[openssl genpkey -algorithm ed25519 -out journal.pem && chmod 600 journal.pem &&
    openssl pkey -in journal.pem -pubout -out journal.pub && PATH=$PWD/bin:$PATH TMPDIR=$PWD/tmp \
    XDG_STATE_HOME=$PWD/state XDG_RUNTIME_DIR=$PWD/run jig run thermostat --port tcp:127.0.0.1:9 \
    --cli build/factory_tool]], cwd = self.place }
end

function page:environment()
  return {
    PATH = self.place .. "/bin:" .. os.getenv "PATH", HOME = self.place, XDG_STATE_HOME = self.place .. "/state",
    XDG_RUNTIME_DIR = self.place .. "/run", TMPDIR = self.place .. "/tmp", ROOT = ROOT, NO_COLOR = "1",
    LC_ALL = "C.UTF-8", JIG_COVERAGE = false, MANPATH = false,
  }
end

-- Whether a command must not end so.
local function is_wrong(command, status)
  if command:match("^jig replay ") and status ~= 0 then return true end
  return status == 2 or status == 126 or status == 127 or status > 128
end

function page:shell(block)
  local commands = docs_commands.of(block)
  local device <close> = device_of(self, block)
  local result = scratch.run { "bash", "-c", script_of(self, commands), cwd = self.place, env = self:environment() }
  local told = {}
  for number, text, status in (result.stdout .. "\30"):gmatch("\30(%d+)\n([^\30\31]*)\31(%d+)\n") do
    told[tonumber(number)] = { text = text:gsub(self.place, ""), status = tonumber(status) }
  end
  for i, command in ipairs(commands) do
    local got = told[i] or error(("%s: it did not come to: %s\n%s"):format(block.place, command.text, result.stdout), 0)
    if is_wrong(command.text, got.status) then
      error(("%s: exit status %d: %s\n%s\n(what stands for a name or a device is listed in docs.STAND_INS)"):format(
        block.place, got.status, command.text, got.text), 0)
    end
    if command.compare and not docs_shown.fits(command.shown, got.text) then
      error(("%s: %s\nshows\n%s\nbut it is\n%s"):format(block.place, command.text,
        table.concat(command.shown, "\n"), got.text), 0)
    end
  end
  return #commands
end

-- ---- the other languages ----

local languages = {}

function languages.lua(self, block)
  run_lua(self, block)
end

function languages.json(_, block)
  local whole = cjson.decode(table.concat(block.lines, "\n"))
  for number, line in ipairs(whole and {} or block.lines) do
    if not cjson.decode(line) then error(("%s: line %d is no JSON"):format(block.place, number), 0) end
  end
end

-- The warnings that the Makefile asks for.
local function warnings()
  local words = {}
  for word in station.read("Makefile"):match("\nWARN += (.-) %$"):gmatch("%S+") do words[#words + 1] = word end
  return words
end

local function compile(file, place)
  local words = { "cc", "-std=c11", "-D_GNU_SOURCE", "-I" .. ROOT, "-Werror", "-fsyntax-only", file }
  local result = scratch.run(table.move(warnings(), 1, 20, #words + 1, words))
  if result.exit ~= 0 then error(("%s: it does not compile\n%s"):format(place, result.stderr), 0) end
end

function languages.c(self, block)
  compile(self.folder:write("block.c", table.concat(block.lines, "\n") .. "\n"), block.place)
end

languages.sh = page.shell

-- Puts lines before the last one that begins with "}".
local function added(text, more)
  local at = 1
  for from in ("\n" .. text):gmatch("\n()}") do at = from - 1 end
  return text:sub(1, at - 1) .. more .. text:sub(at)
end

function page:write(block)
  local text = table.concat(block.lines, "\n") .. "\n"
  local old = self.folder:read(block.file)
  if block.adds then
    if old == "" then error(("%s: there is no %s to add to"):format(block.place, block.file), 0) end
    text = added(old, text)
  end
  self.folder:write(block.file, text)
  if block.file:match("%.c$") then compile(self.place .. "/" .. block.file, block.place) end
  if block.file:match("%.lua$") then
    local ok, message = loadfile(self.place .. "/" .. block.file, "t")
    if not ok then error(("%s: %s"):format(block.place, message), 0) end
  end
end

--- Follows the page by one block. Raises when it is not as the page says. Yields.
---@param block spec.DocsBlock
function page:run(block)
  if block.file then return self:write(block) end
  prepare(self, table.concat(block.lines, "\n"))
  if block.first:match("^jig%-cassette ") then return docs_cassette.compare(self.folder, block) end
  if not block.language or block.language == "" or block.language == "text" then
    if docs_commands.only(block) then return self:shell(block) end
    error(("%s: neither a language at its fence nor commands: say what it is, or list it with its reason in %s")
      :format(block.place, "spec/docs_spec.lua"), 0)
  end
  local run = languages[block.language]
    or error(("%s: nothing is known of the language '%s'"):format(block.place, block.language), 0)
  return run(self, block)
end

return docs
