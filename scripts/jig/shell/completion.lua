--- What Tab makes of a name that was begun: `unit:ex`, `port:wr`, `hex.`

local api = require "jig.check.api"

local completion = {}

-- Names that are no fields.
local WORDS <const> = { "help", "quit", "local", "function", "return", "while", "repeat", "until", "then", "end" }

-- Metatables that one looks through, one below the other.
local DEPTH <const> = 5

local function meta_of(value)
  local meta = debug.getmetatable(value)
  return type(meta) == "table" and meta or nil
end

-- Calls f(key, value) for each name that the value has, by itself or below; nothing of it is called.
local function each_name(value, f)
  for _ = 1, DEPTH do
    local meta = meta_of(value)
    local hidden = api.hidden(meta and rawget(meta, "__name"))
    if type(value) == "table" then
      for key, field in next, value do
        if not hidden[key] then f(key, field) end
      end
    end
    value = meta and rawget(meta, "__index")
    if type(value) ~= "table" then return end
    if next(hidden) then
      for key, field in next, value do
        if not hidden[key] then f(key, field) end
      end
      return
    end
  end
end

local function field(value, name)
  local found
  each_name(value, function(key, at)
    if key == name and found == nil then found = at end
  end)
  return found
end

-- The value that the path before the name leads to; nil: nothing.
local function owner(path, env)
  local at = env
  for name in path:gmatch("[%a_][%w_]*") do
    at = field(at, name)
    if at == nil then return nil end
  end
  return at
end

local function names(at, prefix, functions_only)
  local found = {}
  each_name(at, function(key, value)
    if type(key) == "string" and key:find("^[%a_][%w_]*$") and key:sub(1, #prefix) == prefix
      and (not functions_only or type(value) == "function") then
      found[key] = value
    end
  end)
  return found
end

-- What all begin with.
local function common_start(list)
  local start = list[1]
  for _, name in ipairs(list) do
    while name:sub(1, #start) ~= start do start = start:sub(1, -2) end
  end
  return start
end

--- What is to be put in at the cursor, and all names that fit, sorted.
---@param text string  what stands before the cursor
---@param env table
---@return string insert, string[] names
function completion.of(text, env)
  local path, prefix = text:match("([%a_][%w_%.:]*[%.:])([%w_]*)$")
  if not path and text:find("[%.:][%w_]*$") then return "", {} end -- of a value that only a call would show
  if not path then path, prefix = "", text:match("[%a_][%w_]*$") or "" end
  local at = owner(path, env)
  local found = at ~= nil and names(at, prefix, path:sub(-1) == ":") or {}
  if path == "" then
    for _, word in ipairs(WORDS) do
      if word:sub(1, #prefix) == prefix and found[word] == nil then found[word] = word end
    end
  end
  local list = {}
  for name in pairs(found) do list[#list + 1] = name end
  table.sort(list)
  if #list == 0 then return "", list end
  return common_start(list):sub(#prefix + 1), list
end

return completion
