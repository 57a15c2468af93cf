--- Mistakes that are made on purpose in a copy of the source, to see that they are found: spec/mutants, spec/fuzz.

local mistakes = {}

---@param path string
---@return string
function mistakes.read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

---@param path string
---@param text string
function mistakes.write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

--- How often a text stands in another.
---@param text string
---@param plain string
---@return integer
function mistakes.occurrences(text, plain)
  local count, at = 0, 1
  while true do
    local first, last = text:find(plain, at, true)
    if not first then return count end
    count, at = count + 1, last + 1
  end
end

--- The text of a file with the mistake made in it. Raises when what is replaced does not stand there once.
---@param text string
---@param mutant { name: string, file: string, from: string, to: string }
---@return string
function mistakes.made(text, mutant)
  local first, last = text:find(mutant.from, 1, true)
  assert(first, mutant.name .. ": what is to be replaced does not stand in " .. mutant.file)
  assert(not text:find(mutant.from, last, true), mutant.name .. ": it stands twice in " .. mutant.file)
  return text:sub(1, first - 1) .. mutant.to .. text:sub(last + 1)
end

return mistakes
