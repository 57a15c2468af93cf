--- The command line of one verb, by argparse: usage errors are exit status 2, and nothing exits by itself.

local argparse = require "argparse"

local options = {}

--- A parser for `jig VERB`.
---@param verb string
---@param summary string
function options.parser(verb, summary)
  return argparse("jig " .. verb, summary):add_help(false)
end

--- Parses. The options, or nil and the exit status when help was asked for or the usage is wrong.
---@param parser any
---@param words string[]
---@return table|nil, integer?
function options.parse(parser, words)
  parser:flag("-h --help", "Show this help and end.")
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

--- A converter for whole numbers in a range.
function options.integer(least, most)
  return function(text)
    local number = math.tointeger(tonumber(text))
    if number and number >= least and number <= most then return number end
    return nil, ("expected a whole number from %d to %d, got '%s'"):format(least, most, text)
  end
end

return options
