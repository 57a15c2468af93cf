std = "lua54"
max_line_length = 120
cache = false

-- luacheck takes a <close> variable, which is there to be closed, for an unused one
ignore = { "211/.*limit", "211/.*shield", "211/device", "211/recording" }

files["spec"] = { std = "lua54+busted" }
files["examples/*/*_spec.lua"] = { std = "lua54+busted" }
files["scripts/jig/testing.lua"] = { std = "lua54+busted" }
files["scripts/jig/framing/contract.lua"] = { std = "lua54+busted" }
files["scripts/jig/main.lua"] = { globals = { "os", "arg" } }
files["scripts/jig/commands/test.lua"] = { globals = { "arg" } }
files["scripts/meta"] = { ignore = { "211", "212", "241" } } -- definitions, which no code uses
files["scripts/embed.lua"] = { globals = { "arg" } }
files["scripts/man.lua"] = { globals = { "arg" } }
