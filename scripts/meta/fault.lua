---@meta jig.fault
--- Faults: what is thrown when the world fails.
---
---     local fault = require "jig.fault"
---     error(fault.new("connectivity.lost", { reason = "the cable was pulled" }))

---@class jig.Fault
---@field name string        "factory_init.keygen"
---@field code integer       the ERROR_CODE
---@field reason string      the ERROR_REASON
---@field phase? string      where in the unit it happened
---@field slot? string
---@field session? string
---@field line? string       "recipe.lua:12": the recipe's line, where one was involved
---@field traceback? string
---@field retry? boolean     a new attempt may help
---@field limit? string      which limit passed
---@field advice? string     one sentence for the operator
---@field by_recipe? true    of a plain copy: only its name is the station's, a recipe made it
local made = {}

--- The fields that are plain values, for a message or JSON.
---@return table
function made:plain() end

---@class jig.fault
---@field catalogue table<string, { [1]: integer, [2]: string }>  name, and its code and reason
local fault = {}

--- Makes a fault. Does not throw it. Raises for a name that is neither in the catalogue nor given a code and a reason,
--- or no text. A reason that is no text becomes its number of bytes and their digest.
---@param name string
---@param fields? table  any fields of jig.Fault
---@return jig.Fault
function fault.new(name, fields) end

--- Whether a value is a fault.
---@param value any
---@return boolean
function fault.is(value) end

--- As new, for what the engine itself found. A recipe does not have it, nor throw_io and throw_cli.
---@param name string
---@param fields? table
---@return jig.Fault
function fault.engine(name, fields) end

--- Whether a recipe made this fault, whose name says something of the station: cli.*, tool.journal, tool.interrupted.
---@param made_elsewhere jig.Fault
---@return boolean
function fault.by_recipe(made_elsewhere) end

--- A copy in which each field is what it has to be. For whoever runs an attempt, as all below.
---@param made_elsewhere jig.Fault
---@return jig.Fault
function fault.checked(made_elsewhere) end

--- Throws the fault for a failed port call.
---@param message string
---@param code string
---@param limit? string
function fault.throw_io(message, code, limit) end

--- Throws the fault for a failed call of the CLI.
---@param message string
---@param code string
---@param stage "call"|"start"
function fault.throw_cli(message, code, stage) end

--- Turns whatever was thrown into a fault; a plain error becomes tool.recipe.
---@param thrown any
---@return jig.Fault
function fault.from(thrown) end

--- A message handler for xpcall: as from, with the recipe's line and the traceback.
---@param folder string
---@return fun(thrown: any): jig.Fault
function fault.catcher(folder) end

return fault
