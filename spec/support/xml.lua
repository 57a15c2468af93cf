-- Reads XML of elements, attributes and text; raises when it is not well-formed.
--
--     local root = xml(text)  -- { name, attributes, children, text }

local ENTITIES <const> = { amp = "&", lt = "<", gt = ">", quot = '"' }

local function decode(text)
  assert(not text:find("[<%z\1-\8\11\12\14-\31]"), "a character that XML has not")
  return (text:gsub("&(.-);", function(name) return assert(ENTITIES[name], name) end))
end

local function attributes(text)
  local found = {}
  local rest = text:gsub('%s+([%w]+)="([^"]*)"', function(name, value)
    assert(found[name] == nil, "an attribute comes twice")
    found[name] = decode(value)
    return ""
  end)
  assert(rest:match("^%s*$"), "no attribute: " .. rest)
  return found
end

return function(text)
  local body = assert(text:match('^<%?xml version="1.0" encoding="UTF%-8"%?>\n(.*)$'), "no declaration")
  local root = { children = {} }
  local open, at = { root }, 1
  while at <= #body do
    local node = open[#open]
    local from, to, close, name, rest, empty = body:find("^<(/?)(%w[%w%-]*)([^<>]-)(/?)>", at)
    if from and close == "/" then
      assert(node.name == name and rest == "", "wrong end tag " .. name)
      open[#open] = nil
    elseif from then
      local child = { name = name, attributes = attributes(rest), children = {}, text = "" }
      node.children[#node.children + 1] = child
      if empty == "" then open[#open + 1] = child end
    else
      from, to = body:find("^[^<]+", at)
      assert(from, "a stray <")
      local piece = decode(body:sub(from, to))
      assert(node ~= root or piece:match("^%s*$"), "text outside")
      if node ~= root then node.text = node.text .. piece end
    end
    at = to + 1
  end
  assert(#open == 1 and #root.children == 1, "not one root")
  return root.children[1]
end
