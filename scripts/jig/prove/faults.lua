--- What can go wrong with each kind of effect: the table of effect kinds × faults.
--
-- A fault is
--
--   name     of it, in path ids
--   means    one sentence for people
--   fits     function(effect, subject): true; or false and why it does not fit this effect
--   act      function(effect, run, subject): makes it happen; gives the action of jig.testing.rig
--   allow    names of jig's faults, and "passed", that the unit may end with; "own" stands for any but those of
--            the families tool and cli; or a function(effect, subject) that gives such a list
--   service  of a call: what the service knows of it then: "none" (it never heard of it), "refused", "done",
--            "unknown" (it may be done)

local cli = require "jig.testing.cli"

local faults = {}

--- The law under which a verdict is looked at.
faults.MAPPED = "the fault has a mapped code"

---@class jig.prove.Fault
---@field name string
---@field means string
---@field fits? fun(effect: jig.testing.Effect, subject: table): boolean, string?
---@field act fun(effect: jig.testing.Effect, run: jig.testing.Rig, subject: table): any
---@field allow string[]|fun(effect: jig.testing.Effect, subject: table): string[]
---@field code? integer        of a status, as the map says, and its reason
---@field reason? string
---@field retry? boolean
---@field kills? boolean       nothing of this process happens any more
---@field unreported? boolean  a session may be left to the next start
---@field harmless? boolean    the unit must end exactly as without it
---@field again? boolean       the unit may pass only when something is written again after it

--- The exit statuses by which the played CLI says what is the matter with its token.
faults.TOKEN = { missing = 20, busy = 21, pin = 22 }

-- ---- what a recipe makes of a fault ----

-- What the recipe's own code waits for may fail it in its own way, or not matter to it at all.
local OF_THE_RECIPE <const> = { "own", "passed", "tool.serial", "tool.limit" }

-- Whether the recipe's own code decides what becomes of an effect: before the session and after it, in an exchange
-- of its own, and with what no exchange waits for. In a session jig's own exchange fails for good.
local function is_of_the_recipe(effect, subject)
  if not effect.in_session or subject.recipe.exchange then return true end
  return effect.kind == "read" and not effect.awaited
end

local function both(one, other)
  return table.move(other, 1, #other, #one + 1, table.move(one, 1, #one, 1, {}))
end

-- What is said of the framing of a further wire, of which nothing is known but how it makes a frame.
local UNCHECKED <const> = { check = false, silence = false }

-- The names for a frame of jig's own exchange; more where the recipe decides; those of a text that no exchange reads.
local function unless_text(frame)
  return function(effect, subject)
    if not effect.frame then return OF_THE_RECIPE end
    local names = type(frame) == "function" and frame(effect.encode and UNCHECKED or subject.traits) or frame
    return is_of_the_recipe(effect, subject) and both(names, OF_THE_RECIPE) or names
  end
end

-- As it is in a session, and more outside it.
local function in_session(names)
  return function(effect, subject)
    return is_of_the_recipe(effect, subject) and both(names, OF_THE_RECIPE) or names
  end
end

-- What takes so long that the unit's limit passes afterwards: in an exchange of the recipe's own it decides.
local function unless_hooked(names)
  return function(_, subject) return subject.recipe.exchange and both(names, OF_THE_RECIPE) or names end
end

-- ---- calls of the CLI ----

-- A fault of a call whose program does this.
local function call(name, means, service, allow, change)
  return {
    name = name, means = means, allow = allow, unreported = true,
    act = function()
      return function(made, usual)
        made.service = service
        return change(made, usual)
      end
    end,
  }
end

local function says(fields)
  return function()
    local play = { after = cli.LATENCY, out = "", err = "" }
    for key, value in pairs(fields) do play[key] = value end
    return play
  end
end

-- What was printed, changed; the rest as usual.
local function prints(change)
  return function(_, usual)
    local play = {}
    for key, value in pairs(usual) do play[key] = value end
    play.out = change(usual.out)
    return play
  end
end

local OVER_CAP <const> = ("x"):rep(1024 * 1024 + 1)

local function is_read(effect)
  if effect.what == "report_error" then return false, "what report_error prints is not read" end
  return true
end

local function reading(fault)
  fault.fits = is_read
  return fault
end

local function harmless(fault)
  fault.harmless = true
  return fault
end

local function token(name, means, allow)
  local what = name:match("_(%w+)$")
  local play = says { exit = faults.TOKEN[what], err = "token" }
  return call(name, means, "refused", allow, function(made)
    made.pin_refused = what == "pin"
    return play()
  end)
end

local calls = {
  call("missing", "the CLI cannot be started", "none", { "cli.missing" }, says { missing = true }),
  call("exit", "the CLI exits with status 3", "refused", { "cli.refused" }, says { exit = 3, err = "no" }),
  call("signal", "the CLI is killed by a signal", "unknown", { "cli.killed" }, says { signal = 9 }),
  call("hang", "the CLI hangs until its limit", "unknown", { "cli.timeout" }, says { after = math.huge }),
  call("deaf", "the CLI hangs and does not heed TERM", "unknown", { "cli.timeout" },
    says { after = math.huge, deaf = true }),
  call("late", "the CLI ends at the instant of its limit", "done",
    unless_hooked { "cli.timeout", "passed", "tool.limit" },
    function(made, usual)
      made.unseen, made.perhaps = true, true -- who is first, the program or its limit, is not said
      local play = {}
      for key, value in pairs(usual) do play[key] = value end
      play.after = made.limit
      return play
    end),
  reading(call("empty", "the CLI prints nothing", "unknown", { "cli.output" }, says { exit = 0 })),
  reading(call("odd_hex", "the CLI prints an odd number of hex digits", "unknown", { "cli.output" },
    prints(function(out) return (out:gsub("%x\n$", "\n")) end))),
  reading(call("wrong_key", "the CLI prints its answer under another key", "unknown", { "cli.output" },
    prints(function(out) return (out:gsub("PAYLOAD", "PAYLOADS"):gsub("FINGERPRINT", "FINGERPRINTS")) end))),
  harmless(reading(call("extra_lines", "the CLI prints lines that nobody asked for", "done", { "passed" },
    prints(function(out) return "WARNING slow token\n\n" .. out .. "NOTE done\n" end)))),
  call("over_cap", "the CLI prints more than 1 MiB", "unknown", { "cli.output" },
    function() return { after = 0, out = OVER_CAP, err = "" } end),
  token("token_missing", "the CLI says that the token is missing", { "cli.token_missing" }),
  token("token_busy", "the CLI says that the token is busy", { "cli.token_busy" }),
  token("token_pin", "the CLI says that the token refused its PIN", { "cli.pin" }),
}

-- ---- the wire ----

local function refused(code, message)
  return function() return { code, message } end
end

-- The first opening decides. A device that is waited for is looked for again; a further wire is the recipe's own.
local function unless_back(names)
  return function(effect, subject)
    if effect.phase == "connect" then return names end
    return effect.what == "port" and both(names, OF_THE_RECIPE) or in_session(names)(effect, subject)
  end
end

local opens = {
  { name = "not_found", means = "there is no such device", allow = unless_back { "connectivity.not_found" },
    act = refused("not_found", "there is no such device") },
  { name = "refused", means = "the port may not be opened", allow = unless_back { "connectivity.open" },
    act = refused("denied", "permission denied") },
  { name = "never", means = "opening does not end", allow = unless_back { "connectivity.timeout" },
    act = function() return "later" end },
}

local controls = {
  { name = "refused", means = "the device refuses the control request",
    allow = in_session { "firmware.unknown_command" },
    act = refused("refused", "the device refused the control request (stall)") },
  { name = "hang", means = "the device does not answer the control request",
    allow = in_session { "connectivity.timeout", "tool.limit" },
    act = function() return "hang" end },
  { name = "lost", means = "the device is unplugged in a control request", allow = in_session { "connectivity.lost" },
    act = function() return { lose = "unplugged" } end },
}

local leaves = {
  { name = "never_back", means = "the device leaves, and does not come back",
    allow = in_session { "connectivity.not_found" },
    act = function() return "never" end },
  { name = "another_back", means = "another device comes back in place of the one that left",
    fits = function(effect)
      if not effect.serial then return false, "the device has no serial number that its wire knows" end
      return true
    end,
    allow = in_session { "tool.serial" },
    act = function() return "another" end },
}

local writes = {
  { name = "lost", means = "the wire is lost in a write", allow = in_session { "connectivity.lost" },
    act = function() return { lose = "unplugged" } end },
  { name = "blocked", means = "a write would block for ever",
    allow = in_session { "connectivity.timeout", "tool.limit" },
    act = function() return { block = true } end },
}

local sets = {
  { name = "unsupported", means = "the port has no such line", allow = in_session { "connectivity.open" },
    act = refused("unsupported", "there is no such line") },
  { name = "lost", means = "the wire is lost when a line is set", allow = in_session { "connectivity.lost" },
    act = refused("lost", "unplugged") },
}

local function half(effect)
  return effect.bytes:sub(1, math.max(1, #effect.bytes // 2))
end

-- Seconds after which no limit of an exchange or of a text still waits.
local function too_late(subject)
  local limits = subject.recipe.limits
  local most = 0
  for _, name in ipairs { "exchange", "ready", "read", "prepare", "finish", "reset" } do
    most = math.max(most, limits[name])
  end
  return most + 0.5
end

-- Where a byte is changed: in the payload where it stands on the wire as it is, else in the middle.
local function place_to_change(effect)
  local payload = effect.frame and effect.frame.payload or ""
  local first = #payload >= 4 and effect.bytes:find(payload, 1, true)
  return first and first + #payload // 2 or #effect.bytes // 2 + 1
end

local function with_changed_byte(effect)
  local at = place_to_change(effect)
  local byte = effect.bytes:byte(at) ~ 0x01
  return effect.bytes:sub(1, at - 1) .. string.char(byte) .. effect.bytes:sub(at + 1)
end

-- Bytes of an answer that drips: no limit waits for as many.
local DRIPS <const> = 1000

local DAMAGED <const> = { "connectivity.corrupt", "connectivity.timeout" }
local ANY <const> = { "own", "passed", "firmware.unknown_status" }

local JUNK <const> = "\0\254junk\r\n"

local reads = {
  { name = "lost", means = "the wire is lost instead of an answer", allow = in_session { "connectivity.lost" },
    act = function() return { lose = "unplugged" } end },
  { name = "silence", means = "the answer never comes",
    allow = unless_text({ "connectivity.timeout" }),
    act = function() return {} end },
  { name = "late", means = "the answer comes after its limit",
    allow = unless_text({ "connectivity.timeout" }),
    act = function(effect, _, subject) return { pieces = { { too_late(subject), effect.bytes } } } end },
  { name = "in_pieces", means = "the answer comes in two pieces", allow = { "passed" }, harmless = true,
    act = function(effect)
      local first = half(effect)
      return { pieces = { { 0, first }, { 1e-4, effect.bytes:sub(#first + 1) } } }
    end },
  { name = "short", means = "half of the answer comes",
    allow = unless_text(function(traits) return traits.silence and ANY or DAMAGED end),
    act = function(effect) return { pieces = { { 0, half(effect) } } } end },
  { name = "corrupt", means = "a bit of the answer is changed",
    allow = unless_text(function(traits) return traits.check and DAMAGED or ANY end),
    act = function(effect) return { pieces = { { 0, with_changed_byte(effect) } } } end },
  { name = "junk", means = "other bytes come before the answer",
    allow = unless_text(function(traits)
      return traits.check and { "passed", table.unpack(DAMAGED) } or ANY -- it may spoil the frame behind it
    end),
    act = function(effect) return { pieces = { { 0, JUNK .. effect.bytes } } } end },
  { name = "duplicate", means = "the answer comes twice",
    allow = unless_text(function(traits) return traits.silence and ANY or { "passed" } end),
    act = function(effect) return { pieces = { { 0, effect.bytes .. effect.bytes } } } end },
  { name = "drip", means = "the answer comes byte by byte, each just within the limit between",
    allow = unless_text({ "passed", "connectivity.timeout", "connectivity.corrupt" }),
    act = function(effect, _, subject)
      local pieces, gap = {}, 0.9 * math.min(subject.recipe.limits.between, subject.recipe.limits.exchange)
      for i = 1, math.min(#effect.bytes, DRIPS) do pieces[i] = { i * gap, effect.bytes:sub(i, i) } end
      return { pieces = pieces }
    end },
  { name = "cut", means = "half of the answer comes, then the wire is lost",
    allow = unless_text({ "connectivity.lost", "connectivity.corrupt" }),
    act = function(effect) return { pieces = { { 0, half(effect) } }, lose = "unplugged" } end },
}

-- ---- the device's status ----

-- The same frame with another status: with nothing else in it, as firmware that fails has it, or with its answer all
-- the same, which must not be taken for one; whichever the framing can say.
local function with_status(effect, subject, status, answering)
  local frame = {}
  for key, value in pairs(effect.frame) do frame[key] = value end
  frame.status = status
  local encode = effect.encode or subject.recipe.framing.device.encode
  local payloads = answering and { frame.payload, "" } or { "", frame.payload }
  for _, payload in ipairs(payloads) do
    frame.payload = payload
    local ok, bytes = pcall(encode, frame)
    if ok then return bytes end
  end
end

-- Where the recipe decides it may know what to do about a status, but not about one that nobody knows, but for blocks
-- that are sent again.
local function status_fault(name, means, allow, status, mapped)
  return {
    name = name, means = means, again = not mapped,
    allow = function(effect, subject)
      if not is_of_the_recipe(effect, subject) then return { allow } end
      local may_pass = mapped or subject.recipe.link == "arq"
      return may_pass and both({ allow }, OF_THE_RECIPE) or { allow, "own" }
    end,
    act = function(effect, _, subject)
      return { pieces = { { 0, with_status(effect, subject, status, not mapped) } } }
    end,
  }
end

-- The statuses that the map knows, and those that the device says it may answer.
local function known_statuses(subject)
  local list, seen = {}, {}
  for status in pairs(subject.recipe.status) do seen[status] = true end
  for _, status in ipairs(subject.statuses or {}) do seen[status] = true end
  seen[subject.recipe.success] = nil
  for status in pairs(seen) do list[#list + 1] = status end
  table.sort(list)
  return list
end

-- A status that fits the frame and is in no map; nil when there is none.
local function foreign_status(effect, subject)
  local known = { [subject.recipe.success] = true }
  for _, status in ipairs(known_statuses(subject)) do known[status] = true end
  for status = 255, 0, -1 do
    if not known[status] and with_status(effect, subject, status) then return status end
  end
end

-- The faults of a frame that carries a status: one for each that is known, and one that nobody knows.
local function statuses(effect, subject)
  local list = {}
  for _, status in ipairs(known_statuses(subject)) do
    local entry = subject.recipe.status[status] or { "an entry of the status map" }
    if with_status(effect, subject, status) then
      list[#list + 1] = status_fault(("status_0x%02x"):format(status), "the device answers " .. entry[1], entry[1],
        status, true)
      list[#list].code, list[#list].reason, list[#list].retry = entry.code, entry.reason, entry.retry
    end
  end
  local foreign = foreign_status(effect, subject)
  if foreign then
    list[#list + 1] = status_fault(("status_0x%02x_unmapped"):format(foreign),
      "the device answers a status that is in no map", "firmware.unknown_status", foreign)
  end
  return list
end

-- ---- waits, the journal, the operator, the process ----

-- Whether jig itself decides what becomes of a wait: for the port, and in its exchange within a session.
local function is_jigs(effect, subject)
  local around = " " .. (effect.around or "") .. " "
  if effect.limit == "open" then return not around:find(" reopen ", 1, true) end
  return around:find(" exchange ", 1, true) and not is_of_the_recipe(effect, subject)
end

local waits = {
  { name = "limit",
    fits = function(effect)
      if effect.limit == "" then return false, "a sleep that ends before any limit" end
      return true
    end,
    means = "the clock is at the limit",
    allow = function(effect, subject)
      local list = { "connectivity.timeout", "connectivity.corrupt", "tool.limit" }
      if effect.limit == "between" then list[4] = "passed" end -- it ends a frame, or a text before one
      return is_jigs(effect, subject) and list or both(list, OF_THE_RECIPE)
    end,
    act = function() return "limit" end },
}

-- Events that nobody waits for may be lost to the journal, and the unit go on. The end of a unit is waited for where
-- something could still fail after the fingerprint.
local NEEDED <const> = { opening = true, finishing = true, finished = true }

local function is_needed(effect, recipe)
  return NEEDED[effect.what] or effect.what == "ended" and (recipe.run or recipe.finish)
end

local records = {
  { name = "refused", means = "the journal does not take it", unreported = true,
    allow = function(effect, subject)
      return is_needed(effect, subject.recipe) and { "tool.journal" } or { "tool.journal", "passed" }
    end,
    act = function() return "refuse" end },
  { name = "killed_after", means = "the process is killed when it is written", kills = true, allow = {},
    act = function() return "die" end },
}

local interrupt = {
  name = "interrupt", means = "somebody presses Ctrl-C", allow = { "tool.interrupted", "passed" },
  act = function(_, run) run:interrupt() end,
}

local killed = {
  name = "killed", means = "the process is killed before it", kills = true, allow = {},
  act = function(_, run) run:kill() end,
}

local killed_after = {
  name = "killed_after", means = "the process is killed when it is done", kills = true, allow = {},
  act = function(effect, run)
    if effect.kind == "call" then
      return function(made, usual)
        made.unseen = true
        run:kill()
        return usual
      end
    end
    return { done = function() run:kill() end }
  end,
}

local BY_KIND <const> = {
  open = opens, write = writes, set = sets, control = controls, leave = leaves, read = reads, call = calls,
  wait = waits, record = records, hook = {}, close = {},
}

local DONE_AND_KILLED <const> = { call = true, write = true }

--- The kinds of effect, in the order of the table.
faults.KINDS = { "open", "set", "control", "write", "read", "leave", "wait", "hook", "call", "record", "close" }

--- All that can go wrong with an effect, and what of the table does not fit it.
---@param effect jig.testing.Effect
---@param subject jig.prove.Subject
---@return jig.prove.Fault[] fitting, { [1]: string, [2]: string }[] gaps  name and reason
function faults.of(effect, subject)
  local fitting, gaps = {}, {}
  for _, fault in ipairs(BY_KIND[effect.kind]) do
    local fits, why = true, nil
    if fault.fits then fits, why = fault.fits(effect, subject) end
    if fits then fitting[#fitting + 1] = fault else gaps[#gaps + 1] = { fault.name, why } end
  end
  if effect.kind == "read" then
    if faults.carries_status(effect, subject) then
      table.move(statuses(effect, subject), 1, 256, #fitting + 1, fitting)
    else
      gaps[#gaps + 1] = { "status", effect.frame and "this framing's answers carry no status" or "it is no frame" }
    end
  end
  if effect.life > 1 then
    gaps[#gaps + 1] = { "interrupt", "a start that recovers is not interrupted here" }
  else
    fitting[#fitting + 1] = interrupt
  end
  fitting[#fitting + 1] = killed
  if DONE_AND_KILLED[effect.kind] then fitting[#fitting + 1] = killed_after end
  return fitting, gaps
end

--- The fault of that name that fits an effect; nil when none does. As faults.of, without making the others.
---@param effect jig.testing.Effect
---@param subject jig.prove.Subject
---@param name string
---@return jig.prove.Fault?
function faults.named(effect, subject, name)
  if name == killed.name then return killed end
  for _, fault in ipairs(BY_KIND[effect.kind]) do
    if fault.name == name and (not fault.fits or fault.fits(effect, subject)) then return fault end
  end
  for _, fault in ipairs(faults.of(effect, subject)) do
    if fault.name == name then return fault end
  end
end

--- Whether what arrives is an answer with a status, as the framing has it.
---@param effect jig.testing.Effect
---@param subject jig.prove.Subject
---@return boolean
function faults.carries_status(effect, subject)
  if not (effect.frame and effect.frame.status) then return false end
  if effect.encode then return true end
  local sample = subject.recipe.framing.device.sample
  return not sample or sample.status ~= nil
end

--- The names that a unit may end with after this fault.
---@param fault jig.prove.Fault
---@param effect jig.testing.Effect
---@param subject table
---@return string[]
function faults.allowed(fault, effect, subject)
  if type(fault.allow) == "function" then return fault.allow(effect, subject) end
  return fault.allow
end

return faults
