--- Writes a whole file.
---@param path string
---@param text string
---@return string? message  why it cannot be written; nil when it was
return function(path, text)
  local file, message = io.open(path, "w")
  if not file then return message end
  local written, trouble = file:write(text)
  local closed, late = file:close()
  if not written or not closed then return ("%s: %s"):format(path, trouble or late) end
end
