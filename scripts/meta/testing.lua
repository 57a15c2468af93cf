---@meta jig.testing
--- The kit with which recipes are tested: on a laptop, without hardware, on virtual time. Runs inside busted.
---
---     local testing = require "jig.testing"
---     local result = testing.run { recipe = "examples/thermostat", device = { { status = 0x11 } } }
---     assert.reported(result, "factory_provisioning.memory", 311)

---@class jig.testing
local testing = {}

---@class jig.testing.Options
---@field recipe string           its file or folder
---@field device? function|table|string  see jig.testing.device; default: device.lua beside the recipe. A list
---  of replies stands for its firmware alone. A string is the address of a real port, and needs `real`
---@field cli? table|string       see jig.testing.cli; a string is the path of a real program, and needs `real`
---@field real? boolean           the real clock; what is played is played on it
---@field service? table          settings of the CLI, as the station file's `cli`
---@field retries? integer
---@field serial? string          that the device must have
---@field journal? boolean        false: none is kept
---@field seed? integer           of random numbers; default 1, with a real CLI by chance
---@field interrupt? number       seconds after which somebody presses Ctrl-C

---@class jig.testing.Result
---@field passed boolean
---@field fault? table            of a FAIL: name, code, reason, phase, line, …
---@field fingerprint? string
---@field serial? string
---@field seconds number          of the run's clock
---@field ended? table            the last attempt's event, as jig run --json has it
---@field attempts table[]        such an event for each
---@field events table[]          all of them, in order
---@field calls jig.testing.Call[]  of the CLI
---@field reports jig.testing.Call[]  those of report_error
---@field received? jig.Frame[]   messages that reached the device; nil where it is an address
---@field written? string         all bytes that it was given; the same
---@field sessions table[]        what the journal says of the run's sessions
---@field trail jig.testing.Effect[]
local result = {}

--- What happened, as text.
---@param last? integer  so many lines; default all
---@return string
function result:transcript(last) end

---@class jig.testing.ReplayOptions
---@field recipe? string      its file or folder; default: the one that the cassette names, where it stands beside
---@field strict? boolean     times and pieces count, too
---@field tolerance? number   seconds by which a step may then be early or late; default 0.05
---@field unfinished? boolean  a cassette without its last line is taken, as far as it goes

---@class jig.testing.Replayed
---@field same boolean
---@field path string
---@field recipe string              the file
---@field steps integer              lines that tell what jig did
---@field difference? table         what, expected, found, line
---@field text? string               the difference, for people
---@field notes string[]             what is to be said besides

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

--- Runs a recipe with a device and a CLI that are played, and gives what became of it. Does not yield. Raises when the
--- recipe is refused, when the run does not end, and when it leaves anything behind.
---@param options jig.testing.Options
---@return jig.testing.Result
function testing.run(options) end

--- Runs a recipe against a cassette (jig run --record), and says whether it does what it did. Does not yield. Raises
--- when the cassette or the recipe cannot be used. In one line of a spec: assert.replays("line4.cassette").
---@param path string
---@param options? jig.testing.ReplayOptions
---@return jig.testing.Replayed
function testing.replay(path, options) end

--- The device that stands beside a recipe. Raises when there is none.
---@param folder string  with its last "/"
---@return function|table
function testing.device(folder) end

--- Loads a recipe. Raises when it is refused.
---@param path string
---@return { file: string, folder: string, recipe: jig.Recipe }
function testing.load(path) end

--- Checks that a framing keeps its contract: defines the blocks of a busted spec.
---@param f jig.Framing
---@param options? jig.FramingChecks
function testing.framing(f, options) end

return testing
