--- Text from outside (serials, reasons, what a CLI says), made fit to be shown: it cannot move the cursor,
-- change colours or ring. What is no UTF-8 becomes "?", byte by byte.

---@param value any
---@return string
return function(value)
  local text = tostring(value)
  if not utf8.len(text) then text = text:gsub("[\128-\255]", "?") end
  return (text:gsub("[%c\127]", "?"):gsub("\194[\128-\159]", "?")) -- U+0080 to U+009F are controls, too
end
