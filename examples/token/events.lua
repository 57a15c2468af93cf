-- What the token says on its interrupt endpoint: for each message one event of four bytes, by which a message is
-- judged. Its device end is for device.lua.

local LAYOUT <const>, SIGN <const> = ">B B I2", 0x53

return {
  size = LAYOUT:packsize(),

  -- The number and the status of an event; nil when it is none.
  read = function(bytes)
    local sign, number, status = LAYOUT:unpack(bytes)
    if sign == SIGN then return number, status end
  end,

  device = {
    encode = function(event) return LAYOUT:pack(SIGN, event.number, event.status) end,
    sample = { number = 1, status = 0 },
  },
}
