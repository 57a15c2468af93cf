--- jig replay: runs a recipe against cassettes, and says whether it does what it did. Exit 0: it does; 1: it
-- does not; 2: a cassette or the recipe cannot be used.

local clean = require "jig.output.clean"
local options = require "jig.commands.options"
local reader = require "jig.cassette.reader"
local replay = require "jig.testing.replay"
local system = require "jig.system"

local SAME <const>, DIFFERENT <const>, UNUSABLE <const> = 0, 1, 2

local function say(message)
  io.stderr:write("jig replay: ", message, "\n")
  return UNUSABLE
end

local function seconds(text)
  local number = tonumber(text)
  if number and number >= 0 and number < math.huge then return number end
  return nil, ("expected seconds, got '%s'"):format(text)
end

local function parser()
  local p = options.parser("replay", "Run a recipe against what was recorded by jig run --record.")
  p:argument("cassette", "A cassette; or a folder: each *.cassette in it.")
  p:option("--recipe", "The recipe: a file, or a folder with recipe.lua. Default: the one that it names, beside it.")
    :value "PATH"
  p:flag("--strict", "Times and the pieces of what is written must be the same, too.")
  p:option("--tolerance", "With --strict: seconds by which a step may be early or late; default 0.05.")
    :value "SECONDS":convert(seconds)
  p:flag("--unfinished", "Take a cassette that was not written to its end, as far as it goes.")
  p:flag("--seal", "Replay nothing: make the SHA-256 of a cassette anew that was changed on purpose.")
  return p
end

local function check_usage(o)
  if o.tolerance and not o.strict then return "--tolerance needs --strict" end
  if o.seal and (o.recipe or o.strict or o.unfinished) then return "--seal goes with no other option" end
end

-- Replays one; its status, and what to say of it.
local function replay_one(path, o)
  local ok, result = pcall(replay.run, path, o)
  if not ok then return UNUSABLE, tostring(result) end
  for _, note in ipairs(result.notes) do io.stderr:write(("%s: %s\n"):format(path, note)) end
  if result.same then return SAME, ("same  %s  %d steps"):format(path, result.steps) end
  return DIFFERENT, result.text
end

local function replay_file(path, o)
  local status, text = replay_one(path, o)
  if status == UNUSABLE then return say(text) end
  print(status == SAME and text or "DIFFERS  " .. text)
  return status
end

-- Every cassette of a folder, against one recipe or each against its own.
local function replay_folder(folder, o)
  local names, message = system.files(folder)
  if not names then return say(message) end
  table.sort(names)
  local counts, worst = { [SAME] = 0, [DIFFERENT] = 0, [UNUSABLE] = 0 }, SAME
  for _, name in ipairs(names) do
    if name:find("%.cassette$") then
      local status, text = replay_one(folder:gsub("/+$", "") .. "/" .. name, o)
      counts[status], worst = counts[status] + 1, math.max(worst, status)
      if status == DIFFERENT then print("DIFFERS  " .. text) end
      if status == UNUSABLE then say(text) end
    end
  end
  local all = counts[SAME] + counts[DIFFERENT] + counts[UNUSABLE]
  if all == 0 then return say(clean(folder) .. ": there is no *.cassette in this folder") end
  print(("%d cassette%s: %d the same, %d differ, %d unusable"):format(all, all == 1 and "" or "s", counts[SAME],
    counts[DIFFERENT], counts[UNUSABLE]))
  return worst
end

local function seal(path)
  local ok, message = reader.seal(path)
  if not ok then return say(message) end
  print("sealed  " .. path)
  return SAME
end

return function(words)
  local o, status = options.parse(parser(), words)
  if not o then return status end
  local wrong = check_usage(o)
  if wrong then return say(wrong) end
  if o.seal then return seal(o.cassette) end
  if system.kind(o.cassette) == "folder" then return replay_folder(o.cassette, o) end
  return replay_file(o.cassette, o)
end
