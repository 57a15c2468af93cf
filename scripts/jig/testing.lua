--- What a recipe's specs can check for free. Runs inside busted.

local testing = {}

---@class jig.FramingChecks
---@field junk? boolean    the framing finds a frame behind junk; default f.traits.resync
---@field check? boolean   it notices damage; default f.traits.check
---@field empty? boolean   it carries an empty payload; default f.traits.empty
---@field silence? boolean  only silence ends its frames; default f.traits.silence
---@field size? integer    all its payloads have this size; default f.traits.size
---@field text? boolean    it refuses payloads that read as text; default f.traits.text
---@field max? integer     its longest payload; default f.max
---@field oversize? { host?: string, device?: string }  bytes that announce a frame over max, as
---  each end would send them

--- Checks that a framing keeps its contract (jig.framing.common) in both directions: defines the
-- `describe` and `it` blocks of a busted spec. What the framing cannot do is said by its traits, or
-- by options for a framing without any. Deterministic; memory is measured, time is not.
---
---     local testing = require "jig.testing"
---     testing.framing(require "jig.framing.slip" { header = "B command" })
---@param f jig.Framing
---@param options? jig.FramingChecks
function testing.framing(f, options)
  -- Not a tail call, so that a mistake in the options shows the spec's line.
  local check = require "jig.framing.contract"
  check(f, options)
end

return testing
