/* The ledger: what the journal holds on disk. Events are appended and never changed; runs, units,
 * sessions and faults are tables that derive from them in the same transaction.
 *
 * Everything is synchronous and belongs to one thread: core/journal gives it one. Several processes
 * may write one file.
 *
 * Schema (version 1, PRAGMA user_version; a later version is refused, an earlier one is migrated
 * forward in one transaction). Times are microseconds of UTC since 1970.
 *
 *   event    id (from 1, without gaps), time, kind, session, attempt, facts (JSON object), hash
 *
 * Rows that derive from events; `event` is the one that made the row, and its key:
 *
 *   run      event, id, owner, slot, station, lot, operator, recipe, version, recipe_sha256, cli,
 *            service, started                            one worker's settings: see "started"
 *   unit     event, id ("RUN.NUMBER"), run, number, slot, serial, lot (the run's until "ended"),
 *            attempts, session, result ("passed", "failed", "manufactured with fault" or NULL =
 *            not settled), fault, code, fingerprint, started, ended, took (us, of the latest
 *            attempt)
 *   session  event, id, attempt, run, owner, unit, slot, serial, service, state, opened, ended
 *            (NULL = not ended), fingerprint, after, calls (of report_error), refusals (of them),
 *            again_at (not reported before that time), repeats (the session that got the same
 *            fingerprint first), claim (the serial while it is being, was, or may have been made)
 *   fault    event, unit, session, attempt, name, code, reason, phase, line
 *
 * And two that nothing derives:
 *
 *   kept     event (of the opening), serial (NULL when it may be made again), fingerprint, session,
 *            time                                        made, and pruned
 *   head     event, hash, time (of the event), signature, key (public, in hex)     signed heads
 *
 * Events, by kind, and what they say besides session and attempt:
 *
 *   started      run, owner, slot, station, lot, operator, recipe, version, recipe_sha256, jig,
 *                libraries, cli, cli_sha256, arguments, environment, service, manifest (SHA-256 of
 *                the signed recipe's manifest, in hex; of a recipe that was not signed there is
 *                none); no session
 *   opening      run, number, unit, owner, slot, serial, service, after (1: hooks follow the
 *                fingerprint), again (reason), manifest     new_device is about to be called
 *   opened, configured                                      its answer was read
 *   failed       command, code, why           a command failed; the session owes a report
 *   refused      command: "new_device" = it opened nothing, the session has ended;
 *                "report_error" = the report was not accepted; why
 *   unknown      command, why                 it is not known what the command did
 *   finishing                                 handle_device_response is about to be called
 *   finished     fingerprint                  made; never reported
 *   reporting    code, reason, fault, phase   report_error is about to be called
 *   reported                                  accepted: the session has ended
 *   settled      reason, operator             given up by a person, or after too many refusals
 *   manufactured_with_fault  fault, code, reason, phase      what failed after the fingerprint
 *   ended        run, number, unit, slot, serial, lot, passed, result, took (us), phases (array of
 *                {name, us}), gate_us, received, sent, fingerprint,
 *                fault {name, code, reason, phase, line, traceback,
 *                by_recipe}, manifest
 *   pruned       through (event id), hash (hex, of that event), events, kept_sha256; no session.
 *                Only jig_ledger_prune() appends it
 *
 * Every event after the first carries SHA-256(hash of the one before, canonical encoding of
 * itself): see chain.c. The first one's predecessor is 32 zero bytes.
 *
 * session.state, and the events that may come in it; all else is JIG_EMISUSE:
 *
 *   no session      opening; ended with "failed" (an attempt that opened none; session may be "")
 *   opening         opened, failed, refused {new_device}, unknown, reporting, settled, ended
 *   opened          configured, failed, unknown, reporting, settled, ended
 *   configured      finishing, failed, unknown, reporting, settled, ended
 *   finishing       finished, failed, unknown, reporting, settled, ended
 *   owing           reporting, settled, ended; finished, if "finishing" came before
 *   reporting       reported, refused or unknown {report_error}, reporting (a process died in it),
 *                   settled, ended; finished, if "finishing" came before
 *   ended ones: "finished"                               manufactured_with_fault (once), ended
 *               "reported", "refused", "settled"         ended
 *
 * "ended" comes once for each attempt with a session. Its result (or `passed`) must agree: "passed"
 * and "manufactured with fault" only when finished, "failed" only when not; not "passed" behind
 * manufactured_with_fault. A serial is refused while a session claims it: from opening to refused,
 * reported or settled, and for good when it was made, or was settled while it was unknown whether
 * it was made ("finishing" came), unless `again` says why.
 */
#ifndef JIG_CORE_LEDGER_H
#define JIG_CORE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/digest.h"
#include "core/error.h"
#include "core/store.h"

enum jig_event_kind {
    JIG_EVENT_STARTED,
    JIG_EVENT_OPENING,
    JIG_EVENT_OPENED,
    JIG_EVENT_CONFIGURED,
    JIG_EVENT_FAILED,
    JIG_EVENT_REFUSED,
    JIG_EVENT_UNKNOWN,
    JIG_EVENT_FINISHING,
    JIG_EVENT_FINISHED,
    JIG_EVENT_REPORTING,
    JIG_EVENT_REPORTED,
    JIG_EVENT_SETTLED,
    JIG_EVENT_MANUFACTURED_WITH_FAULT,
    JIG_EVENT_ENDED,
    JIG_EVENT_PRUNED,
    JIG_EVENT_KINDS
};

const char *jig_event_name(enum jig_event_kind kind);
/* The kind of that name; JIG_EVENT_KINDS when there is none. */
enum jig_event_kind jig_event_of(const char *name);

/* One event to append. Strings belong to the caller. */
struct jig_event {
    enum jig_event_kind kind;
    const char *session; /* "" = of no session */
    int attempt;
    int64_t time;      /* us of UTC */
    const char *facts; /* JSON object */
};

struct jig_ledger;

/* Opens or makes the ledger at `path`; `mode` as in store.h. `patience` in seconds. NULL with *err:
 * the codes of store.h; JIG_EINVALID when the file is no ledger, or of a later version. */
struct jig_ledger *jig_ledger_open(const char *path, enum jig_store_mode mode, double patience,
                                   struct jig_error *err);
void jig_ledger_close(struct jig_ledger *ledger);
struct jig_store *jig_ledger_store(struct jig_ledger *ledger); /* for queries */

/* Prepares one more of the statements that every unit needs; false when all are. Parsing them is
 * most of what a first unit costs: a thread that waits for it can do that before. */
bool jig_ledger_warm(struct jig_ledger *ledger);

/* Appends n events in one transaction, durable when this returns. results[i].code is JIG_OK or why
 * event i alone was refused: JIG_EDUPLICATE (its serial is being made or was made; the text names
 * the session) or JIG_EMISUSE (an event that its session's state does not allow: a second end, an
 * opening of an id and attempt that exists; facts that are no object or lack what its rows need).
 * The others are appended. Returns JIG_OK, or a code when none was appended. */
int jig_ledger_append(struct jig_ledger *ledger, const struct jig_event *events, size_t n,
                      struct jig_error *results, struct jig_error *err);

/* ---- tamper evidence ---- */

/* What verify found. `text` names the event or row and says what is wrong. */
struct jig_ledger_report {
    int64_t events;                     /* looked at */
    int64_t first, last;                /* ids; last = 0 when there is none */
    int64_t pruned;                     /* events before `first` that a checkpoint stands for */
    int64_t signed_through;             /* 0 = no signed head */
    char hash[2 * JIG_SHA256_SIZE + 1]; /* of the last event, in hex */
    bool sound;
    char text[JIG_ERROR_TEXT];
};

/* Checks tables and indexes, the chain from the checkpoint or the first event to the last, each
 * derived row against its rebuilding, each signed head: that its event is there with that hash, and
 * its signature, by the key that stands beside it; and the file's structure. With `key` (PEM file
 * of an Ed25519 public or private key) `signed_through` counts heads of that key alone, and there
 * must be one if there are heads at all. Stops at the first that is wrong.
 * JIG_OK with *report, or a code when it could not be checked. May take minutes; reads one
 * consistent state. */
int jig_ledger_verify(struct jig_ledger *ledger, const char *key, struct jig_ledger_report *report,
                      struct jig_error *err);

/* Signs the last event's hash with the Ed25519 private key in the PEM file `key`, adds it to
 * `head`, and writes id, hash and signature as one line to `copy`, a file (NULL = none; replaced in
 * one step). Signing the same head again changes nothing. JIG_ENOTFOUND, JIG_EDENIED (its mode lets
 * others read it), JIG_EINVALID (no such key). */
int jig_ledger_sign(struct jig_ledger *ledger, const char *key, const char *copy,
                    struct jig_error *err);

/* Removes the longest run of oldest events that are before `time` and belong to sessions and units
 * that have ended within it, and that no run has later ones of, with the rows that derive from
 * them; made serials and fingerprints go to `kept`, so that duplicates are still refused; appends
 * "pruned". *removed = how many events. */
int jig_ledger_prune(struct jig_ledger *ledger, int64_t time, int64_t *removed,
                     struct jig_error *err);
/* What it would remove: how many events, and the last one's id; 0 and 0 when there are none.
 * Changes nothing: a ledger that is open to read will do. */
int jig_ledger_prunable(struct jig_ledger *ledger, int64_t time, int64_t *events, int64_t *through,
                        struct jig_error *err);

#endif
