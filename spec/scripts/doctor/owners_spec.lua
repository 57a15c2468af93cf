local machine = require "spec.support.machine"
local owners = require "jig.doctor.owners"

local PASSWD <const>, GROUP <const> = "root:x:0:0:::\neva:x:1002:1002:::\n", "root:x:0:\nstaff:x:50:eva\n"

local function trouble(path, files)
  files["/etc/passwd"], files["/etc/group"] = PASSWD, GROUP
  return owners.trouble(machine.new(files), path)
end

describe("jig.doctor.owners", function()
  it("trusts root and who asks", function()
    assert.is_nil(trouble("/opt/a", { ["/opt/a"] = { mode = 493 } }))
    assert.is_nil(trouble("/opt/a", { ["/opt/a"] = { uid = 1001 } }))
  end)

  it("tells who may change a file", function()
    for want, at in pairs {
      ["everybody may write /opt/a"] = { mode = 438 },
      ["group staff may write /opt/a"] = { mode = 436, gid = 50 },
      ["group 51 may write /opt/a"] = { mode = 436, gid = 51 },
      ["/opt/a belongs to eva"] = { uid = 1002 },
      ["/opt/a belongs to user 1003"] = { uid = 1003 },
    } do
      assert.equal(want, trouble("/opt/a", { ["/opt/a"] = at }))
    end
  end)

  it("does not mind what root's group may write", function()
    assert.is_nil(trouble("/opt/a", { ["/opt/a"] = { mode = 436, gid = 0 } }))
  end)

  it("looks at every folder above, where the file could be put in another's place", function()
    assert.equal("everybody may write /opt", trouble("/opt/a/b", { ["/opt/a/b"] = "", ["/opt"] = { kind = "folder",
      mode = 511 } }))
    assert.equal("/opt belongs to eva", trouble("/opt/a/b", { ["/opt/a/b"] = "", ["/opt"] = { kind = "folder",
      uid = 1002 } }))
    assert.equal("everybody may write /", trouble("/a", { ["/a"] = "", ["/"] = { kind = "folder", mode = 511 } }))
  end)

  it("looks at what a link leads to", function()
    local host = machine.new { ["/link"] = "", ["/opt/a"] = { uid = 1002 }, ["/etc/passwd"] = PASSWD }
    host.realpath = function() return "/opt/a" end
    assert.equal("/opt/a belongs to eva", owners.trouble(host, "/link"))
    host.realpath = function() end
    assert.is_nil(owners.trouble(host, "/link"))
  end)

  it("knows that in a folder like /tmp nobody takes away what is another's", function()
    local sticky = { kind = "folder", mode = 1023 }
    assert.is_nil(trouble("/tmp/a", { ["/tmp"] = sticky, ["/tmp/a"] = "" }))
    assert.equal("/tmp/a belongs to eva", trouble("/tmp/a", { ["/tmp"] = sticky, ["/tmp/a"] = { uid = 1002 } }))
    assert.equal("everybody may write /tmp/a", trouble("/tmp/a", { ["/tmp"] = sticky, ["/tmp/a"] = { mode = 1023 } }))
  end)

  it("goes up to /", function()
    assert.same({ "/a/b", "/a", "/" }, owners.above "/a/b/c")
    assert.same({ "/" }, owners.above "/a")
    assert.same({}, owners.above "/")
    local host = machine.new { ["/a/b"] = "" }
    assert.same({ "/a/b", "/a", "/" }, { owners.nearest(host, "/a/b"), owners.nearest(host, "/a/c/d"),
      owners.nearest(host, "/x") })
  end)

  it("finds the number of a group", function()
    local host = machine.new { ["/etc/group"] = GROUP }
    assert.same({ 50 }, { owners.group_id(host, "staff") })
    assert.is_nil(owners.group_id(host, "sta"))
    assert.is_nil(owners.group_id(machine.new(), "staff"))
  end)
end)
