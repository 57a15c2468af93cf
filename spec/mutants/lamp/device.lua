return { statuses = { 0x11 }, firmware = { { payload = "the first answer" }, { payload = "the second answer" } } }
