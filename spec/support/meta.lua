--- Reads a definition file of scripts/meta strictly: a line that it does not know is an error, with its place.
--
-- Gives { name = of ---@meta, classes = { class -> { fields = { name -> { type, optional } }, functions = { name ->
-- { params, async, method, told } }, overload } }, examples = { text } }. A function of no class stands in `functions`.

local meta = {}

local function fail(path, number, text)
  error(("%s:%d: %s"):format(path, number, text), 0)
end

local TAGS <const> = {}

TAGS.meta = function(file, _, rest) file.name = rest ~= "" and rest or nil end
TAGS.class = function(file, _, rest)
  local name = rest:match("^[%w%._]+")
  file.classes[name] = { fields = {}, functions = {} }
  file.class = file.classes[name]
end
TAGS.field = function(file, _, rest)
  local name, mark, type_of = rest:match("^([%w_]+)(%??)%s+(%S.*)$")
  if not name then name, mark, type_of = rest:match("^%[(%w+)%](%??)%s+(%S.*)$") end
  if not name or not file.class then return "a field of nothing" end
  if file.class.fields[name] then return "the field " .. name .. " stands twice" end
  file.class.fields[name] = { type = type_of:match("^(%S+)"), optional = mark == "?" }
end
TAGS.param = function(file, _, rest)
  local name, type_of = rest:match("^([%w_]+)%??%s+(%S+)")
  if not type_of then return "a parameter has a name and a type" end
  table.insert(file.block.params, name)
end
TAGS["return"] = function(_, _, rest) return rest == "" and "a return has a type" or nil end
TAGS.async = function(file, _, rest)
  file.block.async = true
  return rest ~= "" and "async stands alone" or nil
end
TAGS.overload = function(file, _, rest)
  file.class.overload = rest:match("^fun%(.*$") or nil
  return not file.class.overload and "an overload is fun(…)" or nil
end

local function new_block() return { params = {}, told = false } end

local function read_annotation(file, number, line)
  local tag, rest = line:match("^%-%-%-@(%w+)%s*(.*)$")
  if tag then
    local read = TAGS[tag] or fail(file.path, number, "unknown annotation @" .. tag)
    local wrong = read(file, number, rest)
    if wrong then fail(file.path, number, wrong) end
    return
  end
  if line:match("^%-%-%-     ") then file.examples[#file.examples + 1] = line:sub(9) end
  if line:match("^%-%-%- %S") then file.block.told = true end
end

local function read_function(file, number, line)
  local receiver, colon, name, list = line:match("^function ([%w_]+)([%.:])([%w_]+)%((.-)%) end$")
  if not receiver then
    list = line:match("^local function [%w_]+%((.-)%) end$")
    if not list then fail(file.path, number, "no function of one line: " .. line) end
    name = "call"
  end
  local params = {}
  for param in list:gmatch("[%w_]+") do params[#params + 1] = param end
  local block = file.block
  if table.concat(params, " ") ~= table.concat(block.params, " ") then
    fail(file.path, number, "its @param lines are not its parameters")
  end
  if receiver and not file.variables[receiver] then fail(file.path, number, receiver .. " is unknown") end
  local functions = receiver and file.variables[receiver].functions or file.functions
  functions[name] = { params = params, async = block.async == true, method = colon == ":", told = block.told }
end

local function read_line(file, number, line)
  if line:match("^%-%-%-") then return read_annotation(file, number, line) end
  local variable = line:match("^local ([%w_]+) = {}$")
  if variable then
    file.variables[variable] = file.class or fail(file.path, number, variable .. " is of no class")
  elseif line:match("^%w* ?function ") then
    read_function(file, number, line)
  elseif line ~= "" and not line:match("^return [%w_]+$") then
    fail(file.path, number, "neither annotation nor definition: " .. line)
  end
  file.block = new_block()
end

--- Reads a file; raises where it is not understood, and when it is no Lua.
---@param path string
---@return table
function meta.read(path)
  assert(loadfile(path, "t", {}))
  local file = { path = path, classes = {}, functions = {}, variables = {}, examples = {}, block = new_block() }
  local number = 0
  for line in io.lines(path) do
    number = number + 1
    if number == 1 and not line:match("^%-%-%-@meta") then fail(path, 1, "a definition file begins with ---@meta") end
    read_line(file, number, line)
  end
  file.example = table.concat(file.examples, "\n")
  return file
end

return meta
