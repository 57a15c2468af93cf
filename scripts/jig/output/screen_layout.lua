--- What the table of a screen looks like: lines for a terminal of some size, from what stands of each slot.
-- Pure. No line is longer than the columns less one, and there is at least one row less than the terminal
-- has, so that nothing wraps or scrolls and the cursor stands below. Texts of the view are plain (jig.output.width).

local width = require "jig.output.width"

local layout = {}

---@class jig.ScreenRow  one slot
---@field slot string
---@field serial? string
---@field phase string
---@field active boolean     a unit is being worked on
---@field seconds? number    of the unit: so far, or in all
---@field verdict? "PASS"|"FAIL"  stays until the next unit
---@field code? string      ERROR_CODE
---@field fault? string     its name
---@field advice? string     for the operator

---@class jig.ScreenView
---@field columns integer    of the terminal
---@field rows integer
---@field slots jig.ScreenRow[]
---@field serial_width integer  of the longest serial number so far: columns do not move back and forth
---@field totals { units: integer, passed: integer, failed: integer, active: integer }
---@field seconds number     since the screen began
---@field colour? boolean

-- What differs without colours, too: another word, a mark, inverse video.
local VERDICTS <const> = { PASS = "PASS", FAIL = "FAIL!" }
local PAINT <const> = { PASS = "\27[32m", FAIL = "\27[1;7m" }
local PLAIN <const> = "\27[0m"

-- Cells: at least; as a rule at most; where the terminal is wide enough. On a narrow one those with the
-- highest rank are left out.
local COLUMNS <const> = {
  { key = "slot", least = 3, rank = 1 },
  { key = "serial", least = 6, rank = 6 },
  { key = "phase", least = 5, most = 24, wide = 40, rank = 3 },
  { key = "elapsed", least = 6, most = 7, rank = 5, right = true },
  { key = "verdict", least = 5, most = 7, rank = 2 },
  { key = "code", least = 3, most = 40, rank = 4 },
}

--- A duration in six cells at most: 0:42, 12:05, 3h07m.
---@param seconds number
---@return string
function layout.duration(seconds)
  local minutes = seconds // 60 | 0
  if minutes < 60 then return ("%d:%02d"):format(minutes, seconds // 1 % 60) end
  if minutes < 6000 then return ("%dh%02dm"):format(minutes // 60, minutes % 60) end
  return ("%dh"):format(minutes // 60)
end

-- ---- columns ----

-- The columns for which a line of `room` cells has space, each with one cell between them.
local function chosen(room)
  local list, needed = {}, -1
  for i, column in ipairs(COLUMNS) do
    list[i] = column
    needed = needed + column.least + 1
  end
  while needed > room and #list > 1 do
    local last = 1
    for i, column in ipairs(list) do
      if column.rank > list[last].rank then last = i end
    end
    needed = needed - list[last].least - 1
    table.remove(list, last)
  end
  return list
end

local function widest_slot(slots)
  local most = #"slot"
  for _, row in ipairs(slots) do most = math.max(most, width.of(row.slot)) end
  return most
end

-- Gives the cells that are left, one each in turn, to the columns that have less than they want. How many
-- are left then.
local function hand_out(cells, left, wants)
  local grown = true
  while grown do
    grown = false
    for i, want in ipairs(wants) do
      if left > 0 and cells[i] < want then
        cells[i], left, grown = cells[i] + 1, left - 1, true
      end
    end
  end
  return left
end

-- The cells of each column; `widest` are those of the columns that have no limit of their own.
local function share(list, room, widest)
  local cells, most, wide, left = {}, {}, {}, room - #list + 1
  for i, column in ipairs(list) do
    cells[i] = math.min(column.least, room)
    most[i] = column.most or widest[column.key]
    wide[i] = column.wide or most[i]
    left = left - cells[i]
  end
  hand_out(cells, hand_out(cells, left, most), wide)
  return cells
end

-- ---- lines ----

-- The code is never cut for its fault's name.
local function code_text(row, cells)
  if not row.code then return end
  local text = row.fault and row.code .. " " .. row.fault or row.code
  return (width.of(text) <= cells or cells > #row.code + 2) and text or row.code
end

-- The text of a row for a column of so many cells.
local function cell_text(row, key, cells)
  if key == "elapsed" then return row.seconds and layout.duration(row.seconds) end
  if key == "verdict" then return row.verdict and VERDICTS[row.verdict] end
  if key == "code" then return code_text(row, cells) end
  return row[key]
end

local function row_texts(row, columns, cells)
  local texts = {}
  for i, column in ipairs(columns) do texts[i] = width.cut(cell_text(row, column.key, cells[i]) or "", cells[i]) end
  return texts
end

local function titles(columns, cells)
  local texts = {}
  for i, column in ipairs(columns) do texts[i] = column.key:sub(1, cells[i]) end
  return texts
end

-- One line of the table, without blanks at its end. `paint` is laid around the verdict.
local function table_line(columns, cells, texts, paint)
  local parts, last = {}, 0
  for i, column in ipairs(columns) do
    local text = texts[i]
    local blanks = (" "):rep(cells[i] - width.of(text))
    if text ~= "" then last = i end
    if paint and column.key == "verdict" then text = paint .. text .. PLAIN end
    parts[i] = column.right and blanks .. text or text .. blanks
  end
  return (table.concat(parts, " ", 1, last):gsub(" +$", ""))
end

local function head(view, room)
  local totals, time = view.totals, layout.duration(view.seconds)
  local long = ("%d unit%s: %d passed, %d failed, %d in work, %s"):format(totals.units, totals.units == 1 and "" or "s",
    totals.passed, totals.failed, totals.active, time)
  if #long <= room then return long end
  return width.cut(("%d PASS %d FAIL %s"):format(totals.passed, totals.failed, time), room)
end

-- ---- which slots ----

local function state_of(row)
  if row.verdict == "FAIL" then return "failed" end
  if row.active then return "in work" end
  return row.verdict == "PASS" and "passed" or "waiting"
end

local ORDER <const> = { "failed", "in work", "passed", "waiting" }

-- The rows that have space, and how many of each state have not.
local function choose(slots, space)
  if #slots <= space then return slots, nil end
  local by_state, shown, hidden = {}, {}, { count = 0 }
  for _, state in ipairs(ORDER) do by_state[state], hidden[state] = {}, 0 end
  for _, row in ipairs(slots) do table.insert(by_state[state_of(row)], row) end
  for _, state in ipairs(ORDER) do
    for _, row in ipairs(by_state[state]) do
      if #shown < space - 1 then
        shown[#shown + 1] = row
      else
        hidden.count, hidden[state] = hidden.count + 1, hidden[state] + 1
      end
    end
  end
  return shown, hidden
end

local function rest_line(hidden, room)
  local parts = {}
  for _, state in ipairs(ORDER) do
    if hidden[state] > 0 then parts[#parts + 1] = ("%d %s"):format(hidden[state], state) end
  end
  return width.cut(("… %d more: %s"):format(hidden.count, table.concat(parts, ", ")), room)
end

-- The fewest lines that have room for titles.
local TITLED <const> = 4

--- The lines of the table, from the top.
---@param view jig.ScreenView
---@return string[]
function layout.lines(view)
  local room, height = math.max(view.columns - 1, 1), math.max(view.rows - 1, 1)
  local columns = chosen(room)
  local cells = share(columns, room, { slot = widest_slot(view.slots), serial = math.max(view.serial_width, 6) })
  local lines = { head(view, room) }
  if height >= TITLED then lines[2] = table_line(columns, cells, titles(columns, cells)) end
  local space = height - #lines
  if space < 1 then return lines end
  local shown, hidden = choose(view.slots, space)
  local spare = space - #shown - (hidden and 1 or 0)
  for _, row in ipairs(shown) do
    lines[#lines + 1] = table_line(columns, cells, row_texts(row, columns, cells), view.colour and PAINT[row.verdict])
    if row.advice and spare > 0 then
      lines[#lines + 1] = width.cut("    " .. row.advice, room)
      spare = spare - 1
    end
  end
  if hidden then lines[#lines + 1] = rest_line(hidden, room) end
  return lines
end

--- The cells of a line of the table.
---@param line string
---@return integer
function layout.cells(line)
  return width.of((line:gsub("\27%[[%d;]*m", "")))
end

return layout
