--- What `jig help` prints: pages of the manual, which are the README.md files of the source (modules jig.pages.*),
-- and sections of them.

local markdown = require "jig.markdown"

local topics = {}

--- What can be asked for: the word, the page, its section (default: all of it), what it is.
topics.LIST = {
  { "overview", "jig", nil, "what jig is, and what you can rely on" },
  { "laws", "jig", "The laws", "what no recipe can break" },
  { "status", "jig", "Exit status of `jig run`", "exit statuses" },
  { "tutorial", "examples", "From an empty folder to a proven recipe", "from an empty folder to a proven recipe" },
  { "examples", "examples", nil, "the products that come with jig, and the tutorial" },
  { "recipe", "scripts", nil, "writing recipes: the whole API" },
  { "limits", "scripts", "Limits", "how long each wait may be, and what a recipe may compute" },
  { "check", "scripts", "Checking a recipe", "jig check: mistakes that are found without a device" },
  { "unit", "scripts", "The unit", "what hooks and `run` work on" },
  { "wire", "scripts", "The wire", "reading from and writing to the device" },
  { "framing", "scripts", "Framings", "how messages stand on the wire" },
  { "faults", "scripts", "Faults", "names and codes of what is reported" },
  { "bytes", "scripts", "Bytes", "hex, CRC, digests" },
  { "station", "scripts", "The station file", "what a station file says; the token" },
  { "signing", "scripts", "Signed recipes", "jig sign, jig verify, and a station that runs nothing else" },
  { "doctor", "scripts", "Looking at a station", "jig doctor, jig udev: what is wrong before the first unit" },
  { "setup", "station", nil, "a station that starts at boot, set up step by step" },
  { "journal", "scripts", "The journal", "the record: recovery, duplicates, reading, proving it" },
  { "cassettes", "scripts", "Cassettes", "jig run --record, jig replay: a failure of the line, at home" },
  { "shell", "scripts", "The shell", "jig shell: talking to a device by hand" },
  { "flags", "scripts", "Flags of `jig run`", "flags of jig run" },
  { "json", "scripts", "What `jig run --json` prints", "events of jig run --json" },
  { "scripting", "scripts", "Scripts without a recipe", "jig FILE.lua" },
  { "testing", "spec", "Testing a recipe", "specs without hardware, coverage" },
  { "proving", "spec", "Proving a recipe", "jig prove: every way in which a unit can fail" },
  { "transports", "transports", nil, "kinds of wires, their addresses, and how to add one" },
  { "simulator", "simulator", nil, "the CLI and the devices that run without hardware" },
}

-- The topic that a link to a page of the source leads to; without one of its section the page's first.
local function topic_of(target)
  local page, anchor = target:match("(%w+)/README%.md#?(.*)$")
  local first
  for _, topic in ipairs(topics.LIST) do
    if topic[2] == page then
      if (topic[3] and markdown.anchor(topic[3]) or "") == anchor then return topic[1] end
      first = first or topic[1]
    end
  end
  return first
end

--- A text of a page in which the source's files that are pages, and are not installed, stand as what prints them.
---@param text string
---@return string
function topics.told(text)
  local function told(target)
    local topic = topic_of(target)
    return topic and ("`jig help %s`"):format(topic)
  end
  return (text:gsub("%[%w+/README%.md%]%(([^()]*)%)", told):gsub("`(%w+/README%.md)`", told))
end

--- The topics, one a line.
---@param out { write: fun(self, ...) }
function topics.write(out)
  out:write("topics:\n")
  for _, topic in ipairs(topics.LIST) do out:write(("  %-10s %s\n"):format(topic[1], topic[4])) end
  out:write("\n`jig help TOPIC` prints it.\n")
end

return topics
