--- Numbers and tables of the benchmark's programs.

local report = {}

local function sorted(values)
  local copy = table.move(values, 1, #values, 1, {})
  table.sort(copy)
  return copy
end

function report.median(values)
  local v = sorted(values)
  local middle = #v // 2
  return #v % 2 == 1 and v[middle + 1] or (v[middle] + v[middle + 1]) / 2
end

--- The least value that so many per cent of all are not above; infinite when there are none.
function report.percentile(values, per_cent)
  local v = sorted(values)
  return v[math.max(1, math.ceil(#v * per_cent / 100))] or math.huge
end

function report.span(values, format)
  local v = sorted(values)
  return (format .. " (" .. format .. "–" .. format .. ")"):format(report.median(v), v[1], v[#v])
end

function report.column(rows, key)
  local values = {}
  for i, row in ipairs(rows) do
    values[i] = row[key]
  end
  return values
end

--- Round by round, so that what slows a whole round down does not count.
function report.ratios(rows, base, key)
  local values = {}
  for i, row in ipairs(rows) do
    values[i] = row[key] / base[i][key]
  end
  return values
end

local function pad(text, width)
  return text .. (" "):rep(width - utf8.len(text))
end

function report.print_table(title, rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 0, utf8.len(cell))
    end
  end
  print("\n" .. title .. "\n")
  for _, row in ipairs(rows) do
    local cells = {}
    for i, cell in ipairs(row) do
      cells[i] = pad(cell, widths[i])
    end
    print("  " .. (table.concat(cells, "   "):gsub("%s+$", "")))
  end
end

--- Adds a row to a table of goals.
function report.verdict(rows, what, goal, format, got, met)
  rows[#rows + 1] = { what, goal, format:format(got), met and "met" or "NOT MET" }
end

return report
