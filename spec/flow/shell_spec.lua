-- jig shell at a real terminal: what a person types, and sees.

local peer = require "spec.peer"
local scratch = require "spec.support.scratch"
local station = require "spec.support.station"
local tmux = require "spec.support.tmux"
local wires = require "spec.support.wires"

-- A terminal on which the shell runs at an address; the folder of its files. With `service`, a folder, the
-- simulator's CLI may be called.
local function open(place, address, columns, history, service)
  local folder = place:fresh("shell")
  station.execute("mkdir", "-p", folder .. "/state/jig")
  if history then place:write(folder .. "/state/jig/shell_history", history) end
  place:write(folder .. "/recipe.lua", scratch.recipe())
  place:write(folder .. "/go", ([[
#!/bin/sh
stty -g >%s/before
echo $$ >%s/pid
XDG_STATE_HOME=%s/state XDG_RUNTIME_DIR=%s exec %s shell %s --port '%s' %s
]]):format(folder, folder, folder, folder, scratch.program, folder, address,
    service and "--cli " .. station.tool(place, { SIM_DIR = service }) or ""), true)
  local terminal = tmux.open(place, columns or 80, 40, folder)
  terminal:type("go; echo status=$?; stty -g >" .. folder .. "/after")
  return terminal, folder
end

-- Waits until the terminal shows this text, and its last line is that (nil: whatever it is).
local function await(terminal, text, last)
  local lines
  station.eventually(text, function()
    lines = terminal:lines(true)
    return table.concat(lines, "\n"):find(text, 1, true) and (not last or lines[#lines] == last)
  end)
  return lines
end

-- The shell has ended with this status, and the terminal is what it was.
local function check_end(terminal, folder, status)
  await(terminal, "status=" .. status, "ready>")
  station.eventually("its settings", function() return station.read(folder .. "/after") ~= "" end)
  assert.equal(station.read(folder .. "/before"), station.read(folder .. "/after"))
end

-- The whole lines that begin so.
local function lines_with(lines, start)
  local found = {}
  for _, line in ipairs(lines) do
    if line:sub(1, #start) == start then found[#found + 1] = line end
  end
  return found
end

-- A listener's address, and a function that gives the connection.
local function listen()
  local listener = assert(peer.listen())
  return "tcp:127.0.0.1:" .. listener:port(), function() return wires.try(listener.accept, listener) end
end

describe("jig shell at a terminal", function()
  it("completes, shows frames with their fields named, remembers, and gives the terminal back", function()
    local place <close> = station.place()
    local terminal <close>, folder = open(place, scratch.device(0, 5), 200)
    await(terminal, "help tells what may be typed", "jig>")
    terminal:key("unit:ex")
    terminal:key("Tab")
    await(terminal, "jig> unit:exchange")
    terminal:type('{scp=256, payload=hex.decode"00ff"}')
    local lines = await(terminal, "status = 0", "jig>")
    assert.same({
      "> 00000000  01 00 00 02 00 ff 3b 20                           |......; |",
    }, lines_with(lines, "> "))
    assert.same({
      "< frame scp=256, status=0, 2 bytes of payload",
      "<   00000000  6f 6b                                             |ok|",
    }, lines_with(lines, "<"))
    terminal:key("port:wr")
    terminal:key("Tab")
    await(terminal, "jig> port:write")
    terminal:type('(frame{scp=1, payload=""})') -- the answer is shown though nobody reads it
    await(terminal, "< frame scp=1, status=5 (lamp.dark), 2 bytes of payload", "jig>")
    terminal:key("port:re")
    terminal:key("Tab")
    terminal:key("Tab")
    await(terminal, "read  read_some  read_until", "jig> port:read")
    terminal:key("C-c")
    await(terminal, "jig> port:read^C", "jig>")
    terminal:key("Up")
    await(terminal, "jig> ", 'jig> port:write(frame{scp=1, payload=""})')
    terminal:key("C-c")
    terminal:type("for i = 1, 2 do")
    await(terminal, "for i", "...>")
    terminal:type("print(i + 70) end")
    await(terminal, "71\n72", "jig>")
    terminal:key("C-d")
    check_end(terminal, folder, 0)
    assert.equal("for i = 1, 2 do\nprint(i + 70) end\n", station.read(folder .. "/state/jig/shell_history"))
  end)

  it("stops at Ctrl-C what waits, and what computes for ever, and not itself", function()
    local place <close> = station.place()
    local terminal <close>, folder = open(place, "exec:cat", 80, "older()\nfrom_before()\n")
    await(terminal, "* open", "jig>")
    terminal:key("Up")
    await(terminal, "jig> from_before()", "jig> from_before()")
    terminal:key("C-c")
    await(terminal, "from_before()^C", "jig>")
    terminal:type('port:write("x") port:read(2, 1e6)')
    await(terminal, "> 00000000")
    terminal:key("C-c")
    await(terminal, "! interrupted", "jig>")
    terminal:type('port:write("y") while true do pcall(port.read, port, 9, 1e6) end')
    await(terminal, "> 00000001")
    terminal:key("C-c")
    await(terminal, "! stopped: it computed for more than 1 s without waiting", "jig>")
    terminal:type('port:expect("xy")')
    await(terminal, '"xy"', "jig>")
    terminal:type("quit")
    check_end(terminal, folder, 0)
  end)

  it("shows what comes above the line that is typed, as text whatever it is, and gets a device again", function()
    local place <close> = station.place()
    local link = place.path .. "/dut"
    local first = assert(peer.pty(true))
    station.execute("ln", "-s", first:path(), link)
    local terminal <close>, folder = open(place, "tty:" .. link)
    await(terminal, "* open", "jig>")
    terminal:key("half a")
    await(terminal, "half a", "jig> half a")
    wires.write(first, "boot\27[2J\27]0;title\r\n")
    await(terminal, "| boot\\x1b[2J\\x1b]0;title", "jig> half a")
    wires.write(first, "\0\7\155")
    local lines = await(terminal, "< 00000013  00 07 9b", "jig> half a")
    assert.equal(1, #lines_with(lines, "help tells")) -- nothing was cleared
    first:close()
    os.remove(link)
    await(terminal, "* it is opened again when the device is there", "jig> half a")
    await(terminal, "* lost: ")
    local second <close> = assert(peer.pty(true))
    station.execute("ln", "-s", second:path(), link)
    station.eventually("it is open again", function()
      return #lines_with(terminal:lines(true), "* open: ") == 2
    end)
    wires.write(second, "back\r\n")
    await(terminal, "| back", "jig> half a")
    terminal:key("C-c")
    terminal:type('port:expect("back")')
    await(terminal, '"back"', "jig>")
    terminal:key("C-d")
    check_end(terminal, folder, 0)
  end)

  it("stays when a peer goes, and opens the port again when told to", function()
    local place <close> = station.place()
    local address, accept = listen()
    local terminal <close>, folder = open(place, address)
    local first = accept()
    await(terminal, "* open", "jig>")
    terminal:type("port:read(1, 1e6)")
    await(terminal, "port:read(1, 1e6)")
    first:close()
    await(terminal, "! connectivity.lost", "jig>")
    await(terminal, "* open() opens it again")
    terminal:type("open()")
    local second <close> = accept()
    await(terminal, "jig> open()", "jig>")
    wires.write(second, "hello\r\n")
    await(terminal, "| hello", "jig>")
    terminal:type("exit")
    check_end(terminal, folder, 0)
  end)

  it("waits at its prompt for a port that cannot be opened yet, and leaves at SIGTERM", function()
    local place <close> = station.place()
    local terminal <close>, folder = open(place, "tty:" .. place.path .. "/later")
    await(terminal, "* it is opened again when the device is there", "jig>")
    terminal:type("port:read(1)")
    await(terminal, "! the port is not open: open() opens it", "jig>")
    local device <close> = assert(peer.pty(true))
    station.execute("ln", "-s", device:path(), place.path .. "/later")
    await(terminal, "* open: ", "jig>")
    station.execute("kill", "-TERM", station.read(folder .. "/pid"):match("%d+"))
    check_end(terminal, folder, 5)
  end)

  -- A shell with an open session, at its prompt; the folder of the service.
  local function with_session(place)
    local directory = place:fresh("service")
    local terminal, folder = open(place, "exec:sleep 1000", 80, nil, directory)
    await(terminal, "* open", "jig>")
    terminal:type("x = unit:new_device()")
    await(terminal, "x = unit:new_device()", "jig>")
    station.eventually("the session", function() return #station.audit(directory):starts("new_device") == 1 end)
    return terminal, directory, folder
  end

  local function check_reported(directory, folder)
    station.eventually("the report", function() return #station.audit(directory):starts("report_error") == 1 end)
    local pid = station.read(folder .. "/pid"):match("%d+")
    station.eventually("its end", function() return not io.open("/proc/" .. pid .. "/stat") end)
    assert.equal(1, #station.audit(directory):starts("report_error"))
  end

  it("reports its session when the terminal goes, at the prompt and in a wait", function()
    for _, line in ipairs { "", "port:read(1, 1000)" } do
      local place <close> = station.place()
      local terminal <close>, directory, folder = with_session(place)
      terminal:type(line)
      await(terminal, "jig> " .. line)
      terminal:hang_up()
      check_reported(directory, folder)
    end
  end)

  it("reports its session at SIGHUP and at Ctrl-\\ while something waits", function()
    local place <close> = station.place()
    local terminal <close>, directory, folder = with_session(place)
    terminal:type("port:read(1, 1000)")
    await(terminal, "port:read(1, 1000)")
    terminal:key("C-\\")
    check_end(terminal, folder, 5)
    check_reported(directory, folder)
    local second <close>, at, other = with_session(place)
    station.execute("kill", "-HUP", station.read(other .. "/pid"):match("%d+"))
    check_end(second, other, 5)
    check_reported(at, other)
  end)
end)
