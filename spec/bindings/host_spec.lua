local clock = require "jig.clock"
local host = require "jig.host"
local proc = require "jig.proc"
local scratch = require "spec.support.scratch"

local ROOT <const> = host.identity().uid == 0

-- As another program tells it.
local function stat(path, format)
  return (scratch.run({ "stat", "-L", "-c", format, path }).stdout:gsub("\n", ""))
end

describe("jig.host", function()
  local folder

  setup(function()
    folder = scratch.folder { a = "12345" }
    scratch.run { "sh", "-c", "cd $0 && chmod 2640 a && ln -s a link && mkdir sub && ln -s none broken", folder.path }
  end)
  teardown(function() folder:__close() end)

  it("tells what a file is, through links", function()
    for _, name in ipairs { "/a", "/link" } do
      local about = assert(host.stat(folder.path .. name))
      assert.same({ "file", tonumber("2640", 8), 5 }, { about.kind, about.mode, about.size })
      assert.equal(stat(folder.path .. "/a", "%u %g %a"), ("%d %d %o"):format(about.uid, about.gid, about.mode))
      assert.equal(stat(folder.path .. "/a", "%i"), about.id:match("^%x%x+:%x%x+:(%d+)$"))
    end
    assert.same({ "folder", "device" }, { host.stat(folder.path .. "/sub").kind, host.stat("/dev/null").kind })
    assert.equal("not_found", (select(3, host.stat(folder.path .. "/broken"))))
  end)

  it("names a file as /proc/locks does", function()
    local kind = scratch.run({ "stat", "-f", "-c", "%T", folder.path }).stdout
    if kind == "overlayfs\n" then pending "an overlay may number files in two ways" end
    local words = { "flock", "--no-fork", folder.path .. "/a", "sleep", "60" }
    local child <close> = assert(proc.start(words)) -- luacheck: ignore 211 (ended with its scope)
    local id, held = host.stat(folder.path .. "/a").id, false
    local deadline = clock.now() + 30
    while not held and clock.now() < deadline do
      clock.sleep(0.002)
      held = scratch.run({ "cat", "/proc/locks" }).stdout:find(" " .. id .. " ", 1, true)
    end
    assert.truthy(held, id)
  end)

  it("knows what may be done", function()
    assert.is_true(host.may(folder.path, "rwx"))
    assert.same({ "denied" }, { select(3, host.may(folder.path .. "/a", "x")) })
    assert.equal("not_found", (select(3, host.may(folder.path .. "/none", "r"))))
    for _, how in ipairs { "", "rq" } do assert.is_false(pcall(host.may, folder.path, how)) end
    if not ROOT then assert.equal("denied", (select(3, host.may("/", "w")))) end
  end)

  it("lists all that stands in a folder", function()
    local names = assert(host.list(folder.path))
    table.sort(names)
    assert.same({ "a", "broken", "link", "sub" }, names)
    assert.same({}, host.list(folder.path .. "/sub"))
    for _, name in ipairs { "/none", "/a" } do assert.is_nil((host.list(folder.path .. name))) end
  end)

  it("says so when a folder cannot be read to its end", function()
    -- a process that has ended and was not waited for has no network any more, but still its folder
    local here <close> = scratch.folder()
    local script = "sleep 0.05 & echo $! >$0; exec sleep 60"
    local words = { "sh", "-c", script, here.path .. "/pid" }
    local parent <close> = assert(proc.start(words)) -- luacheck: ignore 211 (ended with its scope)
    local deadline, path = clock.now() + 30, nil
    local function ended()
      local file = io.open(here.path .. "/pid")
      local pid = file and file:read "n"
      if file then file:close() end
      path = pid and ("/proc/%d/"):format(pid)
      local about = path and io.open(path .. "stat")
      local text = about and about:read "a" or ""
      if about then about:close() end
      return text:match "%) (%a)" == "Z"
    end
    while not ended() and clock.now() < deadline do clock.sleep(0.002) end
    local names, message, code = host.list(path .. "net")
    assert.same({ nil, "string", "string" }, { names, type(message), type(code) })
    assert.matches(path .. "net", message, 1, true)
  end)

  it("knows the room on a disk", function()
    local disk = assert(host.disk(folder.path))
    assert.is_true(disk.size > 0 and disk.free >= 0 and disk.free <= disk.size and disk.free_nodes <= disk.nodes)
    assert.equal("not_found", (select(3, host.disk(folder.path .. "/none"))))
  end)

  it("measures a synced write and tries a lock, and leaves nothing behind", function()
    local seconds = assert(host.sync(folder.path .. "/sub"))
    assert.is_true(seconds > 0 and seconds < 60)
    assert.is_true(host.lock(folder.path .. "/sub"))
    assert.same({}, host.list(folder.path .. "/sub"))
    for _, name in ipairs { "/none", "/a" } do
      assert.is_nil((host.sync(folder.path .. name)))
      assert.is_nil((host.lock(folder.path .. name)))
    end
    assert.is_nil((host.sync "/proc"))
  end)

  it("knows whether the clock is kept right, where that may be asked", function()
    local about, _, code = host.clock()
    if about then
      assert.equal("boolean", type(about.synchronised))
      assert.is_true(about.off >= 0)
    else
      assert.equal("denied", code)
    end
  end)

  it("knows who asks", function()
    local me = host.identity()
    assert.equal(scratch.run({ "id", "-u" }).stdout, me.uid .. "\n")
    local mine = {}
    for _, group in ipairs(me.groups) do mine[tostring(group)] = true end
    for group in scratch.run({ "id", "-G" }).stdout:gmatch("%d+") do assert.is_true(mine[group], group) end
  end)

  it("knows all groups of who asks, however many", function()
    if not ROOT then pending "only root may have other groups" end
    local here <close>, list = scratch.folder(), {}
    local script = here:write("groups.lua", [[
      local seen, n = {}, 0
      for _, group in ipairs(require("jig.host").identity().groups) do
        if not seen[group] then seen[group], n = true, n + 1 end
      end
      print(n, seen[7], seen[1106])
    ]])
    for i = 1, 1100 do list[i] = ("%d"):format(i + 6) end
    for _, n in ipairs { 1024, 1025, 1100 } do
      local result = scratch.run { "setpriv", "--groups", table.concat(list, ",", 1, n), scratch.program, script }
      assert.equal(("%d\ttrue\t%s\n"):format(n + 1, n == 1100 and "true" or "nil"), result.stdout)
    end
  end)

  it("takes no path that is none", function()
    for _, name in ipairs { "stat", "may", "list", "disk", "sync", "lock" } do
      for _, path in ipairs { "", "a\0b" } do assert.is_false(pcall(host[name], path, "r")) end
    end
  end)
end)
