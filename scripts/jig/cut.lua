--- Text of somebody else's that is kept and shown: no longer than so many bytes.

local ELLIPSIS <const> = "…"

--- The text, or its beginning with an ellipsis behind it, which the bytes include; no character is cut in two.
---@param text string
---@param most integer  bytes, 3 or more
---@return string
return function(text, most)
  if #text <= most then return text end
  local last = most - #ELLIPSIS
  for _ = 1, 3 do
    local following = text:byte(last + 1)
    if following < 0x80 or following > 0xBF then break end
    last = last - 1
  end
  return text:sub(1, last) .. ELLIPSIS
end
