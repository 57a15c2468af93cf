--- Reads the Markdown that jig's pages are written in: headings (#), paragraphs, lists, tables, code that is
-- indented by four spaces or fenced, and comments (<!-- … -->), which are left out. Nothing else is known:
-- what looks otherwise is a paragraph. Pure; needs no other module, so that the build can use it.

local markdown = {}

---@class jig.markdown.Block
---@field kind "heading"|"text"|"code"|"table"|"list"
---@field line integer      of the page, from 1: its first; of code, the first inside a fence
---@field text? string      of a heading and of a paragraph, whose lines are joined by spaces
---@field level? integer    of a heading, from 1
---@field language? string  of fenced code: the fence's word, "" when it has none
---@field lines? string[]   of code, without its indentation
---@field header? string[]  of a table
---@field rows? string[][]
---@field items? { text: string, number?: integer }[]  of a list

-- The cells of a table's line; a "|" in one is written "\|".
local function cells_of(line)
  local cells = {}
  for cell in (line:gsub("\\|", "\0"):gsub("^%s*|", "") .. "\n"):gmatch("(.-)|") do
    cells[#cells + 1] = (cell:gsub("^%s+", ""):gsub("%s+$", ""):gsub("%z", "|"))
  end
  return cells
end

---@class jig.markdown.Reader
---@field lines string[]
---@field at integer  the next line
---@field blocks jig.markdown.Block[]
local reader = {}
reader.__index = reader

function reader:line() return self.lines[self.at] end

function reader:add(block)
  self.blocks[#self.blocks + 1] = block
  return block
end

local function starts_block(line)
  return line:match("^%s*$") or line:match("^#+ ") or line:match("^```") or line:match("^|") or line:match("^%- ")
    or line:match("^%d+%. ") or line:match("^<!%-%-")
end

function reader:comment()
  while self:line() and not self:line():find("-->", 1, true) do self.at = self.at + 1 end
  self.at = self.at + 1
end

function reader:heading(marks, text)
  self:add { kind = "heading", line = self.at, level = #marks, text = text }
  self.at = self.at + 1
end

function reader:fenced(language)
  local block = self:add { kind = "code", line = self.at + 1, language = language, lines = {} }
  self.at = self.at + 1
  while self:line() and not self:line():match("^```%s*$") do
    table.insert(block.lines, self:line())
    self.at = self.at + 1
  end
  self.at = self.at + 1
end

function reader:indented()
  local block = self:add { kind = "code", line = self.at, lines = {} }
  local empty = 0 -- lines that belong to it if more of it follows
  while self:line() and (self:line():match("^    ") or self:line():match("^%s*$")) do
    if self:line():match("^%s*$") then
      empty = empty + 1
    else
      for _ = 1, empty do table.insert(block.lines, "") end
      empty = 0
      table.insert(block.lines, self:line():sub(5))
    end
    self.at = self.at + 1
  end
end

function reader:table()
  local block = self:add { kind = "table", line = self.at, header = cells_of(self:line()), rows = {} }
  self.at = self.at + 2 -- the line of dashes
  while self:line() and self:line():match("^|") do
    table.insert(block.rows, cells_of(self:line()))
    self.at = self.at + 1
  end
end

-- The text from here on that belongs together, its first line given.
function reader:joined(first)
  local parts = { (first:gsub("%s+$", "")) }
  self.at = self.at + 1
  while self:line() and not starts_block(self:line()) do
    parts[#parts + 1] = self:line():match("^%s*(.-)%s*$")
    self.at = self.at + 1
  end
  return table.concat(parts, " ")
end

function reader:list()
  local block = self:add { kind = "list", line = self.at, items = {} }
  while self:line() do
    local number, text = self:line():match("^(%d+)%. +(.*)")
    text = text or self:line():match("^%- +(.*)")
    if not text then return end
    table.insert(block.items, { text = self:joined(text), number = math.tointeger(tonumber(number)) })
  end
end

function reader:next()
  local line = self:line()
  local marks, title = line:match("^(#+) +(.-)%s*$")
  if line:match("^%s*$") then
    self.at = self.at + 1
  elseif line:match("^<!%-%-") then
    self:comment()
  elseif marks then
    self:heading(marks, title)
  elseif line:match("^```") then
    self:fenced(line:match("^```%s*(%S*)"))
  elseif line:match("^    ") then
    self:indented()
  elseif line:match("^|") and (self.lines[self.at + 1] or ""):match("^|[%s:|-]+$") then
    self:table()
  elseif line:match("^%- ") or line:match("^%d+%. ") then
    self:list()
  else
    local at = self.at
    self:add { kind = "text", line = at, text = self:joined(line:match("^%s*(.*)")) }
  end
end

--- The blocks of a page, in order.
---@param text string
---@return jig.markdown.Block[]
function markdown.blocks(text)
  local lines = {}
  for line in (text:gsub("\n?$", "\n")):gmatch("(.-)\r?\n") do lines[#lines + 1] = line end
  local self = setmetatable({ lines = lines, at = 1, blocks = {} }, reader)
  while self.at <= #lines do self:next() end
  return self.blocks
end

-- Where each kind of span begins, and what it is: the first that matches, from the left.
local SPANS <const> = {
  { kind = "code", pattern = "^`([^`]+)`()" },
  { kind = "strong", pattern = "^%*%*(.-)%*%*()" },
  { kind = "emphasis", pattern = "^%*([^%s*][^*]*)%*()" },
  { kind = "link", pattern = "^%[([^%[%]]+)%](%b())()" },
}

local function span_at(text, at)
  for _, span in ipairs(SPANS) do
    local found = table.pack(text:find(span.pattern, at))
    if found[1] then
      local target = span.kind == "link" and found[4]:sub(2, -2) or nil
      return { kind = span.kind, text = found[3], target = target }, found[found.n]
    end
  end
end

--- The parts of a text: plain, code, strong, emphasis, and links, whose `target` is what they lead to.
---@param text string
---@return { kind: "plain"|"code"|"strong"|"emphasis"|"link", text: string, target?: string }[]
function markdown.spans(text)
  local spans, plain, at = {}, 1, 1
  while at <= #text do
    local next_mark = text:find("[`%*%[]", at)
    if not next_mark then break end
    local span, after = span_at(text, next_mark)
    if span then
      if next_mark > plain then spans[#spans + 1] = { kind = "plain", text = text:sub(plain, next_mark - 1) } end
      spans[#spans + 1] = span
      plain, at = after, after
    else
      at = next_mark + 1
    end
  end
  if plain <= #text then spans[#spans + 1] = { kind = "plain", text = text:sub(plain) } end
  return spans
end

--- The text without its marks.
---@param text string
---@return string
function markdown.plain(text)
  local parts = {}
  for i, span in ipairs(markdown.spans(text)) do
    parts[i] = span.kind ~= "plain" and span.kind ~= "code" and markdown.plain(span.text) or span.text
  end
  return table.concat(parts)
end

--- What a heading is called in a link: "The station file" is "the-station-file".
---@param heading string
---@return string
function markdown.anchor(heading)
  return (markdown.plain(heading):lower():gsub("[^%w%s_%-\128-\255]", ""):gsub("%s", "-"))
end

--- The blocks of one section: its heading, and all up to the next of its level or above. Nil when there is none.
---@param blocks jig.markdown.Block[]
---@param heading string
---@return jig.markdown.Block[]?
function markdown.section(blocks, heading)
  local found
  for _, block in ipairs(blocks) do
    local is_heading = block.kind == "heading"
    if found and is_heading and block.level <= found[1].level then return found end
    if not found and is_heading and block.text == heading then found = {} end
    if found then found[#found + 1] = block end
  end
  return found
end

return markdown
