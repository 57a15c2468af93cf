-- A Secure Factory CLI for specs: `jig fake_tool.lua FOLDER COMMAND SESSION …`. Notes each call in
-- FOLDER/calls and answers what FOLDER/plan.lua says:
--
--     return { new_device = { exit = 3, stderr = "no" }, report_error = { { exit = 1 }, {} } }
--
-- One answer, or one for each call in turn, the last for all that follow. Fields: stdout, stderr, exit,
-- hang (seconds before the answer), kill (true: ends itself by a signal). What is not said is right.

local clock = require "jig.clock"

local right = {
  new_device = "SCP 256\nPAYLOAD 01810000\n",
  get_device_configuration = "SCP 257\nPAYLOAD 02030405060708\n",
  handle_device_response = "FINGERPRINT e603eb9d1cb55d2288cb639fccf30e1687f5bb90\n",
  report_error = "",
}

local folder, command = arg[1], arg[2]
local calls = assert(io.open(folder .. "/calls", "a+"))
local times = 1
for line in calls:lines() do
  if line:match("^%S+") == command then times = times + 1 end
end
calls:write(table.concat(arg, "\t", 2), "\n")
calls:close()

local answer = dofile(folder .. "/plan.lua")[command] or {}
if #answer > 0 then answer = answer[times] or answer[#answer] end
if answer.hang then clock.sleep(answer.hang) end
if answer.kill then os.execute("kill -9 $PPID") end
io.stdout:write(answer.stdout or (answer.exit or 0) == 0 and right[command] or "")
io.stderr:write(answer.stderr or "")
io.stdout:flush()
os.exit(answer.exit or 0)
