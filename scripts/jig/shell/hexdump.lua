--- Bytes as `hexdump -C` shows them: offset, hex, ASCII.

local ROW <const> = 16

-- Bytes that are shown of one piece.
local MOST <const> = 4096

local function row(offset, bytes)
  local cells = {}
  for i = 1, ROW do
    cells[i] = i <= #bytes and ("%02x"):format(bytes:byte(i)) or "  "
  end
  local hex = table.concat(cells, " ", 1, 8) .. "  " .. table.concat(cells, " ", 9)
  return ("%08x  %s  |%s|"):format(offset, hex, (bytes:gsub("[^\32-\126]", ".")))
end

--- The lines of a dump: of the first 4096 bytes, and one that says how many more there are.
---@param bytes string
---@param offset? integer  of the first byte, in what it is a part of; default 0
---@return string[]
return function(bytes, offset)
  local lines = {}
  for at = 1, math.min(#bytes, MOST), ROW do
    lines[#lines + 1] = row((offset or 0) + at - 1, bytes:sub(at, math.min(at + ROW - 1, MOST)))
  end
  if #bytes > MOST then lines[#lines + 1] = ("… %d more bytes"):format(#bytes - MOST) end
  return lines
end
