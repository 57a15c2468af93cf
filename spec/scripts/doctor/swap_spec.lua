local machine = require "spec.support.machine"

local HEAD <const> = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"

local function said(lines, files)
  files = files or {}
  files["/proc/swaps"] = lines and HEAD .. lines
  return machine.check("swap", machine.new(files), {})
end

describe("jig doctor: swap", function()
  it("is content without", function() machine.says(said "", "ok", "there is no swap") end)

  it("warns of a partition and of a file, by their names", function()
    machine.says(said "/dev/sda2  partition 1000 0 -2\n/swapfile  file 1000 0 -3\n", "warn",
      "may be written to /dev/sda2, /swapfile, which")
  end)

  it("knows devices of cryptsetup's, and memory", function()
    local files = { ["/sys/class/block/dm-1/dm/uuid"] = "CRYPT-PLAIN-swap\n",
      ["/sys/class/block/dm-2/dm/uuid"] = "LVM-x\n" }
    local safe = "/dev/dm-1 partition 1 0 -2\n/dev/zram0 partition 1 0 100\n"
    machine.says(said(safe, files), "ok", "all swap is encrypted")
    machine.says(said("/dev/dm-2 partition 1 0 -2\n", files), "warn", "/dev/dm-2")
  end)

  it("says so when it cannot know", function() machine.says(said(nil), "warn", "cannot be read") end)
end)
