-- Lines that are edited on a terminal: jig.lineedit on a real one. The shell that uses it: spec/flow/shell_spec.lua.

local peer = require "spec.peer"
local scratch = require "spec.support.scratch"
local station = require "spec.support.station"
local tmux = require "spec.support.tmux"
local wires = require "spec.support.wires"

-- Shows each event, and above the line what comes over a wire. Tab puts in what it was told in angle brackets; a
-- signal is Ctrl-C.
local EDITOR <const> = [[
local lineedit = require "jig.lineedit"
local system, task, port = require "jig.system", require "jig.task", require "jig.port"
local editor <close> = assert(lineedit.open())
local prompt = "one> "
system.catch_signals()
task.spawn(function()
  while system.wait_signal() do
    prompt = "two> "
    editor:interrupt(prompt)
  end
end)
local wire = assert(port.open(arg[1]))
task.spawn(function()
  while true do
    local line = wire:read_until("\n")
    if not line then return end
    editor:print("above " .. line)
  end
end)
editor:remember("remembered")
repeat
  local kind, text = editor:next(prompt)
  if kind == "complete" then editor:insert("<" .. text .. ">") end
  if kind == "line" then
    editor:remember(text)
    editor:print(("line <%s>\n"):format(text))
    if text == "error" then error("boom", 0) end
  end
until kind == "end"
editor:print("\n")
editor:close()
editor:close()
print("over", pcall(editor.next, editor, ""))
]]

-- A terminal on which the editor runs behind a first prompt, and the other end of its wire.
local function open(place, columns)
  local folder = place:fresh("editor")
  station.execute("mkdir", folder)
  local terminal = tmux.open(place, columns or 60, 20, folder)
  place:write(folder .. "/editor.lua", EDITOR)
  local listener = assert(peer.listen())
  place:write(folder .. "/go", ("#!/bin/sh\nstty -g >%s/before\n%s %s/editor.lua tcp:127.0.0.1:%d\nstty -g >%s/after\n")
    :format(folder, scratch.program, folder, listener:port(), folder), true)
  terminal:type("go")
  terminal:shows { "ready> go", "one>" }
  local other = wires.try(listener.accept, listener)
  listener:close()
  return terminal, function(line) wires.write(other, line .. "\n") end, folder
end

-- The terminal's settings are those from before.
local function same_settings(folder)
  local before = station.read(folder .. "/before")
  return before ~= "" and before == station.read(folder .. "/after")
end

describe("jig.lineedit", function()
  it("gives lines, edits and remembers them, and gives the terminal back", function()
    local place <close> = station.place()
    local terminal <close>, _, folder = open(place)
    terminal:type("äb測")
    terminal:type("")
    terminal:shows { "ready> go", "one> äb測", "line <äb測>", "one>", "line <>", "one>" }
    terminal:key("Up")
    terminal:key("Up")
    terminal:key("C-a")
    terminal:key("C-k")
    terminal:key("Up")
    terminal:key("BSpace")
    terminal:key("Enter")
    terminal:key("C-d")
    station.eventually("the end", function() return terminal:lines()[10] end)
    local lines = terminal:lines()
    assert.matches("^over%s+false%s+.*attempt to use a closed editor", table.concat(lines, "", 9, 10))
    station.eventually("its settings", function() return same_settings(folder) end)
  end)

  it("shows above the line what comes meanwhile, also where the line takes several rows", function()
    local place <close> = station.place()
    local terminal <close>, say = open(place, 20)
    terminal:key("half a line that is longer than the row")
    terminal:shows { "ready> go", "one> half a line tha", "t is longer than the", " row" }
    say("first")
    terminal:shows { "ready> go", "above first", "one> half a line tha", "t is longer than the", " row" }
    terminal:key("C-a")
    say("second")
    terminal:shows { "ready> go", "above first", "above second", "one> half a line tha", "t is longer than the",
      " row" }
    terminal:key("Enter")
    station.eventually("the line", function()
      return table.concat(terminal:lines()):find("line <half a line that is longer than the row>", 1, true)
    end)
  end)

  it("waits at Tab until it is told what to put in", function()
    local place <close> = station.place()
    local terminal <close>, say = open(place)
    terminal:key("ab")
    terminal:key("Tab")
    terminal:shows { "ready> go", "one> ab<ab>" }
    say("still here")
    terminal:key("Left")
    terminal:key("Tab")
    terminal:key("Enter")
    terminal:shows { "ready> go", "above still here", "one> ab<ab<ab<ab>>", "line <ab<ab<ab<ab>>>", "one>" }
  end)

  it("drops the line at Ctrl-C, in the middle of a search too, and is neither stopped nor ended by a key", function()
    local place <close> = station.place()
    local terminal <close> = open(place)
    terminal:key("half")
    terminal:key("C-a")
    terminal:key("C-z")
    terminal:key("C-\\")
    terminal:key("C-c")
    terminal:shows { "ready> go", "one> half^C", "two>" }
    terminal:key("C-r")
    terminal:key("rem")
    terminal:shows { "ready> go", "one> half^C", "two> remembered", "bck:rem" }
    terminal:key("C-c")
    station.eventually("a prompt", function()
      local lines = terminal:lines()
      return lines[#lines] == "two>"
    end)
    terminal:type("on")
    station.eventually("the line", function() return table.concat(terminal:lines()):find("line <on>", 1, true) end)
  end)

  it("gives the terminal back after an error, and when it is ended by a signal's way out", function()
    local place <close> = station.place()
    local terminal <close>, _, folder = open(place)
    terminal:type("error")
    station.eventually("its settings", function() return same_settings(folder) end)
    assert.matches("boom", table.concat(terminal:lines(), "\n"))
  end)

  it("edits on a terminal alone", function()
    local folder <close> = scratch.folder()
    local path = folder:write("open.lua", 'print(require("jig.lineedit").open())')
    assert.equal("nil\tlines can be edited on a terminal alone\tunsupported\n",
      scratch.run({ "sh", "-c", scratch.program .. " " .. path .. " </dev/null" }).stdout)
  end)

  it("is not loaded before it is needed, and says which package is missing", function()
    local folder <close> = scratch.folder()
    local loaded = 'for line in io.lines "/proc/self/maps" do if line:find "libedit" then print(line) end end'
    local path = folder:write("maps.lua", 'require "jig.lineedit" ' .. loaded)
    assert.equal("", scratch.run({ scratch.program, path }).stdout)
    folder:write("libedit.so.2", "no library")
    path = folder:write("open.lua", 'print(select(2, require("jig.lineedit").open()))')
    local result = scratch.run { "script", "-qec", scratch.program .. " " .. path, "/dev/null",
      env = { LD_LIBRARY_PATH = folder.path } }
    assert.matches("install the package libedit2", result.stdout, 1, true)
    local made = scratch.run { "cc", "-shared", "-o", folder.path .. "/libedit.so.2", "-x", "c", "/dev/null" }
    assert.equal(0, made.exit, made.stderr)
    result = scratch.run { "script", "-qec", scratch.program .. " " .. path, "/dev/null",
      env = { LD_LIBRARY_PATH = folder.path } }
    assert.matches("install the package libedit2 %(it lacks el_init%)", result.stdout)
  end)
end)
