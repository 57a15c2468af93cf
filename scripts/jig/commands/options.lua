--- The command line of one verb: usage errors are exit status 2, and nothing exits by itself.
--
-- A verb describes its arguments with the calls of argparse. A command line that is plainly right is read
-- here; argparse itself, which takes as long to load as all else that a run needs, is asked for whatever is
-- not: help, mistakes, abbreviations, `--name=value`.

local system = require "jig.system"

local options = {}

local element = {}
element.__index = element

--- How many values it takes, in argparse's notation.
function element:args(count)
  self.count = count
  return self
end

--- An option that may be given more than once: its value is the list of what was given, or nil.
function element:repeated()
  self.many = true
  return self
end

--- An argument that names recipes, which may be left out in the folder of one: then it is that folder, and the result's
--- `implied` is true. To be called after args.
function element:recipe()
  if not system.kind "recipe.lua" then return self end
  local several = self.count == "+" or self.count == "*"
  self.left_out = several and { "." } or "."
  self.count = several and "*" or "?"
  return self
end

--- A function that makes the value from its text; nil, message when it cannot.
function element:convert(converter)
  self.converter = converter
  return self
end

--- The words that it takes, and no others. Shells complete them, the help shows them.
---@param list string[]
function element:choices(list)
  self.words = list
  return self
end

--- The word that stands for its value in the help: "ADDRESS". Default: its name in capitals.
---@param word string
function element:value(word)
  self.word = word
  return self
end

--- Words that shells complete, though others are taken, too.
---@param list string[]
function element:suggest(list)
  self.suggested = list
  return self
end

---@class jig.Options  a description: its elements in order
local description = {}
description.__index = description

local function add(self, kind, name, text, default)
  local key = name:gsub("^%-+", ""):gsub("%-", "_")
  local made = setmetatable({ kind = kind, name = name, key = key, text = text, default = default }, element)
  self[#self + 1] = made
  return made
end

function description:argument(name, text) return add(self, "argument", name, text) end
function description:option(name, text, default) return add(self, "option", name, text, default) end
function description:flag(name, text) return add(self, "flag", name, text) end

--- A description for `jig VERB`, to be filled by its methods argument, option and flag.
---@param verb string
---@param summary string
---@return jig.Options
function options.parser(verb, summary)
  return setmetatable({ verb = verb, summary = summary }, description)
end

-- What stands for the value of an element. argparse has no way to say it of an argument's line.
local function name_value(made, e)
  if e.words or e.kind == "flag" then return end
  local word = e.word or e.key:upper()
  made:argname(word)
  if e.kind == "argument" then made._get_label_lines = function() return { word } end end
end

--- Gives a parser of argparse the elements of a description.
---@param parser table
---@param self jig.Options
---@param completing? boolean  it is for shells: what is suggested counts as all that there is
function options.fill(parser, self, completing)
  for _, e in ipairs(self) do
    local made = parser[e.kind](parser, e.name, e.text, e.default)
    local words = e.words or completing and e.suggested
    if e.count then made:args(e.count) end
    if e.many then made:count("*") end
    if e.converter then made:convert(e.converter) end
    if words then made:choices(words) end
    name_value(made, e)
  end
  parser:flag("-h --help", "Show this help and end.")
end

local function to_argparse(self)
  local parser = require "argparse"("jig " .. self.verb, self.summary):add_help(false)
  options.fill(parser, self)
  return parser
end

local function ask_argparse(self, words)
  local parser = to_argparse(self)
  for _, word in ipairs(words) do
    if word == "--" then break end
    if word == "-h" or word == "--help" then
      print(parser:get_help())
      return nil, 0
    end
  end
  local ok, result = parser:pparse(words)
  if ok then return result end
  io.stderr:write(parser:get_usage(), "\n\nError: ", result, "\n")
  return nil, 2
end

-- The elements that take one value, by name, and the arguments in order; nil when one of these takes
-- other than one, or none.
local function sort_elements(self)
  local named, positional = {}, {}
  for _, e in ipairs(self) do
    if e.kind ~= "argument" then
      named[e.name] = not e.count and e or nil
    elseif e.count and e.count ~= "?" then
      return nil
    else
      positional[#positional + 1] = e
    end
  end
  return named, positional
end

local function keep_text(texts, e, text)
  if not e.many then
    texts[e.key] = text
  else
    texts[e.key] = texts[e.key] or {}
    table.insert(texts[e.key], text)
  end
end

-- The texts of `--name value`, `--name` and arguments by key; nil when the line is not plain.
local function read_plain(words, named, positional)
  local texts, i, place = {}, 1, 1
  while i <= #words do
    local e, text = named[words[i]], words[i]
    if not e then
      e, place = positional[place], place + 1
    elseif e.kind == "option" then
      i = i + 1
      text = words[i]
    end
    if not e or not text or (texts[e.key] and not e.many) then return nil end
    if e.kind ~= "flag" and text:sub(1, 1) == "-" then return nil end
    keep_text(texts, e, text)
    i = i + 1
  end
  local missing = positional[place]
  return (not missing or missing.count == "?") and texts or nil
end

local function is_among(list, word)
  for _, known in ipairs(list) do
    if known == word then return true end
  end
  return false
end

local function parse_plain(self, words)
  local named, positional = sort_elements(self)
  local texts = named and read_plain(words, named, positional)
  if not texts then return nil end
  local result = {}
  for _, e in ipairs(self) do
    local value = texts[e.key] or e.default
    if e.kind == "flag" then value = value and true end
    if e.words and value and not is_among(e.words, value) then return nil end
    if value and e.converter then
      value = e.converter(value)
      if value == nil then return nil end
    end
    result[e.key] = value
  end
  return result
end

-- What stands for the arguments that were left out; `implied` says that something does.
local function complete(self, result)
  for _, e in ipairs(self) do
    local value = result[e.key]
    if e.left_out and (value == nil or type(value) == "table" and #value == 0) then
      result[e.key], result.implied = e.left_out, true
    end
  end
  return result
end

--- Parses. The options, or nil and the exit status when help was asked for or the usage is wrong.
---@param self jig.Options
---@param words string[]
---@return table|nil, integer?
function options.parse(self, words)
  local result, status = parse_plain(self, words), nil
  if not result then result, status = ask_argparse(self, words) end
  if not result then return nil, status end
  return complete(self, result)
end

--- Says on `out` which verbs a verb has.
---@param verb string       "jig journal"
---@param verbs string[][]  name, what it does
---@param out { write: fun(self, ...) }
function options.usage(verb, verbs, out)
  out:write(("usage: %s VERB [option…]\n\nverbs:\n"):format(verb))
  for _, own in ipairs(verbs) do out:write(("  %-7s %s\n"):format(own[1], own[2])) end
  out:write(("\n`%s VERB --help` tells the options of a verb.\n"):format(verb))
end

--- What a command takes, without running it: what it would parse its words by, or else the verbs that it has.
---@param command fun(words: string[], verbs: string[][]): integer
---@param verbs string[][]  of jig
---@return jig.Options?, string[][]? verbs
function options.of(command, verbs)
  local parse, usage, seen, own = options.parse, options.usage, nil, nil
  options.parse = function(self)
    seen = self
    return nil, 0
  end
  options.usage = function(_, list) own = list end
  local ok, message = pcall(command, { "--help" }, verbs)
  options.parse, options.usage = parse, usage
  if not ok then error(message, 0) end
  return seen, own
end

--- A converter for whole numbers in a range.
function options.integer(least, most)
  return function(text)
    local number = math.tointeger(tonumber(text))
    if number and number >= least and number <= most then return number end
    return nil, ("expected a whole number from %d to %d, got '%s'"):format(least, most, text)
  end
end

return options
