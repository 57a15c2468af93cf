--- The station file: how this station calls the CLI, and what it works on. A Lua file that returns a
-- table; it runs in the same sandbox as recipes.
--
--     return {
--       name = "line 3",
--       slot = "A",
--       port = "serial:/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0",
--       cli  = { path = "/opt/secure-factory/factory_tool", limits = { new_device = 20 } },
--     }

local sandbox = require "jig.sandbox"
local shape = require "jig.shape"

local station = {}

---@class jig.Station
---@field name? string      default: the machine's name
---@field slot? string      the slot's name; default "A"
---@field port? string      the slot's address
---@field cli? jig.StationCli
---@field lot? string
---@field operator? string
---@field retries? integer  further attempts after a fault marked retry; default 0

---@class jig.StationCli how the Secure Factory CLI is called; see session.service for the defaults
---@field path? string       default "factory_tool", looked up in PATH
---@field arguments? string[]
---@field env? table<string, string|false>
---@field cwd? string
---@field accept? integer[]
---@field limits? table<string, number>
---@field grace? number
---@field stop? number
---@field hurry? number
---@field report? table<string, boolean>

local seconds = shape.value("seconds, 0 or more", function(v) return type(v) == "number" and v >= 0 end)

local station_shape = shape.record {
  name = shape.string,
  slot = shape.string,
  port = shape.string,
  lot = shape.string,
  operator = shape.string,
  retries = shape.range(0, 100),
  cli = shape.record {
    path = shape.string,
    arguments = shape.array(shape.value("a string", function(v) return type(v) == "string" end)),
    env = shape.map(shape.string, shape.value("a string or false", function(v)
      return type(v) == "string" or v == false
    end)),
    cwd = shape.string,
    accept = shape.array(shape.range(0, 255)),
    limits = shape.record {
      new_device = shape.seconds,
      get_device_configuration = shape.seconds,
      handle_device_response = shape.seconds,
      report_error = shape.seconds,
    },
    grace = seconds,
    stop = seconds,
    hurry = seconds,
    report = shape.record { refused = shape.boolean, unclear = shape.boolean, again = shape.boolean },
  },
}

--- Loads and checks a station file. Does not yield.
---@param path string
---@return jig.Station|nil made, string? message
function station.load(path)
  local env = sandbox.environment(path:match("^(.*/)[^/]*$") or "./", {}, sandbox.files())
  local chunk, message = sandbox.files():load(path, env)
  if not chunk then return nil, message end
  local ok, made = pcall(chunk)
  if not ok then return nil, tostring(made) end
  local at, expected, got = shape.check(station_shape, made)
  if at then
    local place = shape.where(path, at, "return")
    return nil, ("%s: %s: expected %s, got %s"):format(place, at == "" and "station" or at, expected, got)
  end
  return made
end

return station
