--- The word that was probably meant.

local nearest = {}

-- How many letters must be put in, taken out, changed or swapped with their neighbour.
local function distance(one, other)
  local before, row = {}, {}
  for j = 0, #other do row[j] = j end
  for i = 1, #one do
    local older
    older, before, row = before, row, { [0] = i }
    for j = 1, #other do
      local same = one:byte(i) == other:byte(j) and 0 or 1
      row[j] = math.min(before[j] + 1, row[j - 1] + 1, before[j - 1] + same)
      local swapped = i > 1 and j > 1 and one:byte(i) == other:byte(j - 1) and one:byte(i - 1) == other:byte(j)
      if swapped then row[j] = math.min(row[j], older[j - 2] + 1) end
    end
  end
  return row[#other]
end

-- Longer words are compared to nothing: no name of an API is as long.
local LONGEST <const> = 60

--- The word of a list that is nearest to another, when it is near: a third of its letters at most are wrong. Of
--- two that are as near the first in the alphabet.
---@param word string
---@param words string[]
---@param most? integer  letters that may be wrong
---@return string?
function nearest.of(word, words, most)
  if #word > LONGEST then return nil end
  local best, least = nil, (most or math.max(1, #word // 3)) + 1
  local sorted = table.move(words, 1, #words, 1, {})
  table.sort(sorted)
  for _, other in ipairs(sorted) do
    local steps = distance(word:lower(), other:lower())
    if steps < least and steps < #word then best, least = other, steps end
  end
  return best
end

--- Whether a list has a word.
---@param word string
---@param words string[]
---@return boolean
function nearest.among(word, words)
  for _, other in ipairs(words) do
    if word == other then return true end
  end
  return false
end

--- What to write instead of an unknown word, as a sentence.
---@param word string
---@param words string[]
---@return string
function nearest.advice(word, words)
  local near = nearest.of(word, words)
  if near then return ("did you mean '%s'?"):format(near) end
  local sorted = table.move(words, 1, #words, 1, {})
  table.sort(sorted)
  return "there is " .. table.concat(sorted, ", ")
end

return nearest
