-- The files of counters that bindings/coverage.c writes into a folder.
--
--     local counted = counters(folder)["/path/of/source.lua"]   -- { recipe = 0, [line] = runs }; nil: not counted

local scratch = require "spec.support.scratch"

local PATH <const>, WORD <const> = 4096, 4 -- bytes

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

return function(folder)
  local found = {}
  for name in scratch.run({ "find", folder, "-type", "f" }).stdout:gmatch("[^\n]+") do
    local text = read(name)
    local source = string.unpack("z", text)
    assert(found[source] == nil, "a source is counted twice")
    local counted = { recipe = string.unpack("=I4", text, PATH + 1), size = #text // WORD - PATH // WORD - 2 }
    for line = 1, counted.size do
      local runs = string.unpack("=I4", text, PATH + WORD + line * WORD + 1)
      if runs > 0 then counted[line] = runs end
    end
    found[source] = counted
  end
  return found
end
