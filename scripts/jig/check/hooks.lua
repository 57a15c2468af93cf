--- Hooks that cannot do what they are for.

--- Reports each.
---@param self jig.check.Source
---@param report fun(line: integer, what: string, instead: string)
return function(self, report)
  local exchange = self.hooks.exchange
  if exchange and not exchange.varargs and #exchange.params < 2 then
    report(exchange.line, "the exchange hook does not take the request: its payload would never reach the device",
      "write function(unit, request) …")
  end
end
