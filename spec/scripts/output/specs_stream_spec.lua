local scratch = require "spec.support.scratch"
local specs_stream = require "jig.output.specs_stream"

local function run(spec)
  local folder <close> = scratch.folder { ["lamp_spec.lua"] = spec }
  return scratch.jig { "test", "--output", "jig.output.specs_stream", "lamp_spec.lua", cwd = folder.path }
end

describe("jig.output.specs_stream", function()
  it("tells each test, and its end, among what specs print", function()
    local result = run [[io.write "no line feed"
      it("a\n\0\255", function() print "seen" end)
      it("b", function() error("dark\nindeed", 0) end) pending "c" ]]
    local cases, rest, ended = specs_stream.read(result.stdout)
    assert.same({ "no line feedseen\n", true }, { rest, ended })
    local seen = {}
    for i, case in ipairs(cases) do
      assert.equal("lamp_spec.lua", case.file)
      assert.is_true(case.seconds >= 0)
      seen[i] = { case.name, case.tag or "", case.message or "" }
    end
    assert.same({ { "a\n\0\255", "", "" }, { "b", "error", "lamp_spec.lua:3: dark\nindeed" },
      { "c", "skipped", "" } }, seen)
  end)

  it("has no end where the run has none, and takes what is no line of its for printed", function()
    local cases, rest, ended = specs_stream.read(run 'it("a", function() os.exit(0) end)'.stdout)
    assert.same({ {}, "", false }, { cases, rest, ended })
    for _, text in ipairs { "", "x", "\x1e", "\x1e{}", "\x1e7\n", "\x1e{\n", '{"ended":true}\n' } do
      assert.same({ {}, text, false }, { specs_stream.read(text) })
    end
  end)
end)
