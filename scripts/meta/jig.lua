---@meta jig
--- What `require "jig"` gives to a recipe. Times are seconds, bytes are strings.
---
---     local slip = require "jig.framing.slip"
---     return jig.recipe { name = "lamp", port = { "serial", baud = 115200 }, framing = slip { crc = "CRC-8/SMBUS" } }

---@class jig
local jig = {}

---@class jig.Recipe
---@field name string                     of the product
---@field version? string                 of the recipe, for the record; default "0"
---@field port jig.RecipePort|string      where the device is: a table, or an address as text
---@field framing jig.Framing             how a message stands on the wire
---@field limits? jig.Limits
---@field status? table<integer, jig.StatusEntry>  the device's status and what is reported of it
---@field success? integer                the status that means success; default 0
---@field faults? table<string, jig.FaultEntry>    other codes and reasons for jig's own fault names, and advice
---@field link? "arq"                     the exchange hook sends blocks again, and the device drops duplicates
---@field prepare? async fun(unit: jig.Unit)  before new_device: nothing irreversible has happened yet
---@field run? async fun(unit: jig.Unit)      instead of the standard flow
---@field exchange? async fun(unit: jig.Unit, request: jig.Frame): jig.Frame|string  one request and its response
---@field finish? async fun(unit: jig.Unit)   when the device is manufactured
---@field reset? async fun(unit: jig.Unit)    before an attempt and after a failure

---@class jig.RecipePort
---@field [1] "serial"|"tty"|"tcp"|"exec"|"pair"  the transport
---@field [2]? string      the place: a device's path, host:port; of exec none: the station names the program
---@field match? jig.PortMatch  which USB device is meant
---@field chunk? integer   bytes that are written at once
---@field gap? number      seconds of silence behind each chunk
---@field baud? integer    serial, tty: 115200
---@field bits? integer    serial, tty: 5 to 8; default 8
---@field parity? "none"|"odd"|"even"|"mark"|"space"  serial, tty: none
---@field stop? integer    serial, tty: 1 or 2; default 1
---@field flow? "none"|"rtscts"|"xonxoff"  serial, tty: none
---@field dtr? "on"|"off"  serial: when the port is opened
---@field rts? "on"|"off"  serial: when the port is opened
---@field latency? integer serial: milliseconds of an adapter's timer, 1 to 255
---@field vid? string      serial, usb: as in match, four hex digits
---@field pid? string      serial, usb: as in match, four hex digits
---@field serial? string   serial, usb: the adapter's serial number
---@field interface? integer  usb: its number, where several have endpoints
---@field alt? integer     usb: the interface's alternate setting; default 0
---@field read? string     usb: the endpoint's address in hex, where there are several: "81"
---@field write? string    usb: "02"
---@field path? string     usb: the socket, "1-2.3"
---@field zlp? integer     usb: 1: an empty packet behind a write that fills its last one
---@field ca? string       tls: a file with authorities; default the system's
---@field cert? string     tls: a file with a certificate to show
---@field key? string      tls: a file with its key, which nobody else may read
---@field name? string     tls: the server's name, where it is not the host's
---@field pty? integer     exec: 1 for a terminal of its own
---@field stderr? "null"|"inherit"  exec: where the program's errors go

---@class jig.PortMatch
---@field vid? integer
---@field pid? integer
---@field serial? string

---@class jig.Limits  seconds; the error says which one passed
---@field open? number      until the port is open; default 5
---@field prepare? number   the prepare hook; 30
---@field ready? number     default of port:expect; 10
---@field read? number      default of the port's other reads; 5
---@field write? number     default of writes, and handing a message over; 5
---@field exchange? number  one request and its response; 5
---@field first? number     until the first byte of a response; as exchange
---@field between? number   silence after which a frame is over, or cut short; 1
---@field reset? number     the reset hook; 10
---@field reopen? number    unit:reopen: until the device has left and is back; 10
---@field finish? number    the finish hook; 30
---@field unit? number      one attempt, without its report and reset; 300

---@class jig.StatusEntry
---@field [1]? string       the fault's name; a status map needs it
---@field code? integer     ERROR_CODE, 32 bits; default: the catalogue's
---@field reason? string    ERROR_REASON; default: the catalogue's
---@field retry? boolean    a new attempt may help
---@field advice? string    one sentence for the operator

---@class jig.FaultEntry
---@field code? integer
---@field reason? string
---@field advice? string

--- Checks a recipe and fills in what it leaves out. Raises with the recipe's line when it is wrong.
---@param fields jig.Recipe
---@return jig.Recipe
function jig.recipe(fields) end

--- Makes a fault without throwing it: error(jig.fault("lamp.dark", { code = 50, reason = "dark" })). Raises for a name
--- that the catalogue does not know and that has no code and reason.
---@param name string
---@param fields? jig.StatusEntry
---@return jig.Fault
function jig.fault(name, fields) end

--- Waits. Throws tool.interrupted, and the fault of a limit that passes.
---@async
---@param seconds number
function jig.sleep(seconds) end

return jig
