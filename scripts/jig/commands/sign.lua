--- jig sign: writes the manifest of a recipe's folder and its signature. Exit 0; 1 when it cannot be signed; 2.

local bundle = require "jig.bundle"
local digest = require "jig.digest"
local hex = require "jig.hex"
local locate = require "jig.locate"
local manifest = require "jig.manifest"
local options = require "jig.commands.options"
local sign = require "jig.sign"
local system = require "jig.system"
local trial = require "jig.trial"

local OK <const>, FAILED <const>, USAGE <const> = 0, 1, 2

local function parser()
  local p = options.parser("sign", "Sign a recipe's folder: all files in it and below.")
  p:argument("folder", "The recipe's folder.")
  p:option("--key", "PEM file of the Ed25519 private key, which is yours alone (mode 0600)."):value "FILE"
  p:option("--jig", "Least version of jig that may run it; default: this one."):value "VERSION"
  return p
end

local function say(text)
  io.stderr:write("jig sign: ", text, "\n")
end

-- The recipe's name and version, from the bytes that are signed.
local function loaded(path, files)
  local texts, message = bundle.texts(files)
  if not texts then return nil, message end
  local file, folder = locate(path)
  local found
  found, message = trial.load { file = file, folder = folder, sealed = { texts = texts } }
  if not found then return nil, message end
  if not manifest.is_name(found.name) then return nil, "its name cannot be signed: 1 to 128 bytes on one line" end
  if not manifest.is_version(found.version) then
    return nil, ("its version '%s' cannot be compared: 1 to 4 numbers with dots"):format(found.version)
  end
  return found
end

local function listed(files)
  local list = {}
  for i, file in ipairs(files) do
    list[i] = { path = file.path, size = #file.text, sha256 = hex.encode(file.sha256) }
  end
  return list
end

-- Writes a file beside the one it takes the place of, whole or not at all.
local function write(path, bytes)
  local beside = ("%s.%s"):format(path, hex.encode(system.random(8)))
  local file, message = system.create(beside)
  if not file then return nil, message end
  local ok
  ok, message = file:write(bytes)
  ok = file:close() and ok
  if ok then ok, message = os.rename(beside, path) end
  if not ok then os.remove(beside) end
  return ok, message or path .. ": cannot be written"
end

-- The signature goes last: until then the folder is refused.
local function write_both(folder, text, signature)
  os.remove(folder .. "/" .. manifest.SIGNATURE)
  local ok, message = write(folder .. "/" .. manifest.FILE, text)
  if ok then ok, message = write(folder .. "/" .. manifest.SIGNATURE, signature) end
  return ok, message
end

-- Whether a private key would go to every station, with the folder that it stands in.
local function is_inside(key, folder)
  local file, whole = system.realpath(key), system.realpath(folder)
  return file ~= nil and whole ~= nil and file:sub(1, #whole + 1) == whole .. "/"
end

local function sign_folder(o)
  local files, message = bundle.read(o.folder)
  if not files then return nil, message end
  local found
  found, message = loaded(o.folder, files)
  if not found then return nil, message end
  local text = manifest.text { name = found.name, version = found.version, jig = o.jig or bundle.own_version(),
    files = listed(files) }
  local again
  again, message = manifest.parse(text) -- what cannot be read is not signed
  if not again then return nil, message end
  local signature
  signature, message = sign.sign(o.key, text)
  if not signature then return nil, message end
  if is_inside(o.key, o.folder) then
    return nil, ("the private key %s stands in it, and would go to every station: keep it elsewhere"):format(o.key)
  end
  local ok
  ok, message = write_both(o.folder, text, signature)
  if not ok then return nil, message end
  return ("signed: %s %s, %d files, manifest %s"):format(found.name, found.version, #files,
    hex.encode(digest.sha256(text)))
end

return function(words)
  local o, status = options.parse(parser(), words)
  if not o then return status end
  local wrong = not o.key and "name the private key with --key PEM; jig keygen makes one"
    or o.jig and not manifest.is_version(o.jig) and "--jig takes 1 to 4 numbers with dots"
  if wrong then
    say(wrong)
    return USAGE
  end
  local done, message = sign_folder(o)
  if not done then
    say(("%s: %s"):format(o.folder, message))
    return FAILED
  end
  print(done)
  return OK
end
