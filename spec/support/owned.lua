-- A jig whose stations may trust what belongs to a user who is not root, for specs, which may run as anybody:
-- `jig spec/support/owned.lua UID VERB [word…]`.

local system = require "jig.system"

require("jig.trust").owner = math.tointeger(arg[1])
system.exit(require("jig.commands." .. arg[2])(table.move(arg, 3, #arg, 1, {})))
