-- Turns scripts into one C file of bytecode, at build time:
--     lua5.4 scripts/embed.lua OUT.c MODULE=FILE...
-- A FILE that is no script (a page of the manual) becomes a module that gives its text.
-- Source names and line numbers stay in, for error messages. The names of local variables and upvalues are
-- left out: they are half of what there is to load, and a start took a tenth longer with them.

package.path = arg[0]:gsub("[^/]*$", "?.lua;") .. package.path

local out = assert(io.open(arg[1], "w"))
local list = {}

local function bytes_of(code)
  local lines = {}
  for i = 1, #code, 16 do
    local line = {}
    for j = i, math.min(i + 15, #code) do
      line[#line + 1] = code:byte(j)
    end
    lines[#lines + 1] = table.concat(line, ",")
  end
  return table.concat(lines, ",\n")
end

-- ---- bytecode without names ----

local Reader, reader_of = require "jig.bytecode".kind()

-- Keeps what was read since the last call.
function Reader:keep()
  self.kept[#self.kept + 1] = self.code:sub(self.from, self.at - 1)
  self.from = self.at
end

function Reader:leave_out_names()
  self:keep()
  self:names()
  self.from = self.at
  self.kept[#self.kept + 1] = "\x80\x80" -- none of both
end

function Reader:func()
  self:string() -- source
  self:int()
  self:int() -- first line, last line
  self:skip(3)
  self:skip(4 * self:int()) -- instructions
  self:constants()
  self:skip(3 * self:int()) -- upvalues
  for _ = 1, self:int() do self:func() end
  self:skip(self:int()) -- lines
  for _ = 1, 2 * self:int() do self:int() end -- a line in full, here and there
  self:leave_out_names()
end

local function without_names(code)
  local reader = reader_of(code)
  reader.from, reader.kept = 1, {}
  reader:func()
  local short = table.concat(reader.kept)
  assert(reader.at == #code + 1 and load(short, "check", "b"), "the bytecode is not as expected")
  return short
end

-- The chunk of a script; of anything else, one that returns it.
local function load_file(file)
  if file:match("%.lua$") then return loadfile(file, "t") end
  local from <close> = assert(io.open(file, "rb"))
  return load(("return %q"):format(from:read("a")), "=" .. file, "t")
end

out:write("/* Made by scripts/embed.lua. */\n#include \"bindings/state.h\"\n\n")
for i = 2, #arg do
  local module, file = arg[i]:match("^([^=]+)=(.+)$")
  local chunk, message = load_file(file)
  if not chunk then
    io.stderr:write(message, "\n")
    os.exit(1)
  end
  local code = without_names(string.dump(chunk))
  out:write(("static const unsigned char script_%d[] = {\n%s};\n"):format(i, bytes_of(code)))
  list[#list + 1] = ("    {\"%s\", script_%d, sizeof script_%d},\n"):format(module, i, i)
end
table.sort(list) -- by name: they are looked up by bisection
out:write("\nconst struct jig_script jig_scripts[] = {\n", table.concat(list), "};\n\n",
  "const size_t jig_script_count = sizeof jig_scripts / sizeof *jig_scripts;\n")
assert(out:close())
