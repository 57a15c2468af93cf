-- The man pages that `make install` makes, and all that it installs.

local scratch = require "spec.support.scratch"
local station = require "spec.support.station"

local BUILD <const> = os.getenv "JIG_BUILD" or "build"

local PAGES <const> = { "man1/jig.1", "man5/jig-recipe.5", "man5/jig-station.5" }

describe("scripts/man.lua", function()
  local folder, installed

  setup(function()
    folder = scratch.folder()
    -- What is built is taken as it is: a spec builds nothing.
    installed = scratch.run {
      "make", "install", "-o", BUILD .. "/jig", "BUILD=" .. BUILD, "DESTDIR=" .. folder.path, "PREFIX=/usr",
      env = { MAKEFLAGS = false, MAKELEVEL = false, MFLAGS = false },
    }
  end)

  teardown(function() folder:__close() end)

  local function page(name) return folder:read("usr/share/man/" .. name) end

  it("is what make install makes the man pages by", function()
    assert.equal(0, installed.exit, installed.stderr)
    for _, name in ipairs(PAGES) do assert.is_true(#page(name) > 5000, name) end
  end)

  it("makes pages that groff has nothing to say about", function()
    for _, name in ipairs(PAGES) do
      local result = scratch.run { "groff", "-man", "-ww", "-z", folder.path .. "/usr/share/man/" .. name }
      assert.same({ 0, "", "" }, { result.exit, result.stdout, result.stderr }, name)
      assert.is_nil(page(name):find("[\128-\255]"), name)
    end
  end)

  it("sends nobody to files that are not installed, and leaves out what a column does not say", function()
    for _, name in ipairs(PAGES) do
      local text = page(name):gsub("\\f.", ""):gsub("\\%-", "-")
      assert.is_nil(text:find("(: ", 1, true), name)
      for _, folder_name in ipairs { "scripts", "spec", "transports", "examples" } do
        assert.is_nil(text:find(folder_name .. "/README.md", 1, true), name .. " names " .. folder_name)
      end
    end
    assert.matches(".SH \"THE SHELL\"", page "man5/jig-recipe.5", 1, true)
    assert.matches(".SH \"CASSETTES\"", page "man5/jig-recipe.5", 1, true)
    assert.matches(".SH \"ADDRESSES OF PORTS\"", page "man5/jig-station.5", 1, true)
  end)

  it("makes pages that read as the README does", function()
    local result = scratch.run {
      "groff", "-man", "-Tutf8", "-P-c", "-rLL=100n", folder.path .. "/usr/share/man/man5/jig-recipe.5",
    }
    local text = result.stdout:gsub("\27%[[%d;]*m", ""):gsub(".\8", "")
    assert.matches("THE UNIT\n", text, 1, true)
    assert.matches("\n       unit:exchange(request [, phase])\n", text, 1, true)
    assert.matches([[    if line ~= "ready\r\n" then unit.port:unread(line) end]], text, 1, true)
    assert.matches("\n *read%-?, ?write\n *the other reads and writes of unit.port", (text:gsub("‐", "-")))
    assert.matches("SEE ALSO\n *jig%(1%), jig.station%(5%)\n", text)
  end)

  it("puts the help of each verb into jig(1)", function()
    local text, verbs = page "man1/jig.1", scratch.jig({ "help" }).stdout:match("verbs:\n(.-)\n\n")
    for verb in (verbs .. "\n"):gmatch("  (%l+) [^\n]+\n") do
      assert.matches(('.SS "jig %s"'):format(verb), text, 1, true)
    end
    assert.matches('.SS "jig journal verify"', text, 1, true)
    assert.matches("\\-\\-serial\\-number", text, 1, true)
    assert.matches(".SH \"EXIT STATUS OF JIG RUN\"", (text:gsub("\\f.", "")), 1, true)
  end)

  -- The files below a folder, sorted, each with `before` in front.
  local function files_in(path, before)
    local files = {}
    for file in scratch.run({ "find", path, "-type", "f", "-printf", "%P\n" }).stdout:gmatch("[^\n]+") do
      files[#files + 1] = before .. file
    end
    table.sort(files)
    return files
  end

  it("stands beside the program, completions and definitions that are installed", function()
    local expected = files_in("scripts/meta", "share/jig/meta/")
    assert(#expected > 0)
    for _, file in ipairs {
      "bin/jig", "share/bash-completion/completions/jig", "share/fish/vendor_completions.d/jig.fish",
      "share/man/man1/jig.1", "share/man/man5/jig-recipe.5", "share/man/man5/jig-station.5",
      "share/doc/jig/station/README.md", "share/doc/jig/station/jig-station.service",
      "share/doc/jig/station/jig.modules", "share/doc/jig/station/jig.sysusers", "share/doc/jig/station/jig.tmpfiles",
      "share/doc/jig/station/station.lua", "share/zsh/site-functions/_jig",
    } do expected[#expected + 1] = file end
    table.sort(expected)
    assert.same(expected, files_in(folder.path .. "/usr", ""))
    local result = scratch.run { folder.path .. "/usr/bin/jig", "help", "--completion", "bash" }
    assert.equal(result.stdout, station.read(folder.path .. "/usr/share/bash-completion/completions/jig"))
  end)
end)
