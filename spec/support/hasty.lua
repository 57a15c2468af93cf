-- A jig whose recipes may compute for a fifth of a second only: `jig spec/support/hasty.lua VERB [word…]`, for specs
-- in which many of them loop.

local system = require "jig.system"

require("jig.budget").limit(0.2)
system.exit(require("jig.commands." .. arg[1])(table.move(arg, 2, #arg, 1, {})))
