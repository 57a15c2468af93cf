-- The screen on a real terminal: what is seen, after each step of a script and after each kind of end.

local scratch = require "spec.support.scratch"
local station = require "spec.support.station"
local tmux = require "spec.support.tmux"

-- Runs the files step1, step2, … of its folder as they come, each with the screen and the time of its clock,
-- and makes done1, done2, … The script is told where by its first argument.
local DRIVER <const> = [[
local clock = require "jig.clock"
local folder, time = arg[1], 0
local function at(seconds) time = seconds end
local shown <close> = require("jig.output.screen").new {
  slots = dofile(folder .. "/slots"), now = function() return time end,
}
local function wait_for(path)
  repeat
    local file = io.open(path)
    if file then return file:close() end
  until not clock.sleep(0.005)
end
for n = 1, math.huge do
  local step = ("%s/step%d"):format(folder, n)
  wait_for(step)
  if loadfile(step)(shown, at) == "end" then return end
  io.open(("%s/done%d"):format(folder, n), "w"):close()
end
]]

local STARTED <const> = [[
  local shown, at = ...
  shown:show { event = "started", slot = "A1" }
  shown:show { event = "phase", slot = "A1", phase = "factory_init" }
  shown:show { event = "serial", slot = "A1", serial = "T100317" }
  shown:show { event = "gate", slot = "A2", place = 1 }
  at(1)
  shown:tick()
]]

local FAILED <const> = [[
  local shown, at = ...
  shown:show { event = "note", slot = "A1", text = "the lamp is 測試" }
  shown:show { event = "ended", slot = "A1", passed = false, seconds = 7, serial = "T100317", fault = {
    name = "connectivity.timeout", code = 104, reason = "late", phase = "factory_init", advice = "Look at the cable.",
  } }
  shown:show { event = "waiting", slot = "A1", ["for"] = "removal" }
  at(8)
  shown:tick()
]]

local END <const> = [[
  local shown, at = ...
  shown:show { event = "summary", units = 1, passed = 0, failed = 1 }
  shown:close()
  return "end"
]]

-- A terminal on which the driver runs; a function that gives it a step and waits until that is done; one that
-- only gives it; one that sends it a signal.
local function open(place, columns, rows, slots)
  local folder = place:fresh("steps")
  station.execute("mkdir", folder)
  local terminal = tmux.open(place, columns, rows, folder)
  place:write(folder .. "/slots", slots or 'return { "A1", "A2" }')
  place:write(folder .. "/driver.lua", DRIVER)
  -- a short command, so that it takes one line on narrow terminals
  place:write(folder .. "/go", ('#!/bin/sh\necho $$ >%s/pid\nexec %s %s/driver.lua %s\n'):format(folder,
    scratch.program, folder, folder), true)
  terminal:type("go")
  local count = 0
  local function give(text)
    count = count + 1
    place:write(folder .. "/new", text)
    assert(os.rename(folder .. "/new", ("%s/step%d"):format(folder, count)))
  end
  local function step(text)
    give(text)
    station.eventually("step " .. count, function()
      local file = io.open(("%s/done%d"):format(folder, count))
      return file and file:close()
    end)
  end
  local function kill(signal)
    local pid = station.read(folder .. "/pid"):match("%d+")
    station.execute("kill", "-" .. signal, pid)
  end
  return terminal, step, give, kill
end

local function joined(...)
  local list = {}
  for _, lines in ipairs { ... } do table.move(lines, 1, #lines, #list + 1, list) end
  return list
end

-- 100 lines that leave the screen.
local NOTES <const> = [[
  local shown, at = ...
  for i = 1, 100 do
    shown:show { event = "note", slot = "A1", text = "note " .. i }
  end
  shown:tick()
]]

local function noted()
  local lines = {}
  for i = 1, 100 do lines[i] = "A1  note " .. i end
  return lines
end

-- The tables after STARTED and after FAILED on terminals of 80 and of 200 columns.
local function tables(columns)
  local gap = columns == 200 and (" "):rep(16) or "" -- phases have more room
  local titles = "slot serial  phase                    " .. gap .. "elapsed verdict code"
  return {
    "0 units: 0 passed, 0 failed, 1 in work, 0:01",
    titles,
    "A1   T100317 factory_init             " .. gap .. "   0:01",
    "A2           waiting for token (1)",
  }, {
    "1 unit: 0 passed, 1 failed, 0 in work, 0:08",
    titles,
    "A1   T100317 waiting for removal      " .. gap .. "   0:07 FAIL!   104 connectivity.timeout",
    "    Look at the cable.",
    "A2           waiting for token (1)",
  }
end

local RUNS <const>, RESULT <const> = {}, {}
for _, columns in ipairs { 80, 200 } do RUNS[columns], RESULT[columns] = tables(columns) end

-- A second after STARTED, on a terminal of 30.
local NARROW <const> = {
  "0 PASS 0 FAIL 0:02", "slot phase  elapsed verdi cod", "A1   facto…    0:02", "A2   waiti…",
}

local SUMMARY <const> = { "1 unit: 0 passed, 1 failed", "ready>" }

local SAID <const> = {
  "A1  the lamp is 測試",
  "FAIL  A1  T100317  connectivity.timeout (104): late  in factory_init",
  "      Look at the cable.",
}

-- The cursor can be seen, and stands behind the prompt of this row (from 0): what is typed is shown there.
local function check_prompt(terminal, row)
  local x, y, seen = terminal:cursor()
  assert.same({ #"ready> ", row, true }, { x, y, seen })
end

describe("a screen on a terminal", function()
  for _, size in ipairs { { 80, 24 }, { 200, 60 } } do
    local columns, rows = table.unpack(size)
    describe(("of %d by %d"):format(columns, rows), function()
      it("shows the table, what there is to say above it, and a prompt below at the end", function()
        local place <close> = station.place()
        local terminal <close>, step, give = open(place, columns, rows)
        step(STARTED)
        terminal:shows(joined({ "ready> go" }, RUNS[columns]))
        assert.same({ 0, 5, true }, { terminal:cursor() })
        step(FAILED)
        terminal:shows(joined({ "ready> go" }, SAID, RESULT[columns]))
        give(END)
        terminal:shows(joined({ "ready> go" }, SAID, RESULT[columns], SUMMARY), "all")
        check_prompt(terminal, 10)
      end)

      it("leaves nothing of the old table when it becomes narrower, and wider again", function()
        local place <close> = station.place()
        local terminal <close>, step, give = open(place, columns, rows)
        step(NOTES)
        step(STARTED)
        local above = joined({ "ready> go" }, noted())
        terminal:shows(joined(above, RUNS[columns]), "all")
        terminal:resize(30, rows)
        step "local shown, at = ... at(2) shown:tick()"
        terminal:shows(joined(above, NARROW), "all")
        terminal:resize(columns, rows)
        step(FAILED)
        terminal:shows(joined(above, SAID, RESULT[columns]), "all")
        give(END)
        terminal:shows(joined(above, SAID, RESULT[columns], SUMMARY), "all")
      end)

      it("has the right table after it became lower, and higher again", function()
        local place <close> = station.place()
        local terminal <close>, step = open(place, columns, rows)
        step(NOTES)
        step(STARTED)
        terminal:resize(columns, 4)
        step "local shown, at = ... at(2) shown:tick()"
        terminal:shows { "0 units: 0 passed, 0 failed, 1 in work, 0:02", RUNS[columns][3]:gsub("0:01", "0:02"),
          RUNS[columns][4] }
        terminal:resize(columns, rows)
        step(FAILED)
        terminal:shows(joined(SAID, RESULT[columns]), "end")
      end)
    end)
  end

  it("shows of 256 slots what fits, and never scrolls by itself", function()
    local place <close> = station.place()
    local terminal <close>, step = open(place, 80, 24, [[
      local slots = {}
      for i = 1, 256 do slots[i] = ("S%03d"):format(i) end
      return slots
    ]])
    for second = 1, 3 do
      step(([[
        local shown, at = ...
        at(%d)
        for i = 1, 256, 50 do shown:show { event = "started", slot = ("S%%03d"):format(i) } end
        shown:tick()
      ]]):format(second))
    end
    local lines = { "0 units: 0 passed, 0 failed, 6 in work, 0:03",
      "slot serial phase                    elapsed verdict code" }
    for i = 1, 256, 50 do lines[#lines + 1] = ("S%03d        starting                    0:00"):format(i) end
    for i = 2, 15 do lines[#lines + 1] = ("S%03d        waiting"):format(i) end
    lines[#lines + 1] = "… 236 more: 236 waiting"
    terminal:shows(lines)
    local all = terminal:lines(true)
    assert.same({ "ready> go", lines[1] }, { all[1], all[2] }) -- only the command has left the screen
  end)

  it("keeps all messages in the scrollback, however many there are", function()
    local place <close> = station.place()
    local terminal <close>, step = open(place, 80, 24)
    step(STARTED)
    step [[
      local shown, at = ...
      for i = 1, 50 do
        at(1 + i)
        shown:show { event = "note", slot = "A1", text = ("%d "):format(i) .. ("x"):rep(70 + i % 8) }
        shown:tick()
      end
    ]]
    local lines = { "ready> go" }
    for i = 1, 50 do
      local text = ("A1  %d "):format(i) .. ("x"):rep(70 + i % 8)
      lines[#lines + 1] = text:sub(1, 80)
      if #text > 80 then lines[#lines + 1] = text:sub(81) end
    end
    table.move({ "0 units: 0 passed, 0 failed, 1 in work, 0:51", RUNS[80][2],
      "A1   T100317 factory_init                0:51", RUNS[80][4] }, 1, 4, #lines + 1, lines)
    terminal:shows(lines, "all")
  end)

  describe("leaves a sane terminal", function()
    -- The lines above the prompt, and the cursor's row.
    local function check(terminal)
      station.eventually("the prompt", function()
        local lines = terminal:lines()
        return lines[#lines] == "ready>"
      end)
      local lines = terminal:lines()
      assert.same(joined({ "ready> go" }, RUNS[80]), table.move(lines, 1, 5, 1, {}))
      check_prompt(terminal, #lines - 1)
      terminal:type("stty | grep -c -e '-echo' -e '-icanon'")
      lines[#lines] = "ready> stty | grep -c -e '-echo' -e '-icanon'"
      terminal:shows(joined(lines, { "0", "ready>" }))
    end

    for _, signal in ipairs { "TERM", "KILL", "INT" } do
      it("after SIG" .. signal, function()
        local place <close> = station.place()
        local terminal <close>, step, _, kill = open(place, 80, 24)
        step(STARTED)
        terminal:shows(joined({ "ready> go" }, RUNS[80]))
        kill(signal)
        check(terminal)
      end)
    end

    it("after an error in the middle", function()
      local place <close> = station.place()
      local terminal <close>, step, give = open(place, 80, 24)
      step(STARTED)
      give 'error "boom"'
      check(terminal)
      assert.matches("boom", table.concat(terminal:lines(), "\n"))
    end)
  end)

  it("does not wait for a terminal that was stopped", function()
    local place <close> = station.place()
    local terminal <close>, step = open(place, 80, 24)
    step(STARTED)
    terminal:shows(joined({ "ready> go" }, RUNS[80]))
    terminal:key("C-s")
    step "local shown, at = ... for i = 2, 1000 do at(i) shown:tick() end"
    terminal:shows(joined({ "ready> go" }, RUNS[80]))
    terminal:key("C-q")
    step(FAILED:gsub("at%(8%)", "at(2000)"))
    local lines = joined({ "ready> go" }, SAID, RESULT[80])
    lines[5] = lines[5]:gsub("0:08", "33:20")
    terminal:shows(lines)
  end)
end)
