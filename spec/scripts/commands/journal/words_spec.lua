local ledgers = require "spec.ledger"
local words = require "jig.commands.journal.words"

describe("jig.commands.journal.words", function()
  -- Each: a kind, its facts, what is said.
  local cases = {
    { "opening", {}, "new_device is called" },
    { "opening", { again = "lid off" }, "new_device is called; made once before, and again because: lid off" },
    { "opened", {}, "new_device has answered: the session is open" },
    { "configured", {}, "get_device_configuration has answered" },
    { "failed", { command = "exchange", why = "silent" }, "exchange failed: silent; a report is owed" },
    { "refused", { command = "new_device", why = "no" }, "new_device was refused, so nothing was opened: no" },
    { "refused", { command = "report_error", why = "no" }, "the report was not accepted: no" },
    { "unknown", { command = "new_device" }, "new_device was called, and what it did is unknown" },
    { "finishing", {}, "handle_device_response is called" },
    { "finished", { fingerprint = "e603" }, "made: the fingerprint is e603" },
    { "reporting", { fault = "lamp.dark", code = 50.0, reason = "dark", phase = "exchange" },
      "report_error is called for lamp.dark (50): dark  in exchange" },
    { "reported", {}, "the report was accepted: the session has ended" },
    { "settled", { reason = "scrapped", operator = "eva" }, "given up by eva: scrapped; it is not reported any more" },
    { "manufactured_with_fault", { fault = "lamp.dark", code = 50, reason = "dark", phase = "finish" },
      "failed after the fingerprint: lamp.dark (50): dark  in finish" },
    { "ended", { result = "passed" }, "the attempt ended: passed" },
    { "ended", { passed = false }, "the attempt ended: failed" },
    { "started", { slot = "A", recipe = "lamp", version = "2" }, "a run began: slot A, recipe lamp 2" },
    { "pruned", { events = 14, through = 14.0 }, "14 events were removed, through event 14" },
  }
  for _, case in ipairs(cases) do
    it(("says '%s'"):format(case[3]), function() assert.equal(case[3], words.event(case[1], case[2])) end)
  end

  it("has words for every kind, also without facts", function()
    for _, kind in ipairs(ledgers.kinds) do assert.not_equal(kind, words.event(kind, {})) end
  end)

  it("names a kind that it does not know", function() assert.equal("later?", words.event("later\n", {})) end)

  it("lets no text move the cursor", function()
    local evil = { command = "\27c", why = "\27[2J", fingerprint = "\r", fault = "\n", code = "\b", reason = "\t",
      phase = "\127", operator = "\155", result = "\7", slot = "\27", recipe = "\27", version = "\27", again = "\27" }
    for _, kind in ipairs(ledgers.kinds) do assert.not_matches("[%c\127-\255]", words.event(kind, evil)) end
  end)

  it("reads facts; none where they cannot be read", function()
    assert.same({ a = 1 }, words.facts { facts = '{"a":1}' })
    assert.same({}, words.facts { facts = "{" })
    assert.same({}, words.facts { facts = "3" })
  end)

  it("takes of what 'ended' says only what has its type: a journal may have been changed", function()
    assert.same({
      result = "passed", took = 420000, gate_us = 0, received = 3, sent = 4, serial = "T1", manifest = "ab",
      phases = { { name = "open", us = 5 } }, traceback = "t",
    }, words.ended('{"result":"passed","took":420000,"gate_us":0,"received":3,"sent":4,"serial":"T1","manifest":"ab",'
      .. '"phases":[{"name":"open","us":5}],"fault":{"traceback":"t"},"other":1}'))
    for _, text in ipairs { "3", "null", "{", "[]", '"x"', '{"result":{},"took":"x","gate_us":1e999,"received":0.5}',
      '{"phases":[1]}', '{"phases":5}', '{"phases":[{"name":[],"us":1},{"name":"a","us":"b"},{"us":1}]}',
      '{"fault":5}', '{"fault":{"traceback":[[]]}}', '{"serial":1,"manifest":true,"sent":[]}' } do
      assert.same({}, words.ended(text), text)
    end
    assert.same({}, words.ended(nil))
  end)
end)
