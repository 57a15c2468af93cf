/* What each event does to derived rows. In the statements "@" is the schema of the rows, and $name
 * is a member of the event's facts; the event itself is `e`. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/schema.h"

#define EVENT   " FROM (SELECT * FROM main.event WHERE id = ?1) AS e "
#define SESSION " JOIN @.session AS s ON s.id = e.session AND s.attempt = e.attempt "

#define OF_SESSION EVENT "WHERE session.id = e.session AND session.attempt = e.attempt "
#define OF_UNIT    EVENT SESSION "WHERE unit.id = s.unit AND unit.session = s.id "

/* Ten seconds after the first call of report_error, then twice as long each time, up to an hour. */
#define AGAIN_AT "e.time + min(10000000 * (1 << min(max(calls, 1) - 1, 9)), 3600000000)"

static const char add_run[] =
    "INSERT INTO @.run (event, id, owner, slot, station, lot, operator, recipe, version,"
    " recipe_sha256, cli, service, started)"
    " SELECT id, $run, $owner, $slot, $station, $lot, $operator, $recipe, $version,"
    " $recipe_sha256, $cli, $service, time" EVENT;

/* A serial that was made is released when it is to be made again. */
static const char release_made[] =
    "UPDATE @.session SET claim = NULL" EVENT "WHERE session.claim = $serial"
    " AND session.state IN ('finished', 'settled')"
    " AND $again IS NOT NULL";

static const char add_session[] =
    "INSERT INTO @.session (event, id, attempt, run, owner, unit, slot, serial, service, state,"
    " opened, after, calls, refusals, claim)"
    " SELECT id, session, attempt, $run, $owner, $unit, $slot, $serial, $service, 'opening', time,"
    " coalesce($after, 0) <> 0, 0, 0, nullif($serial, '')" EVENT;

/* A later attempt begins the unit's outcome anew. */
static const char add_unit[] =
    "INSERT INTO @.unit (event, id, run, number, slot, serial, lot, attempts, session, started)"
    " SELECT id, $unit, $run, $number, $slot, $serial,"
    " (SELECT r.lot FROM @.run AS r WHERE r.id = $run), attempt, session, time" EVENT
    "WHERE true ON CONFLICT (id) DO UPDATE SET slot = excluded.slot, serial = excluded.serial,"
    " attempts = max(attempts, excluded.attempts), session = excluded.session, result = NULL,"
    " fault = NULL, code = NULL, fingerprint = NULL, ended = NULL, took = NULL";

/* The second half is for new_device, the first for report_error. */
static const char refuse_report[] =
    "UPDATE @.session SET state = 'owing', refusals = refusals + 1,"
    " again_at = " AGAIN_AT OF_SESSION "AND $command = 'report_error'";
static const char refuse_session[] =
    "UPDATE @.session SET state = 'refused', ended = e.time, claim = NULL" OF_SESSION
    "AND $command = 'new_device'";
static const char refuse_unit[] =
    "UPDATE @.unit SET result = coalesce(result, 'failed'), ended = e.time" OF_UNIT
    "AND $command = 'new_device'";

static const char not_known[] =
    "UPDATE @.session SET state = 'owing',"
    " again_at = CASE $command WHEN 'report_error' THEN " AGAIN_AT " ELSE again_at END" OF_SESSION;

/* `repeats`: of all made sessions with that fingerprint the first; those in `kept` are earlier than
 * others. */
static const char finish_session[] =
    "UPDATE @.session SET state = 'finished', ended = e.time, fingerprint = $fingerprint,"
    " repeats = coalesce("
    "(SELECT k.session FROM main.kept AS k WHERE k.fingerprint = $fingerprint"
    " ORDER BY k.event LIMIT 1),"
    " (SELECT m.id FROM @.session AS m WHERE m.fingerprint = $fingerprint"
    " AND m.state = 'finished' ORDER BY m.event LIMIT 1))" OF_SESSION;

/* Where no hook follows the fingerprint nothing can fail any more. */
static const char finish_unit[] =
    "UPDATE @.unit SET fingerprint = $fingerprint, fault = NULL, code = NULL,"
    " result = CASE s.after WHEN 0 THEN 'passed' END,"
    " ended = CASE s.after WHEN 0 THEN e.time END" OF_UNIT;

/* The fault of an attempt is told by its first report; "ended" adds what is known then. */
#define ADD_FAULT                                                                                  \
    "INSERT INTO @.fault (event, unit, session, attempt, name, code, reason, phase)"               \
    " SELECT e.id, s.unit, e.session, e.attempt, $fault, $code, $reason, $phase" EVENT SESSION
static const char add_fault[] = ADD_FAULT;
static const char add_first_fault[] =
    ADD_FAULT "WHERE NOT EXISTS (SELECT 1 FROM @.fault AS f WHERE f.session = e.session"
              " AND f.attempt = e.attempt)";

#define FAIL_UNIT(result)                                                                          \
    "UPDATE @.unit SET result = '" result "', fault = $fault, code = $code, ended = "              \
    "e.time" OF_UNIT

/* Whose answer to handle_device_response was never read may be made: its serial stays taken until
 * somebody says "again". */
static const char settle_session[] =
    "UPDATE @.session SET state = 'settled', ended = e.time, claim = CASE WHEN EXISTS (SELECT 1"
    " FROM main.event AS f WHERE f.session = e.session AND f.attempt = e.attempt"
    " AND f.kind = 'finishing') THEN claim END" OF_SESSION;

static const char settle_unit[] =
    "UPDATE @.unit SET result = coalesce(result, 'failed'), ended = e.time" OF_UNIT;

#define END_SESSION(state)                                                                         \
    "UPDATE @.session SET state = '" state "', ended = e.time, claim = NULL" OF_SESSION

/* Also makes the unit of an attempt that never opened a session. */
static const char end_unit[] =
    "INSERT INTO @.unit (event, id, run, number, slot, serial, lot, attempts, session, result,"
    " fault, code, fingerprint, started, ended, took)"
    " SELECT id, $unit, $run, $number, $slot, $serial, $lot, attempt, nullif(session, ''),"
    " coalesce($result, CASE WHEN $passed THEN 'passed' ELSE 'failed' END), $fault.name,"
    " $fault.code, $fingerprint, time - coalesce($took, 0), time, $took" EVENT
    "WHERE true ON CONFLICT (id) DO UPDATE SET slot = coalesce(excluded.slot, slot),"
    " serial = coalesce(excluded.serial, serial), lot = coalesce(excluded.lot, lot),"
    " attempts = max(attempts, excluded.attempts), session = coalesce(excluded.session, session),"
    " result = excluded.result, fault = excluded.fault, code = excluded.code,"
    " fingerprint = coalesce(excluded.fingerprint, fingerprint), ended = excluded.ended,"
    " took = excluded.took";

#define ITS_FAULT                                                                                  \
    "(SELECT max(f.event) FROM @.fault AS f WHERE f.session = e.session"                           \
    " AND f.attempt = e.attempt AND e.session <> '')"
static const char complete_fault[] =
    "UPDATE @.fault SET name = coalesce($fault.name, name), code = coalesce($fault.code, code),"
    " reason = coalesce($fault.reason, reason), phase = coalesce($fault.phase, phase),"
    " line = $fault.line" EVENT "WHERE fault.event = " ITS_FAULT " AND $fault IS NOT NULL";
static const char end_fault[] =
    "INSERT INTO @.fault (event, unit, session, attempt, name, code, reason, phase, line)"
    " SELECT id, $unit, session, attempt, $fault.name, $fault.code, $fault.reason, $fault.phase,"
    " $fault.line" EVENT "WHERE $fault IS NOT NULL AND " ITS_FAULT " IS NULL";

const char *const *jig_schema_effects(enum jig_event_kind kind)
{
    static const char *const effects[JIG_EVENT_KINDS][JIG_SCHEMA_STATEMENTS] = {
        [JIG_EVENT_STARTED] = {add_run},
        [JIG_EVENT_OPENING] = {release_made, add_session, add_unit},
        [JIG_EVENT_OPENED] = {"UPDATE @.session SET state = 'opened'" OF_SESSION},
        [JIG_EVENT_CONFIGURED] = {"UPDATE @.session SET state = 'configured'" OF_SESSION},
        [JIG_EVENT_FAILED] = {"UPDATE @.session SET state = 'owing'" OF_SESSION},
        [JIG_EVENT_REFUSED] = {refuse_report, refuse_session, refuse_unit},
        [JIG_EVENT_UNKNOWN] = {not_known},
        [JIG_EVENT_FINISHING] = {"UPDATE @.session SET state = 'finishing'" OF_SESSION},
        [JIG_EVENT_FINISHED] = {finish_session, finish_unit},
        [JIG_EVENT_REPORTING] =
            {"UPDATE @.session SET state = 'reporting', calls = calls + 1" OF_SESSION,
             add_first_fault, FAIL_UNIT("failed")},
        [JIG_EVENT_REPORTED] = {END_SESSION("reported")},
        [JIG_EVENT_SETTLED] = {settle_session, settle_unit},
        [JIG_EVENT_MANUFACTURED_WITH_FAULT] = {add_fault, FAIL_UNIT("manufactured with fault")},
        [JIG_EVENT_ENDED] = {end_unit, complete_fault, end_fault},
    };
    return effects[kind];
}

/* ---- "@" and $name ---- */

/* Appends one piece of a statement and returns where the next begins. */
static const char *expand(struct jig_buf *out, const char *sql, const char *schema, int *failed)
{
    size_t n = strcspn(sql, "@$");
    if (n) {
        *failed |= jig_buf_append(out, sql, n);
        return sql + n;
    }
    if (*sql == '@') {
        *failed |= jig_buf_append(out, schema, strlen(schema));
        return sql + 1;
    }
    for (n = 1; isalnum((unsigned char)sql[n]) || sql[n] == '_' || sql[n] == '.'; n++)
        ;
    *failed |= jig_buf_append(out, "json_extract(e.facts, '$.", 25);
    *failed |= jig_buf_append(out, sql + 1, n - 1);
    *failed |= jig_buf_append(out, "')", 2);
    return sql + n;
}

char *jig_schema_expand(const char *sql, const char *schema, struct jig_error *err)
{
    struct jig_buf out = {0};
    int failed = 0;
    while (*sql && !failed)
        sql = expand(&out, sql, schema, &failed);
    char *text = failed ? NULL : strndup((const char *)jig_buf_data(&out), jig_buf_len(&out));
    jig_buf_release(&out);
    if (!text)
        jig_fail(err, JIG_ENOMEM, "no memory for a query");
    return text;
}

struct jig_query *jig_schema_query(struct jig_store *store, const char *sql, const char *schema,
                                   struct jig_error *err)
{
    char *text = jig_schema_expand(sql, schema, err);
    struct jig_query *query = text ? jig_query_new(store, text, true, err) : NULL;
    free(text);
    return query;
}
