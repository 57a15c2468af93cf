-- The gateway as the factory sees it, for tests and proofs. Its port also carries its trace.

return function(device)
  for number = 1, math.huge do
    device:receive()
    device:write(("[trace] factory message %d\n"):format(number))
    device:send { status = 0, payload = "answer of the gateway, number " .. number }
  end
end
