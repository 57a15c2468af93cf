-- Run by jig inside of mockusb: one case of a file of cases (mockusb.lua).
--
--     mockusb build/jig spec/support/mockusb_inside.lua spec/transports/usb_real_spec.lua "carries bytes"
--
-- One line tells how it went: "ok", or a string as Lua writes it.

local build = os.getenv("JIG_BUILD") or "build"
package.cpath = build .. "/?.so;" .. package.cpath
package.path = "./?.lua;" .. package.path

rawset(_G, "assert", require "luassert")
rawset(_G, "describe", function(_, body) body() end)

local mockusb = require "spec.support.mockusb"
dofile(arg[1])
io.write((("%q"):format(mockusb.run(arg[2])):gsub("\\\n", "\\n")), "\n")
