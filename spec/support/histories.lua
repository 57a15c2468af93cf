-- For specs of the laws: what is changed in the history of a path, and the law that is then broken.
--
--     for name, check in histories.each { { "clean", "2 order", "is called again", function(history) … end } } do
--       it(name, check)
--     end

local assert = require "luassert"
local explorer = require "jig.prove.explorer"
local laws = require "jig.prove.laws"
local proofs = require "spec.support.proofs"

local histories = {}

--- The history of a path that is named by the first effect which it hits: "call new_device:exit", or "clean".
---@param subject jig.prove.Subject
---@param path string
---@return table
function histories.of(subject, path)
  local _, clean = explorer.go(subject, {})
  local place, name = path:match("^(.*):(.*)$")
  for number, effect in ipairs(clean.trail) do
    if effect.kind .. " " .. effect.what == place then
      return select(2, explorer.go(subject, { { at = number, name = name } }))
    end
  end
  assert(path == "clean", "no effect is hit by " .. path)
  return clean
end

local function check(case, product)
  local path, law, text, change = table.unpack(case)
  local subject <close> = proofs.subject(product)
  local history = histories.of(subject, path)
  assert.same({}, laws.check(history))
  change(history)
  local found
  for _, violation in ipairs(laws.check(history)) do
    if violation.law == law and violation.text:find(text, 1, true) then found = violation end
  end
  assert.is_truthy(found, "no such violation")
end

--- A name and a check for each case: the path, the law, a piece of what is said, and the change.
---@param cases { [1]: string, [2]: string, [3]: string, [4]: fun(history: table) }[]
---@param product? table  of proofs.folder
function histories.each(cases, product)
  local number = 0
  return function()
    number = number + 1
    local case = cases[number]
    if not case then return end
    return ("finds %q on the path %s"):format(case[3], case[1]), function() check(case, product) end
  end
end

return histories
