/* Which event may come when: the laws of a session, as the ledger sees them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/ledger_inside.h"

enum { SESSION_MAX = 128 };

enum state {
    NONE = 1,
    OPENING = 2,
    OPENED = 4,
    CONFIGURED = 8,
    FINISHING = 16,
    OWING = 32,
    REPORTING = 64,
    FINISHED = 128,
    REPORTED = 256,
    REFUSED = 512,
    SETTLED = 1024,
    BEFORE_END = OPENED | OPENING | CONFIGURED | FINISHING,
    LIVE = BEFORE_END | OWING | REPORTING,
};

/* The states in which an event may come. */
static const int states[JIG_EVENT_KINDS] = {
    [JIG_EVENT_STARTED] = NONE,
    [JIG_EVENT_OPENING] = NONE,
    [JIG_EVENT_OPENED] = OPENING,
    [JIG_EVENT_CONFIGURED] = OPENED,
    [JIG_EVENT_FAILED] = BEFORE_END,
    [JIG_EVENT_REFUSED] = OPENING | REPORTING,    /* and by its command */
    [JIG_EVENT_UNKNOWN] = BEFORE_END | REPORTING, /* and by its command */
    [JIG_EVENT_FINISHING] = CONFIGURED,
    [JIG_EVENT_FINISHED] = FINISHING | OWING | REPORTING, /* after "finishing" in any case */
    /* again after a process that died while it reported */
    [JIG_EVENT_REPORTING] = LIVE,
    [JIG_EVENT_REPORTED] = REPORTING,
    [JIG_EVENT_SETTLED] = LIVE,
    [JIG_EVENT_MANUFACTURED_WITH_FAULT] = FINISHED,                            /* once */
    [JIG_EVENT_ENDED] = NONE | LIVE | FINISHED | REPORTED | REFUSED | SETTLED, /* and by result */
};

/* What is known about an event's session and from its facts. Texts live until the query is reset.
 */
struct view {
    const char *type, *command, *result, *state;
    bool finishing, faulty, before; /* such events of this session exist; one of this kind does */
};

static enum state state_of(const char *name)
{
    static const char *const of[] = {"opening",   "opened",   "configured", "finishing", "owing",
                                     "reporting", "finished", "reported",   "refused",   "settled"};
    unsigned bit = 0;
    while (name && bit < sizeof of / sizeof *of && strcmp(of[bit], name) != 0)
        bit++;
    return name ? (enum state)(OPENING << bit) : NONE;
}

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

static int misuse(const struct jig_event *event, struct jig_error *err, const char *why)
{
    return jig_fail(err, JIG_EMISUSE, "'%s' of session %s/%d: %s", jig_event_name(event->kind),
                    event->session[0] ? event->session : "(none)", event->attempt, why);
}

static int check_command(const struct jig_event *event, const struct view *v, enum state state,
                         struct jig_error *err)
{
    bool report = is(v->command, "report_error");
    if (!v->command)
        return misuse(event, err, "its facts name no command");
    if (report != (state == REPORTING))
        return misuse(event, err, "that command is not under way");
    if (event->kind == JIG_EVENT_REFUSED && !report && !is(v->command, "new_device"))
        return misuse(event, err, "only new_device and report_error can be refused");
    return 0;
}

static int check_ended(const struct jig_event *event, const struct view *v, enum state state,
                       struct jig_error *err)
{
    bool made = is(v->result, "passed") || is(v->result, "manufactured with fault");
    if (!made && !is(v->result, "failed"))
        return misuse(event, err, "its facts say no result");
    if (made != (state == FINISHED))
        return misuse(event, err, made ? "it was not made" : "it was made: it cannot have failed");
    if (is(v->result, "passed") && v->faulty)
        return misuse(event, err, "it was made with a fault: it cannot have passed");
    return 0;
}

static int check(const struct jig_event *event, const struct view *v, struct jig_error *err)
{
    enum state state = event->session[0] ? state_of(v->state) : NONE;
    if (!is(v->type, "object"))
        return misuse(event, err, "its facts are no object");
    if (!(states[event->kind] & (int)state)) {
        char why[96];
        snprintf(why, sizeof why,
                 state == NONE ? "there is no such session" : "the session is %s already",
                 v->state);
        return misuse(event, err, why);
    }
    if (v->before &&
        (event->kind == JIG_EVENT_ENDED || event->kind == JIG_EVENT_MANUFACTURED_WITH_FAULT))
        return misuse(event, err, "there is one already");
    if (event->kind == JIG_EVENT_FINISHED && !v->finishing)
        return misuse(event, err, "handle_device_response was not called");
    if (event->kind == JIG_EVENT_REFUSED || event->kind == JIG_EVENT_UNKNOWN)
        return check_command(event, v, state, err);
    return event->kind == JIG_EVENT_ENDED ? check_ended(event, v, state, err) : 0;
}

/* ---- what the database knows ---- */

#define THERE_IS(kind)                                                                             \
    "EXISTS (SELECT 1 FROM main.event WHERE session = ?1 AND ?1 <> '' AND attempt = ?2"            \
    " AND kind = " kind ")"

static const char look_sql[] =
    "SELECT json_type(?3), json_extract(?3, '$.command'),"
    " coalesce(json_extract(?3, '$.result'),"
    "  CASE json_extract(?3, '$.passed') WHEN 1 THEN 'passed' WHEN 0 THEN 'failed' END),"
    " (SELECT state FROM main.session WHERE id = ?1 AND attempt = ?2),"
    " " THERE_IS("'finishing'") ", " THERE_IS("'manufactured_with_fault'") ", " THERE_IS("?4");

static int look(struct jig_ledger *l, const struct jig_event *event, struct jig_error *err)
{
    struct jig_query *q = jig_ledger_query(l, JIG_LEDGER_LOOK, look_sql, err);
    if (!q)
        return err->code;
    const char *kind = jig_event_name(event->kind);
    jig_query_bind_text(q, 1, event->session, strlen(event->session));
    jig_query_bind_integer(q, 2, event->attempt);
    jig_query_bind_text(q, 3, event->facts, strlen(event->facts));
    jig_query_bind_text(q, 4, kind, strlen(kind));
    int rc = jig_query_step(q, err);
    if (rc > 0) {
        size_t n;
        struct view v = {
            .type = jig_query_text(q, 0, &n),
            .command = jig_query_text(q, 1, &n),
            .result = jig_query_text(q, 2, &n),
            .state = jig_query_text(q, 3, &n),
            .finishing = jig_query_integer(q, 4) != 0,
            .faulty = jig_query_integer(q, 5) != 0,
            .before = jig_query_integer(q, 6) != 0,
        };
        rc = check(event, &v, err);
    }
    jig_query_reset(q);
    return rc;
}

/* Who has the serial that an opening names. One that was made and is to be made again ("again") has
 * it no more, but for an attempt that was refused, which has opened nothing. A unit whose events
 * were pruned has it unless it was opened again since. */
static const char taken_sql[] =
    "WITH new AS (SELECT json_extract(?1, '$.serial') AS serial,"
    " json_extract(?1, '$.again') IS NOT NULL AS again)"
    "SELECT new.serial, s.id, s.state,"
    " strftime('%Y-%m-%dT%H:%M:%SZ', coalesce(s.ended, s.opened) / 1000000, 'unixepoch')"
    " FROM new JOIN main.session AS s ON s.claim = new.serial"
    " WHERE NOT (new.again AND s.state IN ('finished', 'settled'))"
    " UNION ALL "
    "SELECT new.serial, s.id, s.state,"
    " strftime('%Y-%m-%dT%H:%M:%SZ', s.ended / 1000000, 'unixepoch')"
    " FROM new JOIN main.session AS s ON s.serial = new.serial"
    " WHERE NOT new.again AND new.serial <> '' AND s.claim IS NULL AND " JIG_LEDGER_MADE
    " UNION ALL "
    "SELECT new.serial, k.session, 'finished',"
    " strftime('%Y-%m-%dT%H:%M:%SZ', k.time / 1000000, 'unixepoch')"
    " FROM new JOIN main.kept AS k ON k.serial = new.serial WHERE NOT new.again"
    " AND NOT EXISTS (SELECT 1 FROM main.session AS s WHERE s.serial = new.serial"
    " AND s.state <> 'refused')";

static int check_serial(struct jig_ledger *l, const struct jig_event *event, struct jig_error *err)
{
    struct jig_query *q = jig_ledger_query(l, JIG_LEDGER_TAKEN, taken_sql, err);
    if (!q)
        return err->code;
    jig_query_bind_text(q, 1, event->facts, strlen(event->facts));
    int rc = jig_query_step(q, err);
    if (rc > 0) {
        size_t n;
        const char *serial = jig_query_text(q, 0, &n), *session = jig_query_text(q, 1, &n),
                   *state = jig_query_text(q, 2, &n), *when = jig_query_text(q, 3, &n);
        rc = is(state, "settled")
                 ? jig_fail(err, JIG_EDUPLICATE,
                            "serial %.64s may have been made: session %.128s was settled at %s "
                            "without its outcome",
                            serial, session, when)
             : is(state, "finished")
                 ? jig_fail(err, JIG_EDUPLICATE,
                            "serial %.64s was made: session %.128s finished at %s", serial, session,
                            when)
                 : jig_fail(err, JIG_EDUPLICATE,
                            "serial %.64s is being made: session %.128s is %s since %s", serial,
                            session, state, when);
    }
    jig_query_reset(q);
    return rc;
}

int jig_ledger_allows(struct jig_ledger *ledger, const struct jig_event *event,
                      struct jig_error *err)
{
    if ((unsigned)event->kind >= JIG_EVENT_KINDS || event->kind == JIG_EVENT_PRUNED)
        return jig_fail(err, JIG_EMISUSE, "'%s' cannot be appended", jig_event_name(event->kind));
    if (strlen(event->session) > SESSION_MAX)
        return jig_fail(err, JIG_EMISUSE, "a session's id is longer than %d", SESSION_MAX);
    bool without = event->kind == JIG_EVENT_STARTED || event->kind == JIG_EVENT_ENDED;
    if (!event->session[0] && !without)
        return misuse(event, err, "it must have one");
    if (event->session[0] && event->kind == JIG_EVENT_STARTED)
        return misuse(event, err, "it must have none");
    int rc = look(ledger, event, err);
    return rc == 0 && event->kind == JIG_EVENT_OPENING ? check_serial(ledger, event, err) : rc;
}
