local loop = require "spec.loop"
local peer = require "spec.peer"
local scratch = require "spec.support.scratch"
local steps = require "spec.support.steps"

local function stat_of(id)
  local file <close> = assert(io.open(("/proc/%s/stat"):format(id)))
  return file:read("a")
end

describe("core/process", function()
  it("names a process by when it started, and knows no other of that id", function()
    local own = tonumber(scratch.run({ "sh", "-c", "echo $PPID" }).stdout)
    local stat = stat_of "self"
    local start = loop.process_start(own)
    assert.equal(math.tointeger(tonumber(stat:match("%) (.*)"):match(("%S+ "):rep(19) .. "(%S+)"))), start)
    assert.is_true(loop.process_lives(own, start))
    assert.is_false(loop.process_lives(own, start + 1))
    assert.is_false(loop.process_lives(own, 0))
  end)

  it("knows none of an id that is nobody's", function()
    for _, id in ipairs { 0, -1, -5, 1 << 40 } do
      assert.equal(0, loop.process_start(id))
      assert.is_false(loop.process_lives(id, 0))
    end
  end)

  it("is not misled by a program's name", function()
    local folder <close> = scratch.folder()
    local name = folder.path .. "/a) Z 1 ("
    scratch.run { "cp", "/bin/sleep", name }
    steps.with_loop(function(l)
      local child = assert(l:child({ name, "60" }, function() end))
      local start = loop.process_start(child:pid())
      assert.is_true(start >= loop.process_start(math.tointeger(tonumber(stat_of("self"):match("^%d+")))))
      child:stop(0)
    end)
  end)

  it("takes one that is not reaped for gone", function()
    -- the shell becomes a program that does not wait for its child, which prints its id
    local pipe = assert(io.popen "(read x </proc/self/stat; echo $x) & exec sleep 60")
    local id = math.tointeger(tonumber(pipe:read("l"):match("^%d+")))
    local parent = math.tointeger(tonumber((stat_of(id):match("%) %S (%d+)"))))
    local deadline = os.time() + 30
    while loop.process_start(id) ~= 0 and os.time() < deadline do
      assert.matches("%) %S", stat_of(id))
    end
    assert.equal(0, loop.process_start(id))
    assert.matches("%) Z", stat_of(id))
    peer.kill(parent)
    pipe:close()
  end)
end)
