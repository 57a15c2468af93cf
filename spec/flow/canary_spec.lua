--- Payloads leave no trace: a canary goes through units of the real program, and is then looked for in all that came
-- out, in what was kept, and in the memory of the process itself.

local canary = require "spec.support.canary"
local carrier = require "spec.support.carrier"
local cjson = require "cjson"
local hex = require "jig.hex"
local port = require "jig.port"
local station = require "spec.support.station"

-- Under a sanitizer or valgrind a process keeps blocks that were freed, and has memory of its own.
local WATCHED <const> = os.getenv("ASAN_OPTIONS") or os.getenv("LSAN_OPTIONS")
  or (os.getenv("LD_PRELOAD") or ""):find("vgpreload", 1, true)

local SECRET <const> = "\x00\xc3\xa9 ca/nary\\\"\n\x1b\xff\x7f\x81-0123"

describe("a canary", function()
  it("is found in each form, so that its absence means something", function()
    local ways = { SECRET, ("%q"):format(SECRET), hex.encode(SECRET), hex.encode(SECRET):upper(), cjson.encode(SECRET) }
    for _, way in ipairs(ways) do assert.is_string(canary.find("before" .. way .. "behind", SECRET)) end
    for _, form in ipairs(canary.forms(SECRET)) do
      local name, at = canary.find("..." .. form.bytes, SECRET)
      assert.same({ form.name, 4 }, { name, at })
    end
    assert.is_nil(canary.find(SECRET:sub(2) .. "." .. SECRET:sub(1, -2), SECRET))
  end)

  it("is found in base64 wherever its group begins", function()
    local path <const> = os.tmpname()
    for skip = 0, 2 do
      local file = assert(io.open(path, "wb"))
      file:write(("x"):rep(skip), SECRET, "and more")
      file:close()
      assert.matches("^base64", (canary.find(station.execute("base64", "-w0", path), SECRET)))
    end
    os.remove(path)
  end)

  it("is found in the memory of a process that holds it", function()
    if WATCHED then return pending("the memory of a program that is watched is not its own") end
    local place <close> = station.place()
    local script = place:write("holder.lua", [[
      local half, other = "a canary that ", "is made late"
      kept = half .. other
      print("held by " .. io.open("/proc/self/stat"):read("n"))
      io.read()]])
    local holder <close> = assert(port.open("exec:" .. station.jig .. " " .. script .. "?pty=1"))
    local pid = math.tointeger(assert(holder:read_until("\n", station.PATIENCE)):match "%d+")
    local hits, bytes = canary.memory(pid, "a canary that is made late")
    if not hits then return pending("the memory of another process cannot be read: " .. bytes) end
    assert.matches("^raw at %x+", hits[1])
    assert.is_true(bytes > 1 << 20)
    assert.same({}, (canary.memory(pid, "a canary that nobody holds")))
  end)

  it("is looked for in no process that is gone", function()
    local hits, message = canary.memory(2 ^ 22 // 1 | 0, SECRET)
    assert.is_nil(hits)
    assert.matches("No such file", message)
  end)
end)

-- ---- a unit whose messages are canaries ----

-- What is in a process's memory of the messages, or nil, and why it cannot be seen.
local function held(pid)
  local found = {}
  for i, secret in ipairs(carrier.secrets) do
    local hits, why = canary.memory(pid, secret)
    if not hits then return nil, why end
    for _, hit in ipairs(hits) do found[#found + 1] = ("message %d: %s"):format(i, hit) end
  end
  return found
end

-- Leaves copies of a message in buffers of Lua's library, far down on the stack of C, and one where the recipe's chunk
-- has its locals.
local DEEP <const> = [[
  run = function(unit)
    local request = unit:new_device()
    local function descend(depth)
      if depth == 0 then return #("%s, %s"):format(request.payload, request.payload:reverse()) end
      return (("x"):gsub("x", function() return descend(depth - 1) end))
    end
    descend(12)
    local response = unit:exchange(request)
    length = response.payload
    unit:handle_device_response(unit:exchange(unit:get_device_configuration(response)))
  end,
]]

describe("messages", function()
  it("are not in the memory of a station that waits after a unit", function()
    if WATCHED then return pending("the memory of a program that is watched is not its own") end
    local unit <close> = carrier.new { recipe = DEEP }
    local run <close> = unit:start { "--watch", "--json", json = true }
    run:await("ended")
    station.eventually("it waits", function()
      for _, event in ipairs(run:events()) do
        if event["for"] == "removal" then return true end
      end
    end)
    local found, why = held(run.child:pid())
    run:signal(15)
    local result = run:finish()
    assert.equal(0, result.exit, result.stdout .. result.stderr)
    if not found then return pending("the memory of another process cannot be read: " .. why) end
    assert.same({}, found)
  end)
end)
