--- Seeded mistakes, each of which a proof must find under the law that it breaks.
--
--   name     of the mistake
--   file     in which it is made: of the engine (core, bindings, transports, scripts), or of a recipe
--   from     the text that is replaced: it stands there once
--   to       what stands there instead
--   law      under which `jig prove` names it
--   line     of the recipe that must be named: a piece of that line's text; for recipes
--   prove    the example that is proven; default thermostat

local THERMOSTAT <const> = "examples/thermostat/recipe.lua"
local METER <const> = "examples/meter/recipe.lua"

return {
  -- ---- the engine: C ----

  { name = "a new_device that was killed counts as not opened", file = "core/session.c", law = "1 exactly one end",
    from = "s->maybe_open = jig_judge_may_have_opened(s->service, &s->result, r);", to = "s->maybe_open = false;" },
  { name = "a report is sent after success", file = "core/session.c", law = "1 exactly one end",
    from = "s->maybe_open = s->command != JIG_HANDLE_DEVICE_RESPONSE;", to = "s->maybe_open = true;" },
  { name = "the CLI is called without a limit", file = "core/session.c", law = "4 every wait ends",
    from = "        .deadline = s->deadline,\n        .grace",
    to = "        .deadline = JIG_FOREVER,\n        .grace" },
  { name = "opening is not recorded before the call", file = "core/session.c", law = "6 nothing is lost",
    from = "if (!s->journal || intent[s->command] == JIG_EVENT_KINDS) {",
    to = "if (!s->journal || intent[s->command] == JIG_EVENT_KINDS || s->command == JIG_NEW_DEVICE) {" },
  { name = "a call is made although its intent was not recorded", file = "core/session.c",
    law = "6 nothing is lost",
    from = "    return s->entry.kept == JIG_KEPT_JOURNAL ||", to = "    return s->entry.kept >= 0 ||" },
  { name = "PASS before the record", file = "core/session.c", law = "5 PASS means recorded",
    from = "if (s->state == JIG_SESSION_ENDED || s->command == JIG_REPORT_ERROR) {",
    to = "if (s->command == JIG_REPORT_ERROR) {" },
  { name = "a fingerprint that was not recorded passes", file = "core/session.c", law = "5 PASS means recorded",
    from = "if (entry->kept != JIG_KEPT_JOURNAL && entry->kind == JIG_EVENT_FINISHED)",
    to = "if (entry->kept > JIG_KEPT_EMERGENCY && entry->kind == JIG_EVENT_FINISHED)" },
  { name = "a refused PIN is tried again", file = "core/session.c", law = "8 a PIN is not tried again",
    from = "    if (s->result.rc == JIG_EPIN)\n        shut_gate(s);\n", to = "    (void)shut_gate;\n" },
  { name = "any exit status is accepted", file = "core/judge.c", law = "the fault has a mapped code",
    from = "if (result->rc == JIG_OK && !accepted(call->service, r->number))",
    to = "if (result->rc < 0 && !accepted(call->service, r->number))" },
  { name = "a program that hangs is not ended", file = "core/proc.c", law = "4 every wait ends",
    from = "    stop_for(proc, JIG_PROC_TIMED_OUT, proc->grace);", to = "    (void)proc;" },
  { name = "a program that heeds no TERM is not killed", file = "core/session.c", law = "4 every wait ends",
    from = "        .grace = jig_clock_after(0, service->grace),\n        .cap",
    to = "        .grace = JIG_FOREVER,\n        .cap" },
  { name = "a lost wire looks silent", file = "transports/stage.c", law = "4 every wait ends",
    from = "    *err = end->lost;\n    return JIG_ELOST;", to = "    *err = end->lost;\n    return JIG_AGAIN;" },
  { name = "limits around a wait do not count", file = "bindings/engine.c", law = "4 every wait ends",
    from = "if (outer && outer->deadline < deadline) {", to = "if (outer && outer->deadline < 0) {" },
  { name = "a report that was accepted does not end the session", file = "core/session.c", law = "1 exactly one end",
    from = "    if (s->result.rc == JIG_OK)\n        s->maybe_open = false;\n    else if", to = "    if" },

  { name = "a message is recorded", file = "core/session.c", law = "7 opaque and unseen",
    from = "    else\n        record(s, intent[s->command], &s->facts, intent_kept);\n",
    to = "    else {\n        jig_facts_text_member(&s->facts, \"argument\", s->argv.words[3]);\n"
      .. "        record(s, intent[s->command], &s->facts, intent_kept);\n    }\n" },

  -- ---- the engine: Lua ----

  { name = "no report", file = "scripts/jig/attempt.lua", law = "1 exactly one end",
    from = "if not (truth.session and truth.session:owes()) then return end", to = "do return end" },
  { name = "a report of another code", file = "scripts/jig/attempt.lua", law = "1 exactly one end",
    from = "units.report(unit, made.code, made.reason", to = "units.report(unit, made.code + 1, made.reason" },
  { name = "the port is left open", file = "scripts/jig/attempt.lua", law = "closed",
    from = "  handle:close()\n", to = "" },
  { name = "a status outside the map passes", file = "scripts/jig/unit.lua", law = "the fault has a mapped code",
    from = "  if not entry then\n    unit.fail", to = "  if not entry then\n    do return frame end\n    unit.fail" },
  { name = "no status is looked at", file = "scripts/jig/unit.lua", law = "the fault has a mapped code",
    from = "if status == nil or status == truths[self].recipe.success then return frame end",
    to = "if status or status == truths[self].recipe.success then return frame end" },
  { name = "a message is given to the device twice", file = "scripts/jig/unit.lua",
    law = "3 nothing is handed over twice",
    from = "  truths[self].port:write(host.encode(request))\n",
    to = "  truths[self].port:write(host.encode(request))\n  truths[self].port:write(host.encode(request))\n" },
  { name = "an exchange has no limit of its own", file = "scripts/jig/unit.lua", law = "the fault has a mapped code",
    from = 'task.limit("exchange", truths[self].recipe.limits.exchange)', to = 'task.limit("exchange", math.huge)' },
  { name = "what is left in the input is taken for an answer", file = "scripts/jig/unit.lua", law = "2 order",
    from = "  local decoder = host.decoder()\n  drop_input(self)\n", to = "  local decoder = host.decoder()\n" },
  { name = "a message is told to people", file = "scripts/jig/unit.lua", law = "7 opaque and unseen",
    from = "  hand_over_once(self, request)\n",
    to = "  hand_over_once(self, request)\n"
      .. "  truths[self].context.emit { event = 'note', text = require('jig.hex').encode(request.payload) }\n" },
  { name = "a fault is thrown as plain text", file = "scripts/jig/wire.lua", law = "no plain Lua error",
    from = "  if value == nil then fault.throw_io(message, code, limit) end\n",
    to = "  if value == nil then error(message, 0) end\n" },
  { name = "a fault is swallowed", file = "scripts/jig/attempt.lua", law = "5 PASS means recorded",
    from = "    guard(result, fail, unit, folder, thrown, spent, result)\n", to = "    result.passed = true\n" },
  { name = "a session that was left is not reported", file = "scripts/jig/recovery.lua", law = "6 nothing is lost",
    from = '  local ok, message, code = report(options, row, owner)\n  if ok then return "reported" end\n',
    to = '  local ok, message, code = true, "", ""\n  if ok then return "reported" end\n' },

  -- ---- recipes ----

  { name = "an endless loop", file = THERMOSTAT, law = "the fault has a mapped code", line = "while true do end",
    from = '    unit.port:expect("ready\\r\\n")\n',
    to = '    unit.port:expect("ready\\r\\n")\n    while true do end\n' },
  { name = "a status not mapped", file = THERMOSTAT, law = "the fault has a mapped code",
    from = '    [0x02] = { "factory_init.unknown_factory", code = 302,',
    to = '    [0x0f] = { "lamp.odd", code = 302,' },
  { name = "a pattern without the end of its text", file = THERMOSTAT, law = "verdict",
    from = '"SN=(%w+)\\r\\n"', to = '"SN=(%w+)"' },
  { name = "an endless loop after a failure", file = METER, prove = "examples/meter", law = "no plain Lua error",
    line = "while true do end",
    from = "  finish = function(unit)",
    to = "  reset = function(unit) if unit.session_id then while true do end end end,\n\n  finish = function(unit)" },
  { name = "a field that is nil", file = METER, prove = "examples/meter", law = "no plain Lua error",
    line = "key.header.length",
    from = "    local provisioning = unit:get_device_configuration(key)\n",
    to = "    local provisioning = unit:get_device_configuration(key)\n    assert(key.header.length)\n" },
  { name = "a lock that fails is swallowed", file = METER, prove = "examples/meter", law = "the fault has a mapped code",
    line = "pcall(unit.exchange",
    from = '    unit:exchange(message(LOCK, ""), "lock")\n',
    to = '    pcall(unit.exchange, unit, message(LOCK, ""), "lock")\n' },
  { name = "a message is given again after a time-out", file = METER, prove = "examples/meter",
    law = "no plain Lua error", line = "pcall(unit.exchange",
    from = '    unit:exchange(message(MODE, "FACTORY"), "mode_switch")\n',
    to = '    local mode = message(MODE, "FACTORY")\n'
      .. '    if not pcall(unit.exchange, unit, mode, "mode_switch") then unit:exchange(mode, "mode_switch") end\n' },
  { name = "a message is shown to people", file = METER, prove = "examples/meter", law = "7 opaque and unseen",
    line = 'unit:log(key.payload)',
    from = "    local provisioning = unit:get_device_configuration(key)\n",
    to = "    unit:log(key.payload)\n    local provisioning = unit:get_device_configuration(key)\n" },
  { name = "an answer is taken as a serial number", file = METER, prove = "examples/meter",
    law = "7 opaque and unseen",
    from = "    local provisioning = unit:get_device_configuration(key)\n",
    to = "    unit.serial = key.payload\n    local provisioning = unit:get_device_configuration(key)\n" },
  { name = "the unit ends without its fingerprint", file = METER, prove = "examples/meter", law = "no plain Lua error",
    from = "    unit:handle_device_response(acknowledgement)\n", to = "    unit.data.last = acknowledgement\n" },
  { name = "the first answer is handed over twice", file = METER, prove = "examples/meter", law = "2 order",
    from = "unit:handle_device_response(acknowledgement)", to = "unit:handle_device_response(key)" },
  { name = "a hook throws text", file = THERMOSTAT, law = "no plain Lua error", line = "no banner",
    from = '    unit.serial = unit.port:expect("SN=(%w+)\\r\\n")\n',
    to = '    local ok, serial = pcall(unit.port.expect, unit.port, "SN=(%w+)\\r\\n")\n'
      .. '    if not ok then error("no banner") end\n    unit.serial = serial\n' },
  { name = "the status is looked for in vain", file = THERMOSTAT, law = "the fault has a mapped code",
    from = 'reply = ">I2 scp I2 length B status"', to = 'reply = ">I2 scp I2 length B state"' },
}
