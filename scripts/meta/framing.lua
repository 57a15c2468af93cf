---@meta
--- What every framing gives and takes: the contract in full is the head of scripts/jig/framing/common.lua.
---
---     local bytes = framing.host.encode { payload = "x" }
---     local frame, answer, skipped, why = framing.device.decoder():feed(bytes)

---@class jig.Frame
---@field payload string
---@field scp? integer     the number that the CLI gave with the payload, when the header carries it
---@field status? integer  the device's answer, 0 for success, when the reply carries it
---@field log? string      readable text that came before this frame
---@field [string] any     further fields that the header names

---@class jig.Decoder
local decoder = {}

--- Takes bytes in any pieces: a frame; or nil, "more"; or nil, "bad", how many bytes were skipped, and why.
---@param bytes string
---@return jig.Frame? frame
---@return string? answer
---@return integer? skipped
---@return string? why
function decoder:feed(bytes) end

--- Says that the line has been silent; answers as feed does.
---@return jig.Frame? frame
---@return string? answer
---@return integer? skipped
---@return string? why
function decoder:idle() end

--- Empties the decoder: what belongs to no finished frame, and how many bytes of it are the device's text.
---@return string
---@return integer
function decoder:rest() end

---@class jig.FramingEnd
---@field encode fun(frame: jig.Frame): string
---@field decoder fun(): jig.Decoder
---@field sample table<string, any>  a value for each header field with which encode works

---@class jig.FramingTraits
---@field resync boolean    finds the next frame behind any junk without silence in between
---@field check boolean     a damaged frame never passes for a good one with another payload
---@field empty boolean     an empty payload can be sent
---@field silence? boolean  only silence ends a frame
---@field size? integer     every payload has exactly this many bytes
---@field text? boolean     a frame that reads as lines of text is refused by encode

---@class jig.Framing
---@field name string
---@field host jig.FramingEnd    encodes requests, decodes replies
---@field device jig.FramingEnd  encodes replies, decodes requests
---@field max integer            the most payload bytes of a frame
---@field traits jig.FramingTraits
