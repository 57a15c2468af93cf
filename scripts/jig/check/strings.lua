--- Patterns, and formats of string.pack and string.format, that are written down in calls: of Lua's library, or as
--- methods of a text.

local escape = require "jig.shell.escape"
local literals = require "jig.check.literals"

local strings = {}

-- Functions of string: what their text is, and the place of the pattern or format among their arguments. A method's
-- text is its first.
local TEXTS <const> = {
  find = { "pattern", 2, plain = 4 }, match = { "pattern", 2 }, gmatch = { "pattern", 2 }, gsub = { "pattern", 2 },
  pack = { "format", 1 }, unpack = { "format", 1 }, packsize = { "format", 1 },
  format = { "format of string.format", 1 },
}

-- The text that an expression is, when it is written down: a literal, or a local that is always that one.
local function text_of(node)
  if not node then return nil end
  if node.tag == "string" then return node.value end
  if node.tag == "paren" then return text_of(node[1]) end
  local var = node.tag == "name" and node.var
  return var and var.written == 0 and var.value and text_of(var.value) or nil
end

--- Reports what is wrong with a literal.
---@param node jig.check.Node  the call
---@param call string          "string.match"
---@param sort string          "pattern", "format" (of string.pack) or "format of string.format"
---@param literal string?      nothing is said when it is not known
---@param report fun(line: integer, what: string, instead: string)
function strings.check(node, call, sort, literal, report)
  local find = sort == "pattern" and literals.pattern or sort == "format" and literals.format or literals.directives
  local why = literal and find(literal)
  if not why then return end
  why = why:gsub("^invalid", "has an %0")
  report(node.line, ('%s: "%s" is no %s: it %s'):format(call, escape(literal), sort, why), "mend the "
    .. sort:match("^%a+"))
end

-- Values that a call of string.format hands over beside the format; nil when the last may be several.
local function values_in(args, first)
  local last = args[#args]
  local open = last and (last.tag == "call" or last.tag == "method" or last.tag == "vararg")
  return not open and #args - first or nil
end

-- Directives without a value raise; a value too many is of no harm.
local function check_values(node, call, format, given, report)
  local wanted = not literals.directives(format) and literals.values(format)
  if wanted and given and given < wanted then
    report(node.line, ('%s: "%s" takes %d values, %d are given'):format(call, escape(format), wanted, given),
      "hand over what is missing; a percent sign is written %%")
  end
end

local function check_text(node, call, rule, args, report)
  if rule.plain and args[rule.plain] then return end
  local text = text_of(args[rule[2]])
  strings.check(node, call, rule[1], text, report)
  if text and rule[1] == "format of string.format" then
    check_values(node, call, text, values_in(args, rule[2]), report)
  end
end

-- What is called by no name.
local PLAIN <const> = { table = true, string = true, number = true, ["true"] = true, ["false"] = true }

-- Names under which the files have functions of their own: a method of such a name may be theirs.
local function own_names(sources)
  local names = {}
  for _, made in pairs(sources) do
    made:each("assign", function(node)
      for _, target in ipairs(node.targets) do
        if target.tag == "index" and target.key.tag == "string" then names[target.key.value] = true end
      end
    end)
    made:each("table", function(node)
      for _, item in ipairs(node.items) do
        local key = item.key and item.key.tag == "string" and item.key.value
        if key and not PLAIN[item.value.tag] then names[key] = true end
      end
    end)
  end
  return names
end

-- Whether what a method is called on is a text, as far as can be told.
local function may_be_text(self, node, own)
  if text_of(node.of) then return true end
  return not own[node.name] and self:kind(node.of) == nil
end

--- Reports each.
---@param self jig.check.Source
---@param report fun(line: integer, what: string, instead: string)
---@param sources table<string, jig.check.Source>  all files of the recipe
function strings.all(self, report, sources)
  local own = own_names(sources)
  self:each("call", function(node)
    local callee = node.of
    local rule = callee.tag == "index" and callee.key.tag == "string" and TEXTS[callee.key.value]
    if rule and self:kind(callee.of) == "library string" then
      check_text(node, "string." .. callee.key.value, rule, node.args, report)
    end
  end)
  self:each("method", function(node)
    local rule = TEXTS[node.name]
    if not rule or not may_be_text(self, node, own) then return end
    local args = table.move(node.args, 1, #node.args, 2, { node.of })
    check_text(node, ":" .. node.name, rule, args, report)
  end)
end

return strings
