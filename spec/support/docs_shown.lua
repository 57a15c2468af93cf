--- Compares what a page shows with what a program told. These stand for any of their kind: seconds ("0.42 s", and
-- those that a line of a cassette begins with), eight and more hexadecimal digits ("8e15…" is some, too), dates and
-- times, a proof's counts of paths, the amount of blanks, and "…" for any text, or, as a line, for any lines. Empty
-- lines do not count.

local docs_shown = {}

local function any_of_its_kind(line)
  line = line:gsub("%d+%.%d+ s%f[%W]", "N s"):gsub("%d%d%d%d%-%d%d%-%d%d[T ]%d%d:%d%d:?%d?%d?Z?", "TIME")
  line = line:gsub("^%d+%.%d%d%d%d%d%d ([<>=] )", "N %1")
  line = line:gsub("%f[%w](%x%x%x%x+)…", function(digits) return digits:find("%d") and "HEX" end)
  line = line:gsub("%f[%w]%x%x%x%x%x%x%x%x+%f[%W]", function(digits) return digits:find("%d") and "HEX" end)
  line = line:gsub("%d+ effects, %d+ paths with one fault, %d+ with two", "PATHS")
  return (line:gsub("%s+$", ""):gsub(" +", " "))
end

local function line_fits(shown, told)
  local pattern = any_of_its_kind(shown):gsub("[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0"):gsub("…", ".-")
  return any_of_its_kind(told):find("^" .. pattern .. "$") ~= nil
end

local function lines_fit(shown, told, i, j)
  if i > #shown then return j > #told end
  if shown[i]:match("^%s*…%s*$") then
    for from = j, #told + 1 do
      if lines_fit(shown, told, i + 1, from) then return true end
    end
    return false
  end
  return told[j] ~= nil and line_fits(shown[i], told[j]) and lines_fit(shown, told, i + 1, j + 1)
end

--- Whether what a program told is what the page shows.
---@param shown string[]
---@param told string
---@return boolean
function docs_shown.fits(shown, told)
  local lines = {}
  for line in told:gmatch("[^\n]+") do lines[#lines + 1] = line end
  local kept = {}
  for _, line in ipairs(shown) do
    if line ~= "" then kept[#kept + 1] = line end
  end
  return lines_fit(kept, lines, 1, 1)
end

return docs_shown
