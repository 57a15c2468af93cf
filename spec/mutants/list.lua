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
    from = "        .deadline = s->deadline,\n        .grace", to = "        .deadline = JIG_FOREVER,\n        .grace" },
  { name = "opening is not recorded before the call", file = "core/session.c", law = "5 PASS means recorded",
    from = "if (!s->journal || intent[s->command] == JIG_EVENT_KINDS) {",
    to = "if (!s->journal || intent[s->command] == JIG_EVENT_KINDS || s->command == JIG_NEW_DEVICE) {" },
  { name = "a call is made although its intent was not recorded", file = "core/session.c", law = "mapped code",
    from = "    return s->entry.kept == JIG_KEPT_JOURNAL ||", to = "    return s->entry.kept >= 0 ||" },
  { name = "PASS before the record", file = "core/session.c", law = "5 PASS means recorded",
    from = "if (s->state == JIG_SESSION_ENDED || s->command == JIG_REPORT_ERROR) {",
    to = "if (s->command == JIG_REPORT_ERROR) {" },
  { name = "a fingerprint that was not recorded passes", file = "core/session.c", law = "5 PASS means recorded",
    from = "if (entry->kept != JIG_KEPT_JOURNAL && entry->kind == JIG_EVENT_FINISHED)",
    to = "if (entry->kept > JIG_KEPT_EMERGENCY && entry->kind == JIG_EVENT_FINISHED)" },
  { name = "commands may come in any order", file = "core/session.c", law = "2 order",
    from = "[JIG_GET_DEVICE_CONFIGURATION] = JIG_SESSION_CONFIGURED,\n    [JIG_HANDLE_DEVICE_RESPONSE] = JIG_SESSION_ENDED,",
    to = "[JIG_GET_DEVICE_CONFIGURATION] = JIG_SESSION_CONFIGURED,\n    [JIG_HANDLE_DEVICE_RESPONSE] = JIG_SESSION_CONFIGURED,",
  },
  { name = "a refused PIN is tried again", file = "core/session.c", law = "8 a PIN is not tried again",
    from = "    if (s->result.rc == JIG_EPIN)\n        shut_gate(s);\n", to = "    (void)shut_gate;\n" },
  { name = "any exit status is accepted", file = "core/judge.c", law = "mapped code",
    from = "if (result->rc == JIG_OK && !accepted(call->service, r->number))",
    to = "if (result->rc < 0 && !accepted(call->service, r->number))" },
  { name = "a program over its cap goes on", file = "core/proc.c", law = "mapped code",
    from = "n < left ? n : left) == 0 && n <= left;", to = "n < left ? n : left) == 0;" },
  { name = "a lost wire looks silent", file = "core/port.c", law = "mapped code", from = "", to = "" },
  { name = "limits around a wait do not count", file = "bindings/engine.c", law = "4 every wait ends",
    from = "if (outer && outer->deadline < deadline) {", to = "if (outer && outer->deadline < 0) {" },
  { name = "a report that was accepted does not end the session", file = "core/session.c", law = "1 exactly one end",
    from = "    if (s->result.rc == JIG_OK)\n        s->maybe_open = false;\n    else if", to = "    if" },

  -- ---- the engine: Lua ----

  { name = "no report", file = "scripts/jig/attempt.lua", law = "1 exactly one end",
    from = "if not (truth.session and truth.session:owes()) then return end", to = "do return end" },
  { name = "a report of another code", file = "scripts/jig/attempt.lua", law = "1 exactly one end",
    from = "units.report(unit, made.code, made.reason", to = "units.report(unit, made.code + 1, made.reason" },
  { name = "the port is left open", file = "scripts/jig/attempt.lua", law = "closed",
    from = "  handle:close()\n", to = "" },
  { name = "a status outside the map passes", file = "scripts/jig/unit.lua", law = "mapped code",
    from = "  if not entry then\n    unit.fail", to = "  if not entry then\n    return frame -- unit.fail" },
  { name = "no status is looked at", file = "scripts/jig/unit.lua", law = "mapped code",
    from = "if status == nil or status == truths[self].recipe.success then return frame end",
    to = "if status or status == truths[self].recipe.success then return frame end" },
  { name = "a message is given to the device twice", file = "scripts/jig/unit.lua",
    law = "3 nothing is handed over twice",
    from = "  truths[self].port:write(host.encode(request))\n",
    to = "  truths[self].port:write(host.encode(request))\n  truths[self].port:write(host.encode(request))\n" },
  { name = "an exchange has no limit of its own", file = "scripts/jig/unit.lua", law = "mapped code",
    from = 'task.limit("exchange", truths[self].recipe.limits.exchange)', to = 'task.limit("exchange", math.huge)' },
  { name = "what is left in the input is taken for an answer", file = "scripts/jig/unit.lua", law = "2 order",
    from = "  local decoder = host.decoder()\n  drop_input(self)\n", to = "  local decoder = host.decoder()\n" },
  { name = "a message is told to people", file = "scripts/jig/unit.lua", law = "7 opaque and unseen",
    from = "  hand_over_once(self, request)\n",
    to = "  hand_over_once(self, request)\n"
      .. "  truths[self].context.emit { event = 'note', text = require('jig.hex').encode(request.payload) }\n" },
  { name = "a message is recorded", file = "scripts/jig/record.lua", law = "7 opaque and unseen", from = "", to = "" },
  { name = "a fault is thrown as plain text", file = "scripts/jig/wire.lua", law = "no plain Lua error",
    from = "  if value == nil then fault.throw_io(message, code, limit) end\n",
    to = "  if value == nil then error(message, 0) end\n" },
  { name = "a fault is swallowed", file = "scripts/jig/attempt.lua", law = "mapped code", from = "", to = "" },
  { name = "a session that was left is not reported", file = "scripts/jig/recovery.lua", law = "6 nothing is lost",
    from = '  local ok, message, code = report(options, row, owner)\n  if ok then return "reported" end\n',
    to = '  local ok, message, code = true, "", ""\n  if ok then return "reported" end\n' },

  -- ---- recipes ----

  { name = "an endless loop", file = THERMOSTAT, law = "mapped code", line = "while true do end",
    from = '    unit.port:expect("ready\\r\\n")\n',
    to = '    unit.port:expect("ready\\r\\n")\n    while true do end\n' },
  { name = "a status not mapped", file = THERMOSTAT, law = "mapped code",
    from = '    [0x02] = { "factory_init.unknown_factory", code = 302, reason = "firmware does not know the factory ID" },\n',
    to = "" },
  { name = "a pattern without the end of its text", file = THERMOSTAT, law = "verdict",
    from = '"SN=(%w+)\\r\\n"', to = '"SN=(%w+)"' },
}
