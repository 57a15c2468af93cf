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
    local list = {}
    for word in result.stdout:gmatch("%S+") do list[#list + 1] = word end
    table.sort(list)
    return list
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
