--- jig.manifest: the text of a signed recipe's manifest, which may be anything.
--
--   - parse raises nothing: a manifest, or nil and what is wrong.
--   - There is one text only for what it says: text(parse(x)) is x.
--   - Paths stay in the folder, and numbers within their caps.

local manifest = require "jig.manifest"

local function check_path(path)
  assert(path ~= "" and #path <= 255 and path:sub(1, 1) ~= "/" and not path:find("[%c]"), "no path")
  assert(not ("/" .. path .. "/"):find("/%.%.?/") and not path:find("//", 1, true), "a path that leaves the folder")
  assert(path ~= manifest.FILE and path ~= manifest.SIGNATURE, "it lists itself")
end

local function check(made)
  assert(manifest.is_name(made.name) and manifest.is_version(made.version) and manifest.is_version(made.jig))
  assert(not manifest.is_older(made.version, made.version))
  assert(#made.files <= manifest.FILES, "too many files")
  local all = 0
  for i, file in ipairs(made.files) do
    check_path(file.path)
    assert(file.size >= 0 and file.size <= manifest.FILE_BYTES and #file.sha256 == 64)
    assert(i == 1 or made.files[i - 1].path < file.path, "files out of order")
    all = all + file.size
  end
  assert(all <= manifest.ALL_BYTES, "too many bytes")
  assert(#manifest.differences(made, {}) == #made.files)
end

return function(input)
  local made, message = manifest.parse(input)
  if not made then
    assert(type(message) == "string" and message ~= "", "no message")
    return
  end
  assert(manifest.text(made) == input, "it could have been written otherwise")
  check(made)
end
