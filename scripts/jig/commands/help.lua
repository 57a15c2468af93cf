--- jig help: prints a page of the manual, or a section of one; or a verb's help; or completions for a shell.
-- Exit 0; 2 for a topic that there is not. No pager: what comes is text.
--
-- The pages are the README.md files of the source, as they were when jig was built: modules jig.pages.*.

local options = require "jig.commands.options"
local system = require "jig.system"
local topics = require "jig.topics"

local USAGE <const>, STDOUT <const> = 2, 1

-- Cells of a line: where stdout is no terminal; at least, and at most.
local COLUMNS <const>, NARROW <const>, WIDE <const> = 80, 40, 110

local function find(list, word)
  for _, entry in ipairs(list) do
    if entry[1] == word then return entry end
  end
end

-- How to show pages: cells of a line, and whether headings may be bold.
local function manner()
  local columns = system.terminal(STDOUT)
  if not columns then return COLUMNS, false end
  return math.max(NARROW, math.min(columns, WIDE)), not os.getenv "NO_COLOR"
end

local function show(topic)
  local markdown = require "jig.markdown"
  local blocks = markdown.blocks(require("jig.pages." .. topic[2]))
  if topic[3] then blocks = assert(markdown.section(blocks, topic[3]), topic[3] .. ": no such section") end
  io.stdout:write(require("jig.output.page").text(blocks, manner()))
end

-- Topics and verbs: all that can be asked for.
local function words_of(verbs)
  local list, seen = {}, {}
  for _, entries in ipairs { topics.LIST, verbs or {} } do
    for _, entry in ipairs(entries) do
      if not seen[entry[1]] then list[#list + 1] = entry[1] end
      seen[entry[1]] = true
    end
  end
  return list
end

local function parser(verbs)
  local p = options.parser("help", "Print a page of the manual, or the help of a verb.")
  p:argument("topic", "What about; default: the list of verbs and topics."):args("?"):suggest(words_of(verbs))
  p:option("--completion", "Print the completions of a shell instead."):choices { "bash", "zsh", "fish" }
  return p
end

local function complete(shell, verbs)
  io.stdout:write((require("jig.completion").text(shell, verbs)))
  return 0
end

---@param words string[]
---@param verbs string[][]  of jig: name, what it does
---@return integer status
return function(words, verbs)
  local o, status = options.parse(parser(verbs), words)
  if not o then return status end
  if o.completion then return complete(o.completion, verbs) end
  local topic = find(topics.LIST, o.topic)
  if topic then
    show(topic)
    if find(verbs, topic[1]) then print(("\n`jig %s --help` tells its options."):format(topic[1])) end
    return 0
  end
  if o.topic and find(verbs, o.topic) then
    return (require("jig.commands." .. o.topic)({ "--help" }, verbs))
  end
  io.stderr:write(("jig help: there is nothing about '%s'\n"):format(o.topic or ""))
  topics.write(io.stderr)
  return USAGE
end
