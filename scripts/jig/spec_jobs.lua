--- Runs each spec file in a process of its own, several at a time: a machine's cores are used, and what a file
-- leaves in memory is gone with it.

local proc = require "jig.proc"
local specs = require "jig.output.specs"
local specs_stream = require "jig.output.specs_stream"
local task = require "jig.task"

local spec_jobs = {}

-- Of busted's modules the one that finds spec files, by paths, patterns and .busted; what else it would do
-- on the way is for the processes to do.
local LOADER <const>, HELPER <const> = "busted.modules.test_file_loader", "busted.modules.helper_loader"

--- The spec files that busted would run.
---@param run_busted fun()  runs it, with arguments that name no output
---@return string[]? files
---@return string? message
function spec_jobs.files(run_busted)
  local found = {}
  local real = require(LOADER)
  package.loaded[LOADER] = function(busted, loaders)
    local _, _, all = real(busted, loaders)
    return function(...)
      found.files = all(...)
      error(found, 0)
    end
  end
  package.loaded[HELPER] = function() return function() return true end end
  local ok, thrown = task.spawn(run_busted):join()
  package.loaded[LOADER], package.loaded[HELPER] = nil, nil
  if thrown == found then return found.files end
  return nil, ok and "busted looked for no spec files" or tostring(thrown)
end

--- Seconds that a file may take where nothing else is said.
spec_jobs.LIMIT = 600

-- What its process came to, where its tests do not say it.
local function trouble_of(result, ended, cases, limit)
  if result.trouble == "timeout" then
    return ("the run did not come to its end within %g s: it was ended"):format(limit)
  end
  if not ended then return "the run did not come to its end" end
  local passed, failed = specs.count(cases)
  -- a sanitizer's find, say
  if passed > 0 and failed == 0 and result.exit ~= 0 then return "its process ended badly" end
end

local function ending(result)
  local how = result.exit and ("exit status %d"):format(result.exit) or ("signal %d"):format(result.signal)
  return how .. (result.trouble == "timeout" and "; more time: --limit SECONDS" or "")
end

-- Whether there is anything to read in what its process told people: one that ran nothing says so, which is for the
-- whole run to say.
local function is_news(cases, ended)
  local passed, failed = specs.count(cases)
  return passed + failed > 0 or not ended
end

local function run_file(file, words, limit)
  local argv = table.move(words, 1, #words, 1, {})
  argv[#argv + 1] = file
  argv.limit, argv.cores = limit, true
  local child <close> = assert(proc.start(argv))
  local result = assert(child:wait())
  local cases, rest, ended = specs_stream.read(result.stdout)
  local trouble = trouble_of(result, ended, cases, limit)
  if trouble then
    cases[#cases + 1] = { file = file, name = "the run", seconds = result.seconds, tag = "error",
      message = ("%s (%s)"):format(trouble, ending(result)) }
  end
  io.stdout:write(rest)
  if is_news(cases, ended) then io.stderr:write(result.stderr) end
  return cases
end

--- Runs them and shows each failure as it comes, and at the end what was skipped and the counts. Yields.
---@param files string[]
---@param words string[]  jig test and its options, to which a file is added
---@param jobs integer    processes at a time
---@param limit number    seconds for each file: then its process is ended, by TERM and two seconds later KILL
---@return jig.SpecCase[]? cases
---@return string? message  the run was ended
function spec_jobs.run(files, words, jobs, limit)
  local cases, next_file = {}, 1
  local function work()
    while files[next_file] do
      local file = files[next_file]
      next_file = next_file + 1
      for _, case in ipairs(run_file(file, words, limit)) do
        cases[#cases + 1] = case
        specs.show(io.stdout, case)
      end
      io.stdout:flush()
    end
  end
  local workers, message = {}, nil
  for i = 1, math.min(jobs, #files) do workers[i] = task.spawn(work) end
  for _, worker in ipairs(workers) do
    local ok, thrown = worker:join()
    if not ok then message = tostring(thrown) end
  end
  if message then return nil, message end
  specs.sum_up(io.stdout, cases)
  return cases
end

return spec_jobs
