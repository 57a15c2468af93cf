std = "lua54"
max_line_length = 120
cache = false

-- What is not reported has its reason beside it, here and at each line: spec/layers_spec.lua looks.
ignore = {
  -- a <close> variable is there to be closed, and luacheck takes it for an unused one
  "211/.*limit", "211/.*shield", "211/device", "211/recording", "211/released", "211/entered",
}

-- busted gives specs their names, and these two modules call them, too
files["spec"] = { std = "lua54+busted" }
files["examples/*/*_spec.lua"] = { std = "lua54+busted" }
files["scripts/jig/testing.lua"] = { std = "lua54+busted" }
files["scripts/jig/framing/contract.lua"] = { std = "lua54+busted" }

-- its os.exit is jig's, whose second argument means something else
files["scripts/jig/main.lua"] = { globals = { "os" } }

-- definitions for an editor: no code uses their locals and arguments
files["scripts/meta"] = { ignore = { "211", "212", "241" } }
