local bundle = require "jig.bundle"
local digest = require "jig.digest"
local guard = require "jig.guard"
local hex = require "jig.hex"
local manifest = require "jig.manifest"
local scratch = require "spec.support.scratch"
local sign = require "jig.sign"
local version = require "jig.version"

local RECIPE <const> = "return 'a recipe'"

local folder, keys

-- Signs the folder as it is, with these fields changed, or with another text. Gives the text.
local function seal(changes, text)
  local files = {}
  for _, file in ipairs(assert(bundle.read(folder.path .. "/r"))) do
    files[#files + 1] = { path = file.path, size = #file.text, sha256 = hex.encode(file.sha256) }
  end
  local made = { name = "lamp", version = "1.2", jig = "0", files = files }
  for key, value in pairs(changes or {}) do made[key] = value end
  text = text or manifest.text(made)
  folder:write("r/jig.manifest", text)
  folder:write("r/jig.manifest.sig", (assert(sign.sign(folder.path .. "/key", text))))
  return text
end

local function key(name)
  return { name = name, pem = folder:read(name) }
end

local function verify(with) return bundle.verify(folder.path .. "/r", with or keys) end

local function refused(reason, with)
  local found, reasons = verify(with)
  assert.is_nil(found)
  assert.matches(reason, table.concat(reasons, "; "), 1, true)
end

describe("jig.bundle", function()
  setup(function()
    folder = scratch.folder()
    for _, name in ipairs { "key", "other" } do
      assert(sign.make(folder.path .. "/" .. name, folder.path .. "/" .. name .. ".pub"))
    end
    keys = { key "key.pub" }
  end)
  teardown(function() folder:__close() end)
  before_each(function()
    scratch.run { "rm", "-rf", folder.path .. "/r" }
    folder:write("r/recipe.lua", RECIPE)
    folder:write("r/lib/part.lua", "return {}")
    folder:write("r/README.md", "text")
  end)

  it("gives what slots need of a folder that is as it was signed: its Lua files and the manifest's hash", function()
    local text = seal()
    local found = assert(verify())
    assert.same({ texts = { ["recipe.lua"] = RECIPE, ["lib/part.lua"] = "return {}" }, name = "lamp", version = "1.2",
      manifest = hex.encode(digest.sha256(text)) }, found.sealed)
    assert.equal("key.pub", found.key)
    assert.equal("key.pub", assert(verify { key "other.pub", key "key.pub" }).key)
  end)

  it("reads each file once: what was hashed is what is given", function()
    seal()
    local real, times = guard.bundle, 0
    guard.bundle = function(path)
      times = times + 1
      local list = real(path)
      folder:write("r/recipe.lua", "return 'swapped'")
      scratch.run { "rm", folder.path .. "/r/lib/part.lua" }
      return list
    end
    local found = verify()
    guard.bundle = real
    assert.same({ ["recipe.lua"] = RECIPE, ["lib/part.lua"] = "return {}" }, found.sealed.texts)
    assert.equal(1, times)
    refused "lib/part.lua is missing; recipe.lua was changed"
  end)

  it("refuses a folder that is not signed, or half", function()
    refused "not signed: there is no jig.manifest"
    seal()
    os.remove(folder.path .. "/r/jig.manifest.sig")
    refused "not signed: there is no jig.manifest.sig"
    seal()
    os.remove(folder.path .. "/r/jig.manifest")
    refused "not signed: there is no jig.manifest"
    assert.is_nil((bundle.verify(folder.path .. "/nowhere", keys)))
  end)

  it("refuses what another key signed, and no key at all", function()
    seal()
    refused("wrong key, or a changed manifest: it was not signed by other.pub", { key "other.pub" })
    refused("x holds no Ed25519 key", { { name = "x", pem = "x" } })
    refused("it was not signed by ", {})
  end)

  it("refuses a manifest or a signature of which a byte is another", function()
    local text = seal()
    folder:write("r/jig.manifest", (text:gsub("version 1.2", "version 1.3")))
    refused "wrong key, or a changed manifest"
    seal()
    local signature = folder:read "r/jig.manifest.sig"
    for _, wrong in ipairs { "", signature:sub(1, 63), signature .. "\n" } do
      folder:write("r/jig.manifest.sig", wrong)
      refused(("jig.manifest.sig has %d bytes, not 64"):format(#wrong))
    end
    folder:write("r/jig.manifest.sig", signature:sub(1, 63) .. string.char(signature:byte(64) ~ 1))
    refused "wrong key, or a changed manifest"
  end)

  it("refuses what is signed and no manifest", function()
    seal(nil, "jig manifest 1\n")
    refused "jig.manifest: line 2: expected 'name'"
  end)

  it("refuses files that are extra, missing or changed, each by its path", function()
    seal()
    folder:write("r/extra.txt", "")
    folder:write("r/README.md", "tex7")
    os.remove(folder.path .. "/r/recipe.lua")
    local _, reasons = verify()
    assert.same({ "README.md was changed", "extra.txt is extra: it is not in the manifest", "recipe.lua is missing" },
      reasons)
  end)

  it("refuses a link, though it leads to the same bytes", function()
    seal()
    scratch.run { "mv", folder.path .. "/r/recipe.lua", folder.path .. "/elsewhere" }
    scratch.run { "ln", "-s", folder.path .. "/elsewhere", folder.path .. "/r/recipe.lua" }
    refused "recipe.lua: it is a link, and links are not followed"
  end)

  it("refuses a recipe that needs a later jig", function()
    local real = version[1].version
    finally(function() version[1].version = real end)
    for own, cases in pairs {
      ["v0.3-2-g8a19605"] = { ["0"] = true, ["0.3"] = true, ["0.2.9"] = true, ["0.3.1"] = false, ["1"] = false },
      ["0.10"] = { ["0.9"] = true, ["0.10.0"] = true, ["0.11"] = false },
      ["8a19605"] = { ["0"] = true, ["0.1"] = false },
      unknown = { ["0"] = true, ["0.1"] = false },
    } do
      version[1].version = own
      for least, good in pairs(cases) do
        seal { jig = least }
        if good then assert(verify()) else refused(("it needs jig %s, and this is %s"):format(least, own)) end
      end
    end
  end)

  it("refuses more Lua than a slot can hold", function()
    folder:write("r/large.lua", ("-"):rep(1048576))
    seal()
    refused "its Lua files have 1048602 bytes, and may have 1048576"
  end)
end)
