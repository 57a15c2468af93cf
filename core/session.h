/* A session: one attempt at one device, from new_device to its one end. This state machine keeps
 * the laws; it is the only caller of the vendor's CLI, and it owns the duty to report.
 *
 *     idle --new_device--> opening --> opened --get_device_configuration--> opened|configured
 *     configured --handle_device_response--> finishing --> ended (FINGERPRINT was read)
 *     any failure once a session may be open --> owing --report_error--> ended (accepted)
 *
 * - Each of the three commands is called at most once, in this order. What comes out of order is
 *   JIG_EMISUSE and calls nothing.
 * - A session ends once: with a FINGERPRINT that was read, or with one accepted report_error. After
 * a FINGERPRINT nothing is ever reported.
 * - new_device that was refused (it ran, exited with a status that is not accepted, and printed no
 *   payload) or that could not be started opened nothing. One that was killed, ran out of time or
 *   answered what cannot be read may have opened a session: it owes a report. So does a
 *   handle_device_response whose answer was not read. Both are the service's settings.
 * - Where the service has a token, or a limit on calls, each call passes the gate first (gate.h).
 *   One that does not is not called, and nothing of it is recorded. The gate is left when the
 *   program was reaped.
 * - A refused PIN shuts the gate: nothing is called any more in this process, not even reports.
 *   Sessions that are open then are left to the next start, with a journal.
 * - report_error is called again only when the call before failed or its outcome is unknown.
 * - A session that is released while it still owes a report reports itself in the background. It
 *   begins no further command, not even one whose intent is on its way to the journal.
 * - With a journal, intent is durable before an effect that cannot be taken back and the outcome
 *   after it: "opening" before new_device, "finishing" before handle_device_response, "reporting"
 *   before report_error; "finished", "reported" and what was refused before the caller learns it.
 *   An intent that cannot be recorded calls nothing: JIG_ERECORD.
 */
#ifndef JIG_CORE_SESSION_H
#define JIG_CORE_SESSION_H

#include "core/factory_cli.h"
#include "core/gate.h"
#include "core/journal.h"
#include "core/log.h"
#include "core/loop.h"
#include "core/service.h"
#include <stdbool.h>

enum jig_session_state {
    JIG_SESSION_IDLE,
    JIG_SESSION_OPENING,
    JIG_SESSION_OPENED,
    JIG_SESSION_CONFIGURING,
    JIG_SESSION_CONFIGURED,
    JIG_SESSION_FINISHING,
    JIG_SESSION_OWING, /* something failed; only report_error is left */
    JIG_SESSION_REPORTING,
    JIG_SESSION_ENDED,
};

struct jig_session;

/* What a call came to. `rc` is JIG_OK, or why not, with `err`:
 *   JIG_ENOTFOUND, JIG_EDENIED, JIG_ELIMIT ...  it could not be started
 *   JIG_EREFUSED   exited with a status that is not accepted (`exit_status`; its stderr is in err)
 *   JIG_ENOTOKEN, JIG_ETOKENBUSY, JIG_EPIN  the same, and what it says of the token; the last also
 *                  for a call that came after, and was not started
 *   JIG_ETOKEN     waited too long at the gate, and was not started
 *   JIG_EKILLED    ended by a signal        JIG_ETIMEOUT   did not end within its limit
 *   JIG_EINVALID   printed what cannot be read        JIG_ELIMIT   printed too much
 *   JIG_ECANCELLED stopped by an interrupt
 *   JIG_EDUPLICATE the serial number is being made, or was made (new_device; not called)
 *   JIG_ERECORD    the journal did not take the intent, and nothing was called; or, with a
 *                  fingerprint in the answer, it did not take that: the device is manufactured, the
 *                  fact is in the emergency file or, when err says so, on stderr alone
 * `started` tells whether the program ran. The answer belongs to the session and lives during the
 * callback. */
struct jig_session_result {
    int rc;
    bool started;
    int exit_status; /* -1 when there is none */
    struct jig_error err;
    struct jig_factory_answer *answer;
    int64_t took;   /* ns */
    int64_t waited; /* ns at the gate */
};
typedef void jig_session_fn(void *data, const struct jig_session_result *result);

struct jig_session_options {
    struct jig_loop *loop;
    struct jig_service *service; /* a shared one */
    const struct jig_log *log;   /* outlives the session; may be NULL */
    const char *id;              /* 1 to 128 printable characters without spaces (factory_cli.h) */
    const char *name;            /* the slot's, for the log */
    struct jig_journal *journal; /* outlives the session; NULL = nothing is recorded */
    int attempt;                 /* the journal knows a session by its id and attempt, from 1 */
    const char *record;          /* JSON object: what "opening" says (ledger.h); NULL = {} */
    /* A session that the journal knows and whose owner is gone: it owes a report, and nothing else
     * can be called. Released, it does not report by itself, and is not counted below. `lock` is
     * its owner's, for the CLI to inherit; the caller keeps it open. */
    bool orphaned;
    int lock;
};

/* The gate of a service that has one, held until jig_gate_close: who holds it keeps a gate from
 * being made anew for each session, and hears of a lock folder that cannot be used. NULL with *err.
 */
struct jig_gate *jig_session_gate(struct jig_loop *loop, const struct jig_service *service,
                                  const struct jig_log *log, struct jig_error *err);

/* A session in state idle, or owing when it is orphaned. Everything is copied. NULL with *err. */
struct jig_session *jig_session_new(const struct jig_session_options *options,
                                    struct jig_error *err);

/* The three commands. JIG_OK = under way, the callback comes once, from the loop. Otherwise nothing
 * was called and no callback comes: JIG_EMISUSE out of order, JIG_EINVALID or JIG_ELIMIT for a
 * response that cannot be passed (a failure like any other: a session that is open then owes), or
 * it could not be started. `response` is copied. */
int jig_session_new_device(struct jig_session *s, jig_session_fn *fn, void *data,
                           struct jig_error *err);
int jig_session_get_device_configuration(struct jig_session *s, const void *response, size_t n,
                                         jig_session_fn *fn, void *data, struct jig_error *err);
int jig_session_handle_device_response(struct jig_session *s, const void *response, size_t n,
                                       jig_session_fn *fn, void *data, struct jig_error *err);

struct jig_report {
    int32_t code;
    const char *reason;        /* cleaned and cut as factory_cli.h says */
    const char *fault, *phase; /* for the record; NULL = not known */
};

/* Reports a malfunction; JIG_EMISUSE when none is owed or may be owed: see jig_session_owes. */
int jig_session_report(struct jig_session *s, const struct jig_report *report, jig_session_fn *fn,
                       void *data, struct jig_error *err);

enum jig_session_state jig_session_state(const struct jig_session *s);
const char *jig_session_state_name(enum jig_session_state state);
const char *jig_session_id(const struct jig_session *s);

/* True from the moment in which a session may be open at the vendor's service until its end. */
bool jig_session_owes(const struct jig_session *s);

/* The place of the call that waits at the gate, 1 = next; 0 when none does. */
size_t jig_session_place(const struct jig_session *s);

/* The unit is interrupted (times = 1) or interrupted again (2 and more): a running call ends
 * sooner, see `stop` and `hurry`, and one that waits at the gate waits no more. A report is
 * shortened only from the second time on. */
void jig_session_interrupt(struct jig_session *s, unsigned times);

/* Gives it up: no callback any more. One that owes a report and has not tried goes on by itself,
 * with this code and reason, and is freed when that ended; else it is freed now. NULL is harmless.
 */
void jig_session_release(struct jig_session *s, int32_t code, const char *reason);

/* Sessions that a journal keeps and that are not freed: it must not be closed before they are. */
size_t jig_session_kept(struct jig_loop *loop);

/* Released sessions that are still at work. */
size_t jig_session_busy(struct jig_loop *loop);

/* Released sessions that owed a report which nobody accepted, and those whose outcome stands
 * nowhere but on stderr. */
size_t jig_session_unreported(struct jig_loop *loop);

#endif
