--- What a CLI may have printed when jig could not read it: the engine's sentence is all that a cassette has of that,
-- and this gives an output of which the engine says the same, but for numbers.

local rubbish = {}

-- Beginnings of an answer that are right.
local RIGHT <const> = { SCP = "SCP 256\n", PAYLOAD = "PAYLOAD 00\n", FINGERPRINT = "FINGERPRINT 00\n" }

-- What the sentence says -> the output; from a pattern's captures where it is a function.
local KINDS <const> = {
  { "SCP must be a decimal number", "SCP many\n" },
  { "SCP is over", "SCP 4294967296\n" },
  { "(%u+): [^\n]*odd", function(key) return key .. " 000\n" end },
  { "(%u+): [^\n]*character %d+ is ", function(key) return key .. " x0\n" end },
  { "FINGERPRINT has %d+ digits", "FINGERPRINT " .. ("0"):rep(4000) .. "\n" },
  { "the value of (%u+) expected, got the key (%u+)",
    function(key, other) return ("%s\n%s 00\n"):format(key, other) end },
  { "(%u+) again, it was on line", function(key) return (RIGHT[key] or ""):rep(2) end },
  { "text after a value", "SCP 256 text\n" },
  { "a NUL byte", "\0\n" },
  { "(%u+) has no value", function(key) return key .. "\n" end },
  { "no (%u+) up to the end", function(key) return key == "PAYLOAD" and RIGHT.SCP or "" end },
}

--- The output.
---@param message string
---@return string
function rubbish.output(message)
  for _, kind in ipairs(KINDS) do
    local found = table.pack(message:match(kind[1]))
    if found[1] then
      return type(kind[2]) == "string" and kind[2] or kind[2](table.unpack(found, 1, found.n))
    end
  end
  return "rubbish\n"
end

return rubbish
