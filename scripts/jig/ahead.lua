--- What a slot's state of a world has loaded before its worker begins (bindings/ahead.c): what every run of a recipe
--- loads, and nothing of its own.
--
-- The state's memory is copied after this and used again, so no module of these may hold anything outside of it once
-- it is loaded: no descriptor, no memory of the C library.

-- Its buffer is kept from one call to the next, outside of the state.
require("cjson.safe").encode_keep_buffer(false)

require "jig.worker"
require "jig.record"
require "jig.framing.body"
require "jig.framing.common"
require "jig.framing.kept"
require "jig.framing.segments"
require "jig.framing.sized"
require "jig.framing.stuffed"

return true
