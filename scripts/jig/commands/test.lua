--- jig test: runs busted inside jig, as a task, so that specs block like recipes do.
--
-- Red is also, whatever is shown: nothing was run, or the run did not come to its end (a spec that ends the
-- program). A path that is a recipe's folder with a device is proven, too (jig prove), when its specs are green.

local coverage = require "jig.coverage"
local options = require "jig.commands.options"
local system = require "jig.system"
local task = require "jig.task"
local write = require "jig.output.whole"

-- The name under which busted finds the outputs of one run.
local OUTPUTS <const> = "jig.commands.test.outputs"

local function arguments(o)
  local args = { [0] = "jig test", "--ignore-lua" } -- which .busted may name for busted itself
  for _, path in ipairs(o.path) do
    args[#args + 1] = path
  end
  local function add(name, value)
    if value then table.move({ name, value }, 1, 2, #args + 1, args) end
  end
  add("--output", OUTPUTS)
  add("--filter", o.filter)
  add("--helper", o.helper)
  return args
end

-- What is shown, and where: TAP takes stdout for itself.
local function outputs_of(o)
  local list = { { name = o.output or "jig.output.specs", to = o.tap and io.stderr or io.stdout } }
  if o.tap then list[2] = { name = "jig.output.specs_tap", to = io.stdout } end
  if o.junit then list[#list + 1] = { name = "jig.output.specs_junit", path = o.junit } end
  return list
end

-- Who ends the program in mid-run is a spec, and that is red whatever it says. Afterwards it is busted, with
-- its own opinion of the run, which here only ends the runner: what was tallied counts.
local function leaver(tally, tap)
  local exit = system.exit
  return function(status)
    if tally.ended then error(tally, 0) end
    if tally.begun then
      io.stderr:write("jig test: a spec ended the program\n")
    elseif status == nil or status == true or status == 0 then
      io.stderr:write("jig test: the program was ended before the first spec\n")
    end
    if tap then io.stdout:write("Bail out! the run did not come to its end\n") end
    exit(1, true)
  end
end

local function trouble_of(tally)
  if not tally.ended then return "the run did not come to its end" end
  if tally.passed + tally.failed == 0 then return "no spec was run: check the paths and the filter" end
end

-- Shows what was counted; nil, or what went wrong. stdout may be a program's.
local function show_coverage(o, folder)
  local shown = require "jig.output.coverage"
  local files = require "jig.covered".files(folder, o.path)
  local to = (o.tap or o.output) and io.stderr or io.stdout
  to:write(shown.table(files))
  to:flush()
  local message = o.lcov and write(o.lcov, shown.lcov(files))
  return message and "--lcov: " .. message
end

-- The proofs of the recipe folders that were named, where the specs are green: nil, or what went wrong.
local function prove(o, tally)
  if o.no_proof or o.filter or tally.failed > 0 then return end
  local folders = require "jig.prove.folders"
  local list = folders.among(o.path)
  if #list == 0 then return end
  local to = (o.tap or o.output) and io.stderr or io.stdout
  local sound = folders.prove(list, to)
  to:flush()
  return not sound and "a proof is not sound" or nil
end

local function load_runner()
  return assert(load("require 'busted.runner' { standalone = false }", "@jig test"))
end

-- In this process: what went wrong beside the specs, or nil.
local function run_here(o, tally)
  local outputs = outputs_of(o)
  package.preload[OUTPUTS] = function() return require "jig.output.several"(outputs, tally) end
  os.exit = leaver(tally, o.tap) -- luacheck: ignore 122 (who ends the program is told so)
  system.exit = os.exit
  _G.arg = arguments(o)
  local ok, thrown = task.spawn(load_runner()):join()
  return not ok and thrown ~= tally and tostring(thrown) or trouble_of(tally)
end

-- The command that runs one file for run_in_jobs.
local function job_words(o)
  local program = system.realpath "/proc/self/exe" or "jig"
  local words = { program, "test", "--output", "jig.output.specs_stream", "--no-proof" }
  for _, name in ipairs { "filter", "helper" } do
    if o[name] then table.move({ "--" .. name, o[name] }, 1, 2, #words + 1, words) end
  end
  return words
end

local function run_in_jobs(o, tally)
  local spec_jobs = require "jig.spec_jobs"
  _G.arg = arguments(o)
  package.preload[OUTPUTS] = function() return require "jig.output.several"({}, tally) end
  local files, message = spec_jobs.files(load_runner())
  if not files then return message end
  local cases
  cases, message = spec_jobs.run(files, job_words(o), o.jobs, o.limit or spec_jobs.LIMIT)
  if not cases then return message end
  tally.passed, tally.failed = require "jig.output.specs".count(cases)
  tally.ended = true
  return o.junit and require "jig.output.specs_junit".finish(o.junit, cases) or trouble_of(tally)
end

local function run(o, counters)
  local tally = { passed = 0, failed = 0 }
  local trouble = (o.jobs and run_in_jobs or run_here)(o, tally)
  if not trouble then trouble = prove(o, tally) end
  if counters and not trouble then trouble = show_coverage(o, counters) end
  if trouble then io.stderr:write("jig test: ", trouble, "\n") end
  return not trouble and tally.failed == 0 and 0 or 1
end

-- The path that is not there, or that nobody can run. What stands for no path is busted's own choice.
local function missing(paths)
  for _, path in ipairs(paths) do
    local kind = system.kind(path)
    if not kind then return path .. ": No such file or directory" end
    if kind == "other" then return path .. ": it is no regular file" end
  end
  if #paths > 0 or system.kind(".busted") or system.kind("spec") then return nil end
  return "spec: No such file or directory\n  name specs or the folder of a recipe, or type this in such a folder"
end

-- What is wrong with the options together, or with a file that they name.
local function mistake_of(o)
  local absent = missing(o.path)
  if absent then return absent end
  if o.tap and o.output then return "--tap and --output both need stdout" end
  if o.jobs and (o.tap or o.output or o.coverage or o.lcov) then
    return "--jobs does not go with --tap, --output, --coverage and --lcov, which are of one process"
  end
  if o.limit and not o.jobs then return "--limit needs --jobs: a run in this process cannot be ended by it" end
  local message = o.lcov and write(o.lcov, "")
  if message then return "--lcov: " .. message end
  message = o.junit and require "jig.output.specs_junit".begin(o.junit)
  if message then return "--junit: " .. message end
end

-- Seconds on the command line.
local function seconds(text)
  local value = text:find "^%d*%.?%d*$" and tonumber(text)
  if value and value > 0 then return value end
  return nil, "must be seconds, more than 0"
end

return function(words)
  local p = options.parser("test", "Run specs with busted, as a task.")
  local path = p:argument("path", "Spec files or folders. Default: the ROOT of .busted, a recipe's folder, or ./spec.")
    :args("*")
  if not system.kind(".busted") then path:recipe() end
  p:option("--filter", "Run only tests whose name matches this Lua pattern."):value "PATTERN"
  p:option("--helper", "A script that is run before the specs."):value "FILE"
  p:option("--jobs", "Run each spec file in a process of its own, so many at a time."):value "N"
    :convert(options.integer(1, 64))
  p:option("--limit", "With --jobs, seconds that a spec file may take before it is ended (600)."):value "SECONDS"
    :convert(seconds)
  p:flag("--no-proof", "Leave out the proofs of recipe folders.")
  p:option("--junit", "Also write a JUnit file."):value "FILE"
  p:flag("--tap", "TAP on stdout; the usual output goes to stderr.")
  p:flag("--coverage", "Show which lines of recipes ran, and which never did.")
  p:option("--lcov", "Also write that as a tracefile of lcov."):value "FILE"
  p:option("--output", "Another busted output: TAP, junit, gtest, json, plainTerminal."):value "NAME"
  local o, status = options.parse(p, words)
  if not o then return status end
  if not pcall(require, "busted") then
    io.stderr:write("jig test: busted is not installed (Debian: apt-get install lua-busted)\n")
    return 2
  end
  local mistake = mistake_of(o)
  if mistake then
    io.stderr:write("jig test: ", mistake, "\n")
    return 2
  end
  local counters, message
  if o.coverage or o.lcov then counters, message = coverage.start() end
  if message then
    io.stderr:write("jig test: --coverage: ", message, "\n")
    return 1
  end
  return run(o, counters), true -- specs leave sessions unreported on purpose
end
