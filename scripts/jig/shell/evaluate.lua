--- What was typed, as Lua: whether it is whole, and what it gives.

local budget = require "jig.budget"
local fault = require "jig.fault"
local unplaced = require "jig.unplaced"
local values = require "jig.shell.values"

local evaluate = {}

local NAME <const> = "=typed"

-- An expression gives its values; all else is run. nil, and the messages of both attempts.
local function compile(text, env)
  local chunk, as_expression = load("return " .. text, NAME, "t", env)
  if chunk then return chunk end
  local as_statement
  chunk, as_statement = load(text, NAME, "t", env)
  return chunk, as_statement, as_expression
end

-- A text in quotes cannot go on in the next line.
local function ends_too_soon(message)
  return message:find("near '?<eof>'?$") ~= nil and not message:find("unfinished string", 1, true)
end

--- Whether more lines are needed: a block, a bracket or a text was begun and not ended.
---@param text string
---@return boolean
function evaluate.is_open(text)
  local chunk, as_statement, as_expression = compile(text, nil)
  return not chunk and (ends_too_soon(as_statement) or ends_too_soon(as_expression))
end

-- Bytes of a sentence: what is wrong may quote all that was typed.
local LONGEST <const> = 1000

local function text_of(thrown)
  if fault.is(thrown) and thrown.name == "tool.interrupted" then return "interrupted" end
  if fault.is(thrown) then return ("%s: %s"):format(thrown.name, thrown.reason) end
  local ok, text = pcall(tostring, thrown)
  return ok and text or "an error that has no text"
end

-- The line of a mistake that is not in a file of the recipe's has no name that helps.
local function sentence(thrown)
  local text = unplaced((text_of(thrown):match("^[^\n]*"):gsub("^typed:%d+: ", "")))
  if #text <= LONGEST then return text end
  return text:sub(1, LONGEST):gsub("[\xC2-\xF4][\x80-\xBF]*$", "") .. "…"
end

-- Also what a value's own __tostring does counts as computing.
local function run(chunk, say)
  local results = table.pack(chunk())
  for i = 1, results.n do
    for _, line in ipairs(values.lines(results[i])) do say(line) end
  end
end

--- Runs it, and says what it gives, line by line. True, or nil and what went wrong. Yields; does not throw.
---@param text string
---@param env table
---@param folder string  of the recipe
---@param say fun(line: string)
---@return true|nil, string?
function evaluate.run(text, env, folder, say)
  local chunk, message = compile(text, env)
  if not chunk then return nil, sentence(message) end
  local ok, thrown, spent = budget.run(folder, nil, run, chunk, say)
  if spent then return nil, "stopped: " .. spent.reason end
  if not ok then return nil, sentence(thrown) end
  return true
end

return evaluate
