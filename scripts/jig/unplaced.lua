--- Takes jig's own line off a message: it helps nobody who writes a recipe. A line of a recipe stays.

---@param message string
---@return string
return function(message)
  return (message:gsub("^scripts/jig/[%w_/]+%.lua:%d+: ", ""))
end
