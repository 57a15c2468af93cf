--- Shows which lines of recipes ran: a table for people, and lcov's tracefile for programs.

local coverage = {}

-- "12-15, 20": the lines that never ran; what cannot run does not part a range.
local function missed(file)
  local ranges, from, to = {}, nil, nil
  local function close()
    if from then ranges[#ranges + 1] = from == to and tostring(from) or ("%d-%d"):format(from, to) end
    from = nil
  end
  for _, line in ipairs(file.can) do
    if file.runs[line] == 0 then
      from, to = from or line, line
    else
      close()
    end
  end
  close()
  return table.concat(ranges, ", ")
end

-- Never rounded up: 100 is all.
local function percent(ran, can)
  return ("%.1f"):format(can == 0 and 100 or math.floor(ran * 1000 / can) / 10)
end

--- A row per file and, of several, one of all.
---@param files jig.CoveredFile[]
---@return string
function coverage.table(files)
  if #files == 0 then return "coverage: no recipe was run\n" end
  local rows, can, ran = { { "coverage", "lines", "ran", "%", "never reached" } }, 0, 0
  local width = #rows[1][1]
  for i, file in ipairs(files) do
    rows[i + 1] = { file.path, #file.can, file.ran, percent(file.ran, #file.can), missed(file) }
    can, ran, width = can + #file.can, ran + file.ran, math.max(width, #file.path)
  end
  if #files > 1 then rows[#rows + 1] = { "all", can, ran, percent(ran, can), "" } end
  local out = {}
  for i, row in ipairs(rows) do
    out[i] = ("%-" .. width .. "s  %6s  %6s  %5s  %s"):format(table.unpack(row)):gsub(" +$", "") .. "\n"
  end
  return table.concat(out)
end

--- The tracefile: per file SF, a DA for each line that can run, LF and LH.
---@param files jig.CoveredFile[]
---@return string
function coverage.lcov(files)
  local out = {}
  local function add(form, ...) out[#out + 1] = form:format(...) .. "\n" end
  for _, file in ipairs(files) do
    add("TN:")
    add("SF:%s", file.path)
    for _, line in ipairs(file.can) do add("DA:%d,%d", line, file.runs[line]) end
    add("LF:%d", #file.can)
    add("LH:%d", file.ran)
    add("end_of_record")
  end
  return table.concat(out)
end

return coverage
