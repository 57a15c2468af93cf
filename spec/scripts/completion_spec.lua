local completion = require "jig.completion"
local scratch = require "spec.support.scratch"

-- What jig prints for a shell.
local function text_for(shell)
  local result = scratch.jig { "help", "--completion", shell }
  assert.same({ 0, "" }, { result.exit, result.stderr })
  return result.stdout
end

-- Drives bash's completion as the shell does: the words of a command line, the last of which is completed.
local DRIVER <const> = [[
source "$1"; shift
COMP_WORDS=(jig "$@"); COMP_CWORD=$#
function=$(complete -p jig); function=${function#* -F }; function=${function%% *}
$function jig "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"
]]

local function words_of(text)
  local list = {}
  for word in text:gmatch("%S+") do list[#list + 1] = word end
  table.sort(list)
  return list
end

describe("jig.completion", function()
  local folder, bash

  setup(function()
    folder = scratch.folder()
    bash = folder:write("jig.bash", text_for "bash")
  end)

  teardown(function() folder:__close() end)

  local function completed(...)
    local result = scratch.run { "bash", "--norc", "-c", DRIVER, "bash", bash, ... }
    assert.same({ 0, "" }, { result.exit, result.stderr })
    return words_of(result.stdout)
  end

  it("completes the verbs that jig has", function()
    local told, listed = {}, scratch.jig({ "help" }).stdout:match("verbs:\n(.-)\n\n")
    for verb in listed:gmatch("  (%w+) [^\n]+") do told[#told + 1] = verb end
    table.sort(told)
    assert.is_true(#told > 7)
    assert.same(told, completed "")
    assert.same({ "journal" }, completed "jo")
  end)

  it("completes the options of a verb", function()
    assert.same({ "--serial-number", "--session-id" }, completed("run", "--se"))
    assert.same({ "--journal", "--json", "--junit" }, completed("run", "examples/meter", "--j"))
    assert.same({ "--tap" }, completed("test", "--ta"))
    assert.same({}, completed("check", "--ta"))
  end)

  it("completes verbs of the journal, and their options", function()
    assert.same({ "show", "sign", "stats" }, completed("journal", "s"))
    assert.same({ "--until" }, completed("journal", "list", "--u"))
    assert.same({}, completed("journal", "sign", "--u"))
  end)

  it("completes the words that an option or an argument takes", function()
    assert.same({ "exec" }, completed("init", "lamp", "--transport", "e"))
    assert.same({ "stx_etx" }, completed("init", "lamp", "--framing", "st"))
    assert.same({ "failed" }, completed("journal", "list", "--result", "f"))
    assert.same({ "line", "scan" }, completed("run", "--start", ""))
    assert.same({ "bash", "fish", "zsh" }, completed("help", "--completion", ""))
  end)

  it("leaves files to bash", function()
    assert.same({}, completed("run", "exam"))
    assert.matches("complete -F _jig -o bashdefault -o default jig\n", folder:read "jig.bash", 1, true)
  end)

  it("completes the topics that jig help has, and its verbs", function()
    local found = {}
    for _, word in ipairs(completed("help", "")) do found[word] = true end
    for _, list in ipairs { "verbs", "topics" } do
      for entry in scratch.jig({ "help" }).stdout:match(list .. ":\n(.-)\n\n"):gmatch("  (%w+) [^\n]+") do
        assert.is_true(found[entry], entry)
      end
    end
    assert.same({ "test", "testing", "transports", "tutorial" }, completed("help", "t"))
    assert.same({ "init" }, completed("help", "ini"))
    assert.same({}, completed("help", "nothing"))
  end)

  -- What each line offers, as a shell's own completion gives it.
  local EXPECTED <const> = {
    { "jig jo", "journal" },
    { "jig run --se", "--serial-number", "--session-id" },
    { "jig journal s", "show", "sign", "stats" },
    { "jig journal list --result f", "failed" },
    { "jig init lamp --framing st", "stx_etx" },
    { "jig help --completion ", "bash", "fish", "zsh" },
    { "jig help la", "laws" },
    { "jig check --ta" },
  }

  local function has(program)
    return scratch.run({ "sh", "-c", "command -v " .. program }).exit == 0
  end

  it("is what zsh offers on a terminal", function()
    if not has "zsh" then return pending "zsh is not installed" end
    folder:write("_jig", text_for "zsh")
    local words = { "zsh", "-f", "spec/support/complete.zsh", folder.path }
    for i, case in ipairs(EXPECTED) do words[4 + i] = case[1] end
    local result = scratch.run(words)
    assert.same({ 0, "" }, { result.exit, result.stderr })
    local offered, expected = {}, {}
    for part, line in result.stdout:gmatch("(.-)= ([^\n]*)\n") do offered[#offered + 1] = { line, words_of(part) } end
    for i, case in ipairs(EXPECTED) do expected[i] = { case[1], table.move(case, 2, #case, 1, {}) } end
    assert.same(expected, offered)
  end)

  it("is what fish offers", function()
    if not has "fish" then return pending "fish is not installed" end
    local text = { ("source %s"):format(folder:write("jig.fish", text_for "fish")) }
    for _, case in ipairs(EXPECTED) do
      text[#text + 1] = ("for word in (complete -C '%s'); string split -f 1 \\t -- $word; end; echo '= %s'"):format(
        case[1], case[1])
    end
    local result = scratch.run { "fish", "--no-config", "-c", table.concat(text, "\n"), env = { HOME = folder.path } }
    assert.same({ 0, "" }, { result.exit, result.stderr })
    local offered, expected = {}, {}
    for part, line in result.stdout:gmatch("(.-)= ([^\n]*)\n") do offered[#offered + 1] = { line, words_of(part) } end
    for i, case in ipairs(EXPECTED) do expected[i] = { case[1], table.move(case, 2, #case, 1, {}) } end
    assert.same(expected, offered)
  end)

  it("makes those of zsh and fish, with what each option is for", function()
    local zsh, fish = text_for "zsh", text_for "fish"
    assert.matches("^#compdef jig\n", zsh)
    assert.matches("complete -c jig", fish, 1, true)
    for _, text in ipairs { zsh, fish } do
      assert.matches("Run only tests whose name matches this Lua pattern", text, 1, true)
      assert.matches("verify", text, 1, true)
    end
  end)

  it("knows no other shell", function()
    assert.is_nil(completion.text("cmd", {}))
  end)
end)
