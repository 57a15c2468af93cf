--- A machine for the checks of `jig doctor`: files, folders and answers that a spec tells, and none of the real one.
--
--     local host = machine.new { ["/etc/jig"] = { kind = "folder", mode = 493 }, ["/proc/swaps"] = "Filename …" }
--     host.clock = function() return { synchronised = true, off = 0.01 } end
--     local found = machine.check("clock", host, { cli = {} })   -- { "ok it is 2026-…", … }

local machine = {}

local FOLDER <const>, FILE <const> = 493, 420 -- 0755, 0644

local function missing(path)
  return nil, path .. ": No such file or directory", "not_found"
end

-- A text is a file of root's; a table says what differs from a file, or a folder, of root's.
local function entry(path, said)
  if type(said) == "string" then said = { text = said } end
  local kind = said.kind or (said.list and "folder" or "file")
  return { kind = kind, mode = said.mode or (kind == "folder" and FOLDER or FILE), uid = said.uid or 0,
    gid = said.gid or 0, size = #(said.text or ""), id = said.id or path, text = said.text, list = said.list,
    denied = said.denied }
end

-- Folders that stand above what was told are there, too, and list it.
local function with_above(told)
  local all = {}
  for path, said in pairs(told) do all[path] = entry(path, said) end
  for path in pairs(told) do
    local name = path
    while name ~= "/" do
      local folder, last = name:match("^(.*)/([^/]+)$")
      folder = folder == "" and "/" or folder
      all[folder] = all[folder] or entry(folder, { kind = "folder" })
      all[folder].list = all[folder].list or {}
      all[folder].list[last] = true
      name = folder
    end
  end
  return all
end

local function names_of(set)
  local names = {}
  for key, value in pairs(set) do names[#names + 1] = value == true and key or value end
  return names
end

--- A machine on which these files are, by their paths: a text, or { kind, mode, uid, gid, id, text, denied }. Who asks
--- is user 1001 of the groups 1001 and 20.
---@param told? table<string, string|table>
---@return jig.doctor.Host
function machine.new(told)
  local all = with_above(told or {})
  all["/"] = all["/"] or entry("/", { kind = "folder" })
  local host = {}
  function host.stat(path)
    local at = all[path]
    if not at then return missing(path) end
    return at
  end
  function host.read(path)
    local at = all[path]
    return at and at.text
  end
  function host.list(path)
    local at = all[path:match("^(.-)/*$")]
    if not at or not at.list then return missing(path) end
    return names_of(at.list)
  end
  function host.may(path)
    if not all[path] then return missing(path) end
    if all[path].denied then return nil, path .. ": Permission denied", "denied" end
    return true
  end
  function host.realpath(path)
    if not all[path] then return missing(path) end
    return path
  end
  host.program = host.realpath
  function host.identity() return { uid = 1001, groups = { 1001, 20 } } end
  function host.now() return 1790000000 end
  function host.getenv() end
  function host.ports() return {} end
  function host.lock() return true end
  function host.sync() return 0.002 end
  function host.disk() return { size = 1 << 40, free = 1 << 36, nodes = 0, free_nodes = 0 } end
  function host.clock() return { synchronised = true, off = 0.01 } end
  return host
end

--- What a check of jig.doctor says: "state text", in its order.
---@param name string
---@param host jig.doctor.Host
---@param about table
---@return string[]
function machine.check(name, host, about)
  local said = {}
  about.station, about.slots, about.recipes = about.station or {}, about.slots or {}, about.recipes or {}
  about.cli = about.cli or {}
  require("jig.doctor." .. name)(host, about, function(state, text) said[#said + 1] = state .. " " .. text end)
  return said
end

--- Holds what a check says against beginnings and middles: each text is found in the finding at its place, which has
--- that state, and there are no more.
---@param said string[]
---@param ... string  "state", "text", "state", "text"…
function machine.says(said, ...)
  local wanted = { ... }
  local all = table.concat(said, "\n")
  assert(#said == #wanted // 2, ("%d findings: %s"):format(#said, all))
  for i, text in ipairs(said) do
    local state, part = wanted[2 * i - 1], wanted[2 * i]
    assert(text:match("^%l+") == state, ("expected %s: %s"):format(state, text))
    assert(text:find(part, 1, true), ("expected '%s' in: %s"):format(part, text))
  end
end

return machine
