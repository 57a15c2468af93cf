local port = require "jig.port"
local scratch = require "spec.support.scratch"
local slot = require "jig.slot"

-- A worker of a shell for the fake recipe, at one end of a wire.
local function start(folder, address, more)
  local worker = slot.new()
  local config = { slot = "A", file = folder.path .. "/recipe.lua", folder = folder.path .. "/", address = address }
  for key, value in pairs(more or {}) do config[key] = value end
  worker:start("jig.shell.worker", config)
  return worker
end

-- Hears until an event of that name: what was said up to there, and the event.
local function hear(worker, name)
  local said = {}
  while true do
    local event = assert(worker:next(30))
    if event.event == name then return table.concat(said, "\n"), event end
    said[#said + 1] = event.text or event.message or event.event
  end
end

local function run(worker, line)
  worker:send { line = line }
  local said, event = hear(worker, "ready")
  return said, event.ok
end

local function quit(worker)
  worker:send { quit = true }
  while worker:next(30) do end
  worker:close()
end

describe("jig.shell.worker", function()
  it("runs one line after the other, with the recipe's port", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local other <close> = assert(port.open "pair:shell1")
    local worker = start(folder, "pair:shell1")
    assert.equal("* open: pair:shell1", (hear(worker, "ready")))
    assert.same({ "> 00000000  61                                                |a|", true },
      { run(worker, 'port:write("a")') })
    assert.equal("a", other:read(1, 5))
    assert.same({ "no", false }, { run(worker, 'error("no", 0)') })
    assert.same({ "", true }, { run(worker, "x = 2") })
    assert.same({ "3", true }, { run(worker, "x + 1") })
    quit(worker)
  end)

  it("shows what arrives between lines, and leaves it to be read", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local other <close> = assert(port.open "pair:shell2")
    local worker = start(folder, "pair:shell2")
    hear(worker, "ready")
    other:write("SN=T1\r\n")
    assert.equal("| SN=T1", assert(worker:next(30)).text)
    assert.same({ '"T1"', true }, { run(worker, 'port:expect("SN=(%w+)\\r\\n")') })
    quit(worker)
  end)

  it("stops a line that waits, and one that computes for ever, and goes on", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local other <close> = assert(port.open "pair:shell3")
    local worker = start(folder, "pair:shell3")
    hear(worker, "ready")
    worker:send { interrupt = true } -- while nothing runs
    worker:send { line = "port:read(1, 1e9)" }
    worker:send { interrupt = true }
    assert.equal("interrupted", (hear(worker, "ready")))
    require("jig.budget").limit(0.1)
    local said = run(worker, "while true do pcall(port.read, port, 1, 0) end")
    assert.matches("stopped: it computed for more than 0.1 s without waiting", said, 1, true)
    require("jig.budget").limit(1)
    assert.same({ "2", true }, { run(worker, "1 + 1") })
    other:close()
    quit(worker)
  end)

  it("completes, helps, and quits when that is typed", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local worker = start(folder, "pair:shell4")
    hear(worker, "ready")
    worker:send { complete = "unit:ex" }
    local _, event = hear(worker, "completed")
    assert.same({ "change", { "exchange" } }, { event.insert, event.names })
    assert.matches("Tab completes", (run(worker, "help")))
    assert.matches("Tab completes", (run(worker, " help() ")))
    worker:send { line = "quit" }
    _, event = hear(worker, "ready")
    assert.is_true(event.last)
    quit(worker)
  end)

  it("says what it lost, and how to get it again", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local other = assert(port.open "pair:shell5")
    local worker = start(folder, "pair:shell5")
    hear(worker, "ready")
    other:close()
    assert.matches("^%* lost: ", assert(worker:next(30)).text)
    assert.equal("* open() opens it again", assert(worker:next(30)).text)
    local said, ok = run(worker, "port:read(1)")
    assert.matches("^connectivity.lost: .*open%(%)", said)
    assert.is_false(ok)
    assert.same({ "* open: pair:shell5", true }, { run(worker, "open()") })
    assert.same({ "", true }, { run(worker, "close()") })
    quit(worker)
  end)

  it("goes on without a port where a person is, and ends where none is", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local worker = start(folder, "tcp:127.0.0.1:1", { interactive = true })
    local said = hear(worker, "ready")
    assert.matches("connectivity%.[%w_]+: .*\n%* open%(%) opens it again", said)
    assert.matches("the port is not open", (run(worker, "port:read(1)")))
    quit(worker)
    worker = start(folder, "tcp:127.0.0.1:1")
    assert.equal("trouble", assert(worker:next(30)).event)
    assert.is_nil(worker:next(30))
    worker:close()
  end)

  it("refuses a recipe that cannot be loaded", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = "return 5" }
    local worker = start(folder, "pair:shell6")
    local event = assert(worker:next(30))
    assert.equal("refused", event.event)
    assert.matches("must return jig.recipe", event.message)
    quit(worker)
  end)

  it("opens further wires of the port's device", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local worker = start(folder, "pair:shell8")
    hear(worker, "ready")
    local said, ok = run(worker, "unit:open { interface = 1 }")
    assert.matches("unknown option 'interface'", said, 1, true)
    assert.is_false(ok)
    said, ok = run(worker, "unit:open {}:write('x')")
    assert.is_true(ok, said)
    assert.is_false(select(2, run(worker, "unit:open {}"))) -- a pair has two ends
    run(worker, "again()")
    quit(worker)
  end)

  it("calls no CLI unless it was given one", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local worker = start(folder, "pair:shell7")
    hear(worker, "ready")
    local said, ok = run(worker, "unit:new_device()")
    assert.same({ "unit:new_device calls the Secure Factory CLI: start the shell with --cli PATH for that", false },
      { said, ok })
    quit(worker)
  end)

  it("reports a session that is left open: by again(), and at the end", function()
    local folder <close> = scratch.folder { ["recipe.lua"] = scratch.recipe() }
    local settings = folder:cli()
    settings.token = false
    local worker = start(folder, "pair:shell8", { service = settings })
    hear(worker, "ready")
    local said, ok = run(worker, "unit:new_device()")
    assert.is_true(ok, said)
    assert.matches("payload = ", said)
    assert.equal("new_device", folder:commands())
    assert.same({ "* the session was reported", true }, { run(worker, "again()") })
    assert.equal("new_device report_error", folder:commands())
    assert.is_true(select(2, run(worker, "unit:new_device()")))
    quit(worker)
    assert.equal("new_device report_error new_device report_error", folder:commands())
  end)
end)
