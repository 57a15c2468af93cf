--- What a proof says: text for people, JSON, JUnit. The same proof gives the same bytes.

local cjson = require "cjson.safe"
local faults = require "jig.prove.faults"
local fault_catalogue = require "jig.fault".catalogue
local xml = require "jig.output.junit"

local report = {}

local function place(effect)
  return effect.what == "port" and effect.kind or ("%s %s"):format(effect.kind, effect.what)
end

local function end_of(path)
  if path.verdict == "FAIL" then return ("FAIL %s (%d)"):format(path.name, path.code) end
  if path.verdict == "none" then return "no verdict" end
  if path.verdict == "killed" then return path.restarts > 0 and "killed, recovered" or "killed, nothing was open" end
  return path.verdict
end

local function outcome(path)
  if not path.before then return end_of(path) end
  return ("%s, after %s (%d)"):format(end_of(path), path.before.name, path.before.code)
end

-- ---- counts ----

local function count_by(list, key)
  local counts, order = {}, {}
  for _, value in ipairs(list) do
    local name = key(value)
    if name and not counts[name] then
      counts[name] = 0
      order[#order + 1] = name
    end
    if name then counts[name] = counts[name] + 1 end
  end
  return counts, order
end

--- The table of effect kinds × faults: how many paths each cell stands for.
---@param proof jig.prove.Proof
---@return { kind: string, effects: integer, cells: { fault: string, paths: integer }[] }[]
function report.cells(proof)
  local rows = {}
  local effects = count_by(proof.effects, function(effect) return effect.kind end)
  for _, kind in ipairs(faults.KINDS) do
    local counts, order = count_by(proof.singles, function(path)
      return path.effect.kind == kind and path.steps[1].name or nil
    end)
    local row = { kind = kind, effects = effects[kind] or 0, cells = {} }
    for _, name in ipairs(order) do table.insert(row.cells, { fault = name, paths = counts[name] }) end
    rows[#rows + 1] = row
  end
  return rows
end

-- ---- findings ----

-- Statuses of the map, and those that the device may answer, that no path ended with.
local function unreached(proof)
  local reached, missing = {}, {}
  for _, path in ipairs(proof.singles) do
    local status = path.steps[1].name:match("^status_(0x%x+)$")
    if status and (path.name or path.before) then reached[math.tointeger(tonumber(status))] = true end
  end
  local wanted = {}
  for status in pairs(proof.recipe.status) do wanted[status] = true end
  for _, status in ipairs(proof.statuses or {}) do
    wanted[status] = wanted[status] or status ~= proof.recipe.success or nil
  end
  for status in pairs(wanted) do
    if not reached[status] then missing[#missing + 1] = status end
  end
  table.sort(missing)
  return missing
end

-- Faults after which PASS is worth a look, where the recipe's own code decided so.
local HARMFUL <const> = {
  lost = true, silence = true, late = true, short = true, cut = true, blocked = true, unsupported = true, limit = true,
}

-- Where units pass although something failed: the effect, and which faults.
local function tolerated(proof)
  local names, order = {}, {}
  for _, path in ipairs(proof.singles) do
    local name = path.steps[1].name
    local effect = path.effect
    if path.verdict == "PASS" and not path.before and (HARMFUL[name] or name:find("^status_"))
      and effect.kind ~= "call" then
      if not names[effect.number] then
        names[effect.number] = {}
        order[#order + 1] = effect
      end
      table.insert(names[effect.number], name)
    end
  end
  local list = {}
  for i, effect in ipairs(order) do
    list[i] = ("%s at effect %d, %s"):format(table.concat(names[effect.number], ", "), effect.number, place(effect))
  end
  return list
end

-- Codes under which more than one cause is reported, each with its causes.
local function shared_codes(proof)
  local causes = {}
  local function add(code, cause)
    causes[code] = causes[code] or {}
    table.insert(causes[code], cause)
  end
  for status, entry in pairs(proof.recipe.status) do
    local known = fault_catalogue[entry[1]] or {}
    add(entry.code or known[1], ("status 0x%02x %s"):format(status, entry[1]))
  end
  for name, known in pairs(fault_catalogue) do
    local own = proof.recipe.faults[name] or {}
    if not name:find("^factory_") and not (name:find("^firmware%.") and not own.code) then
      add(own.code or known[1], name)
    end
  end
  local list = {}
  for code, names in pairs(causes) do
    table.sort(names)
    if #names > 1 then list[#list + 1] = { code = code, causes = names } end
  end
  table.sort(list, function(a, b) return a.code < b.code end)
  return list
end

-- Gaps of the table, each once with how many effects it stands for.
local function gaps(proof)
  local counts, order = count_by(proof.gaps, function(gap)
    return ("%s: %s: %s"):format(place(gap.effect), gap.fault, gap.why)
  end)
  local list = {}
  for i, text in ipairs(order) do list[i] = { text = text, effects = counts[text] } end
  return list
end

--- What a proof found besides its paths.
---@param proof jig.prove.Proof
---@return { unreached: integer[], shared: table[], gaps: table[], unchecked: string[], tolerated: string[] }
function report.findings(proof)
  return {
    unreached = unreached(proof), shared = shared_codes(proof), gaps = gaps(proof), unchecked = proof.unchecked or {},
    tolerated = tolerated(proof),
  }
end

-- ---- text ----

-- Further paths with the same violation that are named.
local OTHERS <const> = 6

--- The first and the last line.
---@param proof jig.prove.Proof
---@return string
function report.summary(proof)
  return ("%s %s: %d effects, %d paths with one fault, %d with two: %s"):format(proof.recipe.name,
    proof.recipe.version, #proof.effects, #proof.singles, #proof.doubles,
    proof.violations == 0 and "no violation" or ("%d with a violation%s"):format(proof.violations,
      proof.stopped and "; the rest was not tried" or ""))
end

local function violation_lines(path, violation, others, out)
  local at = violation.effect and (" at effect %d, %s"):format(violation.effect.number, place(violation.effect)) or ""
  out[#out + 1] = ("VIOLATION %s: law %s%s"):format(path.id, violation.law, at)
  out[#out + 1] = "  " .. violation.text
  local line = path.line or violation.line
  if line then out[#out + 1] = "  the recipe's line: " .. line end
  if #others > 0 then
    local shown = table.concat(others, ", ", 1, math.min(#others, OTHERS))
    out[#out + 1] = ("  the same on %d more: %s%s"):format(#others, shown, #others > OTHERS and ", …" or "")
  end
end

-- One mistake is found on many paths: they are told together, by the first.
local function add_violations(paths, out)
  local groups, order = {}, {}
  for _, path in ipairs(paths) do
    for _, violation in ipairs(path.violations) do
      local key = ("%s\0%s\0%s"):format(violation.law, violation.text, path.line or violation.line)
      local group = groups[key]
      if group then
        table.insert(group.others, path.id)
      else
        groups[key] = { path = path, violation = violation, others = {} }
        order[#order + 1] = groups[key]
      end
    end
  end
  for _, group in ipairs(order) do violation_lines(group.path, group.violation, group.others, out) end
end

local function add_cells(proof, out)
  out[#out + 1] = ""
  out[#out + 1] = "effects × faults: paths"
  for _, row in ipairs(report.cells(proof)) do
    local parts = {}
    for i, cell in ipairs(row.cells) do parts[i] = ("%s %d"):format(cell.fault, cell.paths) end
    out[#out + 1] = ("  %-7s %3d  %s"):format(row.kind, row.effects, #parts > 0 and table.concat(parts, ", ") or "-")
  end
end

local function add_paths(proof, out)
  out[#out + 1] = ""
  out[#out + 1] = ("  %-4s %-30s %-22s %-40s %10s %6s"):format("#", "effect", "fault", "ends with", "seconds", "pairs")
  for _, path in ipairs(proof.singles) do
    out[#out + 1] = ("  %-4d %-30s %-22s %-40s %10.3f %6s"):format(path.steps[1].at, place(path.effect),
      path.steps[1].name, outcome(path), path.seconds, path.pairs or "-")
  end
end

local function add_findings(proof, out)
  local found = report.findings(proof)
  out[#out + 1] = ""
  for _, status in ipairs(found.unreached) do
    out[#out + 1] = ("status 0x%02x was reached by no path"):format(status)
  end
  for _, text in ipairs(found.tolerated) do out[#out + 1] = "passes although: " .. text end
  for _, shared in ipairs(found.shared) do
    out[#out + 1] = ("code %d stands for more than one cause: %s"):format(shared.code,
      table.concat(shared.causes, "; "))
  end
  for _, gap in ipairs(found.gaps) do
    out[#out + 1] = ("not tried: %s (%d)"):format(gap.text, gap.effects)
  end
end

local function add_unchecked(proof, out)
  for _, text in ipairs(proof.unchecked or {}) do out[#out + 1] = "not checked: " .. text end
end

local function violated(proof)
  local paths = {}
  for _, list in ipairs { { proof.clean }, proof.singles, proof.doubles } do
    for _, path in ipairs(list) do
      if #path.violations > 0 then paths[#paths + 1] = path end
    end
  end
  return paths
end

--- All of it as text.
---@param proof jig.prove.Proof
---@param brief? boolean  without the paths and what was not tried
---@return string
function report.text(proof, brief)
  local out = { report.summary(proof) }
  brief = brief or #proof.singles == 0 -- the run without any fault has to be mended first
  if not brief then
    add_cells(proof, out)
    add_paths(proof, out)
    add_findings(proof, out)
    out[#out + 1] = ""
  end
  add_unchecked(proof, out)
  add_violations(violated(proof), out)
  if not brief then out[#out + 1] = report.summary(proof) end
  return table.concat(out, "\n") .. "\n"
end

--- One path.
---@param path jig.prove.Path
---@return string
function report.path(path)
  local out = { ("%s: %s, %.3f s"):format(path.id, outcome(path), path.seconds) }
  add_violations({ path }, out)
  return table.concat(out, "\n") .. "\n"
end

-- ---- JSON ----

-- Text that is JSON already.
local function raw(text)
  return function() return text end
end

-- An object with its keys in the order given, which with cjson is any: the same proof gives the same bytes.
local function object(fields)
  local parts = {}
  for _, field in ipairs(fields) do
    local key, value = field[1], field[2]
    if value ~= nil then
      local text = type(value) == "function" and value() or cjson.encode(value)
      parts[#parts + 1] = ("%s:%s"):format(cjson.encode(key), text)
    end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- An array of what `each` makes of the elements; nil when there is none.
local function array(list, each)
  local parts = {}
  for i, value in ipairs(list) do parts[i] = each(value) end
  return #parts > 0 and raw("[" .. table.concat(parts, ",") .. "]") or nil
end

local function violation_object(violation)
  return object {
    { "law", violation.law }, { "text", violation.text }, { "effect", violation.effect and violation.effect.number },
    { "line", violation.line },
  }
end

local function path_object(path)
  return object {
    { "event", "path" }, { "id", path.id }, { "kind", path.effect and path.effect.kind },
    { "effect", path.effect and path.effect.what }, { "verdict", path.verdict }, { "fault", path.name },
    { "code", path.code }, { "before", path.before and path.before.name }, { "restarts", path.restarts },
    { "seconds", path.seconds }, { "pairs", path.pairs },
    { "line", path.line }, { "violations", array(path.violations, violation_object) },
  }
end

--- One object per line: each path, then the summary.
---@param proof jig.prove.Proof
---@return string
function report.json(proof)
  local out = {}
  for _, list in ipairs { { proof.clean }, proof.singles, proof.doubles } do
    for _, path in ipairs(list) do out[#out + 1] = path_object(path) end
  end
  local found = report.findings(proof)
  out[#out + 1] = object {
    { "event", "proof" }, { "recipe", proof.recipe.name }, { "version", proof.recipe.version },
    { "effects", #proof.effects }, { "paths", #proof.singles }, { "pairs", #proof.doubles },
    { "violations", proof.violations }, { "stopped", proof.stopped },
    { "unreached", #found.unreached > 0 and found.unreached or nil },
    { "shared_codes", array(found.shared, function(shared)
      return object { { "code", shared.code }, { "causes", shared.causes } }
    end) },
    { "gaps", array(found.gaps, function(gap)
      return object { { "text", gap.text }, { "effects", gap.effects } }
    end) },
    { "unchecked", #found.unchecked > 0 and found.unchecked or nil },
    { "tolerated", #found.tolerated > 0 and found.tolerated or nil },
  }
  return table.concat(out, "\n") .. "\n"
end

-- ---- JUnit ----

local function junit_case(suite, path)
  local out = { ('    <testcase classname="%s" name="%s" time="%.3f">'):format(xml.escape(suite), xml.escape(path.id),
    path.seconds) }
  for _, violation in ipairs(path.violations) do
    out[#out + 1] = ('      <failure type="%s" message="%s"/>'):format(xml.escape(violation.law),
      xml.escape(violation.text))
  end
  out[#out + 1] = ("      <system-out>%s</system-out>"):format(xml.escape(outcome(path)))
  out[#out + 1] = "    </testcase>"
  return table.concat(out, "\n") .. "\n"
end

--- A JUnit file: a test case per path.
---@param proof jig.prove.Proof
---@return string
function report.junit(proof)
  local cases, seconds = {}, 0
  for _, list in ipairs { { proof.clean }, proof.singles, proof.doubles } do
    for _, path in ipairs(list) do
      cases[#cases + 1] = junit_case(proof.recipe.name, path)
      seconds = seconds + path.seconds
    end
  end
  return ('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
    .. '  <testsuite name="%s" tests="%d" failures="%d" errors="0" time="%.3f">\n'):format(
    xml.escape("prove " .. proof.recipe.name), #cases, proof.violations, seconds) .. table.concat(cases) .. xml.TAIL
end

return report
