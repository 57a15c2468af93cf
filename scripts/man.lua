-- Makes a man page from the README.md files, and jig(1) from the verbs' help, too:
--     lua5.4 scripts/man.lua jig|jig-recipe|jig-station DATE VERSION JIG > PAGE
-- JIG is the program that is asked for its verbs. What comes is man(7) for groff and mandoc alike, in ASCII.

package.path = arg[0]:gsub("[^/]*$", "?.lua;") .. package.path
local markdown = require "jig.markdown"
local topics = require "jig.topics"

local out = {}

local function put(...) out[#out + 1] = table.concat { ... } end

-- Bytes of a line of text.
local COLUMNS <const> = 78

-- ---- text ----

-- Text as roff takes it: no escape, no character that groff would make another one of, nothing beyond ASCII.
local function escaped(text)
  text = text:gsub("\\", "\\e"):gsub("%-", "\\-"):gsub("'", "\\(aq"):gsub("`", "\\(ga"):gsub("%^", "\\(ha")
    :gsub("~", "\\(ti"):gsub("\"", "\\(dq")
  return (text:gsub("[\xC2-\xF4][\x80-\xBF]+", function(c) return ("\\[u%04X]"):format(utf8.codepoint(c)) end))
end

local FONTS <const> = { code = "\\fB%s\\fP", strong = "\\fB%s\\fP", emphasis = "\\fI%s\\fP" }

-- A text with its marks as fonts. A link is its text.
local function spans(text)
  local parts = {}
  for i, span in ipairs(markdown.spans(topics.told(text))) do
    local form = FONTS[span.kind]
    local plain = escaped(span.kind == "code" and span.text or markdown.plain(span.text))
    parts[i] = form and form:format(plain:gsub("\\f.", "")) or plain
  end
  return table.concat(parts)
end

-- A line that is text, whatever it begins with.
local function line(text)
  put(text:find("^[.\\(]") and "\\&" .. text or text)
end

-- A sentence begins a line, so that a page can be compared with another; none is longer than it has to be.
local function sentences(text)
  for part in (spans(text):gsub("([%l%)%]]%.) +(%u)", "%1\n%2") .. "\n"):gmatch("(.-)\n") do
    local folded
    for word in part:gmatch("%S+") do
      if folded and #folded + #word > COLUMNS then
        line(folded)
        folded = word
      else
        folded = folded and folded .. " " .. word or word
      end
    end
    if folded then line(folded) end
  end
end

-- ---- blocks ----

local writers = {}

function writers.heading(block)
  local title = block.level <= 2 and block.text:upper() or block.text
  put(block.level <= 2 and ".SH " or ".SS ", "\"", spans(title), "\"")
  return true
end

function writers.text(block, after_heading)
  if not after_heading then put ".PP" end
  sentences(block.text)
end

function writers.code(block, after_heading)
  if not after_heading then put ".PP" end
  put ".RS 4"
  put ".nf"
  for _, text in ipairs(block.lines) do line(text == "" and "\\&" or escaped(text)) end
  put ".fi"
  put ".RE"
end

function writers.list(block)
  for _, item in ipairs(block.items) do
    put(".IP \"", item.number and item.number .. "." or "\\(bu", "\" 4")
    sentences(item.text)
  end
end

-- The term of a row and what its first cell says of it: "`f(x)` gives y" has both.
local function term_of(cell)
  local term, rest = cell:match("^(`[^`]+`) +([^,].*)$")
  return term or cell, rest
end

-- A row is a term with what is said of it; further cells say what their column says.
function writers.table(block)
  for _, row in ipairs(block.rows) do
    local term, text = term_of(row[1])
    local parts = {}
    for i = 2, #row do
      if not text then
        text = row[i]
      elseif row[i] ~= "" then
        parts[#parts + 1] = block.header[i] == "" and row[i] or ("%s: %s"):format(block.header[i], row[i])
      end
    end
    put ".TP"
    line(spans(term))
    if #parts > 0 then text = ("%s (%s)"):format(text, table.concat(parts, "; ")) end
    sentences(text == "" and "\\&" or text)
  end
end

local function put_blocks(blocks)
  local after_heading = false
  for _, block in ipairs(blocks) do after_heading = writers[block.kind](block, after_heading) end
end

-- ---- pages ----

local function blocks_of(file)
  local from <close> = assert(io.open(file, "rb"))
  return markdown.blocks(from:read "a")
end

-- Sections of a page, in order; each must be there.
local function put_sections(file, names)
  local blocks = blocks_of(file)
  for _, name in ipairs(names) do
    put_blocks(assert(markdown.section(blocks, name), file .. ": there is no section " .. name))
  end
end

-- What stands before the first section, without the title.
local function put_head(file)
  put ".SH DESCRIPTION"
  local head = {}
  for i, block in ipairs(blocks_of(file)) do
    if i > 1 and block.kind == "heading" then break end
    if i > 1 then head[#head + 1] = block end
  end
  local after_heading = true
  for _, block in ipairs(head) do after_heading = writers[block.kind](block, after_heading) end
end

local function told(command)
  local from <close> = assert(io.popen(command))
  local text = from:read "a"
  assert(from:close(), command .. ": failed")
  return text
end

local function put_example(text)
  local lines = {}
  for each in text:gmatch("([^\n]*)\n") do lines[#lines + 1] = each end
  while lines[#lines] == "" do lines[#lines] = nil end
  writers.code { lines = lines }
end

-- The verbs that a usage text lists, each with its help; a verb that lists verbs of its own stands before them.
local function put_verbs(program, usage, before)
  for verb, summary in (usage:match("verbs:\n(.-)\n\n") .. "\n"):gmatch("  (%l+) +([^\n]+)\n") do
    local words = before .. verb
    put(".SS \"jig ", words, "\"")
    sentences(summary:sub(1, 1):upper() .. summary:sub(2) .. ".")
    local help = told(("%s %s --help"):format(program, words))
    if help:find("\nverbs:\n") then
      put_verbs(program, help, words .. " ")
    else
      put_example(help)
    end
  end
end

local PAGES <const> = {
  ["jig"] = { section = 1, what = "provision devices on a factory line", put = function(program)
    put ".SH SYNOPSIS"
    put ".B jig"
    put ".I VERB"
    put "[option\\&...]"
    put ".PP"
    put ".B jig"
    put ".I SCRIPT.lua"
    put "[argument\\&...]"
    put_head "README.md"
    put ".SH VERBS"
    put_verbs(program, told(program .. " help"), "")
    put_sections("README.md", { "The laws", "Exit status of `jig run`" })
    put_sections("scripts/README.md", { "What `jig run --json` prints", "Scripts without a recipe" })
  end },
  ["jig-recipe"] = { section = 5, what = "how a product is made: the recipe of jig", put = function()
    put_head "scripts/README.md"
    put_sections("scripts/README.md", { "The recipe", "Limits", "The unit", "The wire", "Framings", "Faults", "Bytes",
      "Cassettes", "The shell" })
    put_sections("spec/README.md", { "Testing a recipe", "Proving a recipe" })
  end },
  ["jig-station"] = { section = 5, what = "the station file and the journal of jig", put = function()
    put_sections("scripts/README.md", { "The station file", "Signed recipes", "The journal" })
    put_sections("transports/README.md", { "Addresses of ports" })
  end },
}

local SEE <const> = { "jig(1)", "jig-recipe(5)", "jig-station(5)" }

local function put_see_also(name)
  put ".SH \"SEE ALSO\""
  local others = {}
  for _, page in ipairs(SEE) do
    if not page:find(name .. "(", 1, true) then others[#others + 1] = page end
  end
  for i, page in ipairs(others) do
    put(".BR ", (page:gsub("%(", " ("):gsub("%-", "\\-")), i < #others and "," or "")
  end
end

local name, date, version, program = table.unpack(arg, 1, 4)
local page = assert(PAGES[name], "there is no such page")
put(".\\\" Made by scripts/man.lua.")
put((".TH %s %d %s \"jig %s\""):format(name:upper():gsub("%-", "\\-"), page.section, date, escaped(version)))
put ".SH NAME"
put(escaped(name), " \\- ", page.what)
page.put(program)
put_see_also(name)
io.write(table.concat(out, "\n"), "\n")
