--- Text from outside on one line of a terminal: what could control the terminal, or hide what stands there, is
-- shown as Lua would write it in a string. Unlike jig.output.clean it loses nothing, for a shell is for looking.

local NAMED <const> = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

-- Characters that are not seen, or change the direction of writing: first, last.
local UNSEEN <const> = {
  { 0x80, 0x9F }, { 0xAD, 0xAD }, { 0x061C, 0x061C }, { 0x115F, 0x1160 }, { 0x17B4, 0x17B5 }, { 0x180B, 0x180F },
  { 0x200B, 0x200F }, { 0x2028, 0x202E }, { 0x2060, 0x206F }, { 0xFE00, 0xFE0F }, { 0xFEFF, 0xFEFF },
  { 0xFFF0, 0xFFFB }, { 0xE0000, 0x10FFFF },
}

local function byte(c) return NAMED[c] or ("\\x%02x"):format(c:byte()) end

local function character(c)
  local code = utf8.codepoint(c)
  for _, range in ipairs(UNSEEN) do
    if code >= range[1] and code <= range[2] then return ("\\u{%x}"):format(code) end
  end
end

---@param text string
---@return string
return function(text)
  if not text:find("[^\32-\126]") then return text end
  if not utf8.len(text) then return (text:gsub("[^\32-\126]", byte)) end
  return (text:gsub("[%c\127]", byte):gsub("[\194-\244][\128-\191]+", character))
end
