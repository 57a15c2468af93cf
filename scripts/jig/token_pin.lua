--- Where the PIN of the token comes from, by the station file: token.pin.from.
--
--     file:/etc/jig/pin         one line; its owner's alone, mode 0600
--     credential:token-pin      of systemd: LoadCredential= or LoadCredentialEncrypted= of the unit
--     prompt                    asked for at the terminal when jig begins
--
-- It is read once, by C: no script sees it (bindings/pin.c).

local token_pin = {}

--- Forms of `from`, for messages.
token_pin.FORMS = "file:/PATH, credential:NAME or prompt"

-- systemd lets a name have more; these are all that anybody needs.
local NAME <const> = "^[%w_%-][%w_%-%.]*$"

--- The kind of a source, and what it names; nil for what is no source.
---@param from any
---@return "file"|"credential"|"prompt"|nil kind, string? name
function token_pin.parse(from)
  if from == "prompt" then return "prompt" end
  local kind, name = tostring(from):match("^(%l+):(.+)$")
  if kind == "file" and name:sub(1, 1) == "/" then return kind, name end
  if kind == "credential" and name:find(NAME) and #name <= 255 then return kind, name end
end

--- The file of a source; nil, message when there is none: for a prompt, or a credential of a program that systemd has
--- not started with any.
---@param from string
---@param getenv fun(name: string): string?
---@return string|nil path, string? message
function token_pin.path(from, getenv)
  local kind, name = token_pin.parse(from)
  if kind == "file" then return name end
  if kind == "prompt" then return nil, "it is asked for at the terminal" end
  local folder = getenv "CREDENTIALS_DIRECTORY"
  if folder and folder:sub(1, 1) == "/" then return folder .. "/" .. name end
  return nil, ("systemd gave this process no credentials: the unit needs LoadCredential=%s:/PATH"):format(name)
end

local HOW <const> = "token.pin.from in the station file says where it is"

-- What stands behind a message for who must mend it.
local function advice(kind, code)
  if kind == "prompt" and code == "unsupported" then
    return "; from = \"file:/PATH\" or \"credential:NAME\" does without a person"
  end
  return ""
end

--- Reads the PIN, or asks for it: the process keeps it from now on. Does not yield, and holds up all while a person
--- types.
---@param token table|false  of the station's settings
---@return true|nil kept, string? message
function token_pin.keep(token)
  local from = token and token.pin and token.pin.from
  if not from then return true end
  local pin = require "jig.pin" -- of the main state alone, while a slot's reads station files, too
  local kind = token_pin.parse(from)
  local kept, message, code
  if kind == "prompt" then
    kept, message, code = pin.ask(("PIN of the token '%s': "):format(token.name))
  else
    local path
    path, message = token_pin.path(from, os.getenv)
    if path then kept, message, code = pin.read(path, kind == "credential") end
  end
  if kept then return true end
  return nil, ("the token's PIN is not to be had: %s%s\n  %s"):format(message, advice(kind, code), HOW)
end

return token_pin
