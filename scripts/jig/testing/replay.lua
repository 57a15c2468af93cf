--- Replays a cassette: jig.testing.replay, assert.replays and `jig replay` are this.

local clean = require "jig.output.clean"
local difference = require "jig.cassette.difference"
local loader = require "jig.loader"
local locate = require "jig.locate"
local player = require "jig.cassette.player"
local reader = require "jig.cassette.reader"
local record = require "jig.record"
local sandbox = require "jig.sandbox"
local system = require "jig.system"
local trial = require "jig.trial"

local replay = {}

---@class jig.testing.ReplayOptions
---@field recipe? string      its file or folder; default: the one that the cassette names, where it stands beside
---@field strict? boolean     times and pieces count, too
---@field tolerance? number   seconds by which a step may then be early or late; default 0.05
---@field unfinished? boolean  a cassette without its last line is taken, as far as it goes

---@class jig.testing.Replayed
---@field same boolean
---@field path string
---@field recipe string              the file
---@field steps integer              lines that tell what jig did
---@field difference? jig.cassette.Difference
---@field text? string               the difference, for people
---@field notes string[]             what is to be said besides

-- Where the recipe of a cassette may stand: beside it, above it, and in a folder of its name at either place.
local function beside(cassette)
  local folder, named = cassette.path:match("^(.*/)[^/]*$") or "./", cassette.recipe
  local places = { folder, folder .. "../" }
  if named.folder ~= "" then
    table.move({ folder .. named.folder .. "/", folder .. "../" .. named.folder .. "/" }, 1, 2, #places + 1, places)
  end
  for _, place in ipairs(places) do
    if system.kind(place .. named.file) == "file" then return place .. named.file end
  end
  error(("%s: its recipe, %s%s, does not stand beside it: name it with --recipe, or the option recipe"):format(
    cassette.path, named.folder ~= "" and named.folder .. "/" or "", named.file), 0)
end

-- The recipe, loaded here for its framing and its digest.
local function load(path)
  local file, folder = locate(path)
  local refused = trial.refusal { file = file, folder = folder }
  if refused then error(refused, 0) end
  local released <close>, files = trial.interruptible(), sandbox.files(true)
  local made, message = loader.load(file, folder, files)
  if not made then error(message, 0) end
  return { file = file, folder = folder, recipe = made, sha256 = record.digest(files, folder) }
end

local function notes_of(cassette, plan)
  local notes, named = {}, cassette.recipe
  if named.name ~= plan.recipe.name then
    notes[1] = ("it was recorded with the recipe %s, and this one is %s"):format(named.name, plan.recipe.name)
  elseif named.sha256 ~= plan.sha256 then
    local same = named.version == plan.recipe.version
    notes[1] = same and ("the recipe's files are others than they were, of the same version, %s"):format(named.version)
      or ("the recipe is another than it was: version %s then, %s now"):format(named.version, plan.recipe.version)
  end
  for _, event in ipairs(cassette.events) do
    if event.fields.like == "unknown" then
      notes[#notes + 1] = ("line %d: the framing makes nothing of these bytes, and others stand for them: what follows "
        .. "may differ for that alone; --record-payload would have kept them"):format(event.line)
    end
  end
  for i, note in ipairs(notes) do notes[i] = clean(note) end
  if not cassette.finished then notes[#notes + 1] = "it is unfinished: compared as far as it goes" end
  return notes
end

local function steps_of(events)
  local count = 0
  for _, event in ipairs(events) do count = count + (event.side == "<" and 0 or 1) end
  return count
end

--- Replays one. Does not yield. Raises a sentence when the cassette or the recipe cannot be used.
---@param path string
---@param options? jig.testing.ReplayOptions
---@return jig.testing.Replayed
function replay.run(path, options)
  options = options or {}
  local cassette, message = reader.read(path, options.unfinished)
  if not cassette then error(message, 0) end
  local plan = load(options.recipe or beside(cassette))
  local made = player.new(cassette, plan, options)
  local found = made:play()
  return {
    same = found == nil, path = path, recipe = plan.file, steps = steps_of(cassette.events), difference = found,
    text = found and ("%s:%s %s\n%s"):format(path, found.line and (" line %d:"):format(found.line) or "", found.what,
      difference.text(found, made.events)) or nil,
    notes = notes_of(cassette, plan),
  }
end

return replay
