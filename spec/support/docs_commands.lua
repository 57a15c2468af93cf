--- Reads blocks of commands. Lines that begin with "$ " are commands, when there is one, and the others are what
-- the command before shows; else every line is a command, with a remark behind "#" or two blanks.

local docs_commands = {}

-- Programs that blocks of commands begin with.
local PROGRAMS <const> = {}
for name in ([[
  jig build/jig make build/device device build/factory_tool factory_tool build/bench/board mkdir mkfifo cat cp export
  read printf openssl lua5.4 man source busted sqlite3 tail ls git
]]):gmatch("%S+") do PROGRAMS[name] = true end

-- Where what is said about a command begins: behind two blanks (`wide`) or at a "#", outside quotes.
local function remark_at(line, wide)
  local quote
  for at = 1, #line do
    local c = line:sub(at, at)
    if quote then
      if c == quote then quote = nil end
    elseif c == "'" or c == '"' then
      quote = c
    elseif line:find("^%s+#%s", at) or wide and at > 1 and line:find("^  ", at) then
      return at
    end
  end
end

-- A line without what is said about it.
local function command_of(line)
  local at = remark_at(line, not line:match("^%$ "))
  return (line:sub(1, at and at - 1):gsub("^%$ ", ""):gsub("%s+$", ""))
end

--- The commands of a block, each with the lines that it shows; a line that ends in "\" goes on.
---@param block spec.DocsBlock
---@return { text: string, shown: string[], compare: boolean }[]
function docs_commands.of(block)
  local transcript, list, open = false, {}, false
  for _, line in ipairs(block.lines) do transcript = transcript or line:match("^%$ ") ~= nil end
  for _, line in ipairs(block.lines) do
    if open then
      list[#list].text = list[#list].text .. "\n" .. line
    elseif transcript and not line:match("^%$ ") then
      if #list > 0 then table.insert(list[#list].shown, line) end
    elseif not line:match("^%s*#") and line ~= "" then
      list[#list + 1] = { text = command_of(line), shown = {}, compare = transcript }
    end
    open = (transcript == false or open or line:match("^%$ ")) and line:match("\\$") ~= nil
  end
  return list
end

local function program_of(command)
  local text = command
  while text:match("^[%u_]+=%S* ") do text = text:gsub("^[%u_]+=%S* +", "") end
  return text:match("^%S+")
end

--- Whether all of a block's commands are commands.
---@param block spec.DocsBlock
---@return boolean
function docs_commands.only(block)
  local list = docs_commands.of(block)
  for _, command in ipairs(list) do
    local setting = command.text:match("^[%u_]+=%S+$")
    if not setting and not PROGRAMS[program_of(command.text) or ""] then return false end
  end
  return #list > 0
end

return docs_commands
