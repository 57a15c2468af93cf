--- A page of the manual as text for people: headings stand out, what they say is indented, everything but code
-- is wrapped. Marks of emphasis, code and links are left out.

local markdown = require "jig.markdown"
local topics = require "jig.topics"
local width = require "jig.output.width"

local page = {}

local BODY <const>, CODE <const> = "  ", "      "

-- Cells between the columns of a table.
local GAP <const> = 2

-- Cuts a word that is longer than a line.
local function cut(word, columns, lines)
  while width.of(word) > columns do
    local size = utf8.offset(word, columns + 1) or #word + 1
    while width.of(word:sub(1, size - 1)) > columns do size = utf8.offset(word, -1, size) end
    lines[#lines + 1] = word:sub(1, size - 1)
    word = word:sub(size)
  end
  return word
end

-- The lines of a text, of at most so many cells.
local function wrapped(text, columns)
  local lines, line = {}, nil
  for word in width.plain(markdown.plain(topics.told(text))):gmatch("%S+") do
    if line and width.of(line) + 1 + width.of(word) <= columns then
      line = line .. " " .. word
    else
      lines[#lines + 1] = line
      line = cut(word, columns, lines)
    end
  end
  lines[#lines + 1] = line
  return lines
end

local function add_wrapped(out, text, columns, first, rest)
  for i, line in ipairs(wrapped(text, math.max(columns - width.of(first), 1))) do
    out[#out + 1] = (i == 1 and first or rest) .. line
  end
end

local function natural_widths(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do
      widths[i] = math.max(widths[i] or 1, width.of(width.plain(markdown.plain(topics.told(cell)))))
    end
  end
  return widths
end

-- Shares the cells of a line among columns: those that need less than their share get what they need.
local function share(widths, columns)
  local left, open = columns - GAP * (#widths - 1), {}
  for i in ipairs(widths) do open[i] = true end
  local count, settled = #widths, true
  while settled and count > 0 do
    settled = false
    local each = left // count
    for i in pairs(open) do
      if widths[i] <= each then
        left, count, settled = left - widths[i], count - 1, true
        open[i] = nil
      end
    end
  end
  for i in pairs(open) do widths[i] = math.max(left // count, 1) end
  return widths
end

local function add_row(out, row, widths)
  local cells, height = {}, 0
  for i in ipairs(widths) do
    cells[i] = wrapped(row[i] or "", widths[i])
    height = math.max(height, #cells[i])
  end
  for k = 1, height do
    local parts = {}
    for i, size in ipairs(widths) do
      local text = cells[i][k] or ""
      parts[i] = text .. (" "):rep(size - width.of(text))
    end
    out[#out + 1] = (BODY .. table.concat(parts, (" "):rep(GAP))):gsub(" +$", "")
  end
end

local writers = {}

function writers.heading(out, block, columns, bold)
  local lines = wrapped(block.text, columns)
  for _, line in ipairs(lines) do out[#out + 1] = bold and ("\27[1m%s\27[0m"):format(line) or line end
end

function writers.text(out, block, columns)
  add_wrapped(out, block.text, columns, BODY, BODY)
end

function writers.code(out, block)
  for _, line in ipairs(block.lines) do out[#out + 1] = line ~= "" and CODE .. line or "" end
end

function writers.list(out, block, columns)
  for _, item in ipairs(block.items) do
    local mark = item.number and ("%d. "):format(item.number) or "- "
    add_wrapped(out, item.text, columns, BODY .. mark, BODY .. (" "):rep(#mark))
  end
end

function writers.table(out, block, columns)
  local rows = table.move(block.rows, 1, #block.rows, 2, { block.header })
  local widths = share(natural_widths(rows), columns - #BODY)
  if table.concat(block.header) ~= "" then add_row(out, block.header, widths) end
  for _, row in ipairs(block.rows) do add_row(out, row, widths) end
end

---@param blocks jig.markdown.Block[]
---@param columns integer  of the terminal
---@param bold? boolean    whether headings may be bold
---@return string
function page.text(blocks, columns, bold)
  local out = {}
  for i, block in ipairs(blocks) do
    if i > 1 then out[#out + 1] = "" end
    writers[block.kind](out, block, columns, bold)
  end
  return table.concat(out, "\n") .. "\n"
end

return page
