--- A field of a framing's header that a message does not have: the standard flow gives `scp` and `payload` alone.

---@param host jig.FramingEnd
---@param message jig.Frame
---@return string?  its name, the first in the alphabet; nil when there is none
return function(host, message)
  local found
  for field in pairs(host.sample or {}) do
    if message[field] == nil and (not found or field < found) then found = field end
  end
  return found
end
