--- The standard run: the vendor's flow, for recipes that do not bring a `run` of their own.
--
--     factory_tool new_device SID                        -> request for the device
--     factory_tool get_device_configuration SID RESPONSE -> request for the device
--     factory_tool handle_device_response SID RESPONSE   -> FINGERPRINT
--
-- Whatever fails on the way throws a fault; it is reported by whoever runs the attempt.

---@param unit jig.Unit
---@return string fingerprint
return function(unit)
  local init = unit:new_device()
  local key = unit:exchange(init)
  local provisioning = unit:get_device_configuration(key)
  local acknowledgement = unit:exchange(provisioning)
  return unit:handle_device_response(acknowledgement)
end
