---@meta
--- What jig.testing adds to luassert's `assert`: each takes what testing.run gives, and `replays` a cassette.
---
---     assert.passed(result)
---     assert.reported(result, "factory_init.keygen", 301)
---     assert.replays("line4.cassette")

---@class luassert
local assertions = {}

--- The unit passed, with that fingerprint.
---@param result jig.testing.Result
---@param fingerprint? string
function assertions.passed(result, fingerprint) end

--- It failed so.
---@param result jig.testing.Result
---@param name? string
---@param code? integer
function assertions.failed(result, name, code) end

--- It failed so, and of the last attempt one report with that code was accepted.
---@param result jig.testing.Result
---@param name? string
---@param code? integer
function assertions.reported(result, name, code) end

--- No report was made.
---@param result jig.testing.Result
function assertions.not_reported(result) end

--- The device was given these bytes in a row.
---@param result jig.testing.Result
---@param hex string
function assertions.sent(result, hex) end

--- The recipe does what was recorded by jig run --record.
---@param cassette string  its path
---@param options? jig.testing.ReplayOptions
function assertions.replays(cassette, options) end

return assertions
