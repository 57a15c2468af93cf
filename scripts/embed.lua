-- Turns scripts into one C file of bytecode, at build time:
--     lua5.4 scripts/embed.lua OUT.c MODULE=FILE...
-- Source names and line numbers stay in, for error messages.

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

out:write("/* Made by scripts/embed.lua. */\n#include \"bindings/state.h\"\n\n")
for i = 2, #arg do
  local module, file = arg[i]:match("^([^=]+)=(.+)$")
  local chunk, message = loadfile(file, "t")
  if not chunk then
    io.stderr:write(message, "\n")
    os.exit(1)
  end
  local code = string.dump(chunk)
  out:write(("static const unsigned char script_%d[] = {\n%s};\n"):format(i, bytes_of(code)))
  list[#list + 1] = ("    {\"%s\", script_%d, sizeof script_%d},\n"):format(module, i, i)
end
table.sort(list) -- by name: they are looked up by bisection
out:write("\nconst struct jig_script jig_scripts[] = {\n", table.concat(list), "};\n\n",
  "const size_t jig_script_count = sizeof jig_scripts / sizeof *jig_scripts;\n")
assert(out:close())
