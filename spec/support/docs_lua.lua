--- Lua blocks of the pages, each in the frame that it was written for. The first frame that fits runs it:
--
--   return jig.recipe { … }          a recipe: checked, then run on virtual time against a device that answers
--   return { … cli/slots/port = … }  a station file: through the station loader
--   it(…), testing.framing(…)        a spec: its tests are run here
--   … testing.run …                  a test's body
--   key = …,                         fields: of a recipe if a recipe has such keys, else of the station's `cli`
--   … unit … or … port:              steps of a hook: `run` when it opens a session, else `prepare`
--   anything else                    a script: run as it is, in a task

local luassert = require "luassert"
local proofs = require "spec.support.proofs"
local station_file = require "jig.station"
local testing = require "jig.testing"

-- A device for any framing: answers whatever comes, and prints a banner if the recipe waits for one.
local function device_for(text)
  return {
    banner = text:find("expect", 1, true) and "SN=T100317\r\nready\r\n" or nil,
    reset = text:match('pulse%("(%a+)"'),
    wires = { [1] = {} },
    control = function(device)
      local pid = text:match "unit:reopen { pid = (0x%x+)"
      if pid then device:leave { pid = tonumber(pid) } end
      return true
    end,
    firmware = function(device)
      while true do
        device:receive()
        device:send { payload = "an answer" }
      end
    end,
  }
end

local function run_recipe(page, text)
  local file = page.folder:write("block/recipe.lua", text)
  local result = testing.run { recipe = file, device = device_for(text) }
  if not result.passed then error("the recipe fails: " .. tostring(result.fault and result.fault.reason), 0) end
end

-- A whole recipe with more fields in it.
local function recipe_with(fields)
  local text = proofs.RECIPE
  for key in ("\n" .. fields):gmatch("\n *(%a+) =") do text = text:gsub("\n  " .. key .. " = [^\n]*", "") end
  return (text:gsub("}%s*$", function() return fields .. "\n}\n" end))
end

local function run_steps(page, text)
  local hook = text:find("new_device", 1, true) and "run" or "prepare"
  local form = "%s = function(unit)\nlocal jig, port = require 'jig', unit.port\n%s\nend,"
  run_recipe(page, recipe_with(form:format(hook, text)))
end

local RECIPE_KEYS <const> = {}
for key in ("name version port framing limits status success faults prepare run exchange link finish reset")
  :gmatch("%a+") do RECIPE_KEYS[key] = true end

local function load_station(page, text)
  local file = page.folder:write("block/station.lua", text)
  local made, message = station_file.load(file)
  if not made then error(message, 0) end
end

local function run_fields(page, text)
  local key = text:match("^%s*(%a+) =")
  if RECIPE_KEYS[key] then return run_recipe(page, recipe_with(text)) end
  load_station(page, "return { cli = {\n" .. text .. "\n} }\n")
end

-- A chunk whose `testing` need not be required.
local function chunk_of(text, name, extra)
  local env = setmetatable({ assert = luassert, testing = testing }, { __index = function(_, key)
    return (extra or {})[key] or _G[key]
  end })
  return assert(load(text, "=" .. name, "t", env))
end

-- The tests of a spec, run one after the other in the test of the page.
local function run_spec(page, text, name)
  local count = 0
  local function it(_, body)
    count = count + 1
    body()
  end
  local function describe(_, body) body() end
  local busted = package.loaded.busted
  package.loaded.busted = setmetatable({ it = it, describe = describe }, { __index = busted })
  local ok, thrown = pcall(chunk_of(page:here(text), name, { it = it, describe = describe }))
  package.loaded.busted = busted
  if not ok then error(thrown, 0) end
  if count == 0 then error("it defines no test", 0) end
end

-- In order: a function that says whether it fits, and the one that runs it.
local FRAMES <const> = {
  { function(text) return text:find("return jig%.recipe") end, run_recipe },
  { function(text) return text:find("^return {") and text:find("\n  cli =") or text:find("^return {.*slots =") end,
    load_station },
  { function(text) return text:find("%f[%w]it%(") or text:find("testing%.framing") end, run_spec },
  { function(text) return text:find("testing%.run") end, function(page, text, name)
    chunk_of(page:here(text), name)()
  end },
  { function(text) return text:find("^%s*%a+ = .-,%s*$") and not text:find("^%s*local") end, run_fields },
  { function(text) return text:find("%f[%w]unit[.:]") or text:find("%f[%w]port:") end, run_steps },
  { function() return true end, function(page, text, name) chunk_of(page:here(text), name)() end },
}

--- Runs a Lua block. Raises when it does not load, or does not end well. Yields.
---@param page spec.Page
---@param block spec.DocsBlock
return function(page, block)
  local text = table.concat(block.lines, "\n") .. "\n"
  for _, frame in ipairs(FRAMES) do
    if frame[1](text) then
      local ok, message = pcall(frame[2], page, text, block.place)
      if not ok then error(("%s: %s"):format(block.place, message), 0) end
      return
    end
  end
end
