/* Removing the oldest events of a ledger.
 *
 * Only a beginning of the chain can go, or its rest could not be checked; and only one that cuts
 * nothing in two, or the rest would not make the same rows. So every session, unit and run is a
 * span, from its first event to its last, that the cut must not be in; a session or a unit that has
 * not ended has no last event yet.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "core/facts.h"
#include "core/hex.h"
#include "core/ledger_inside.h"

static const char spans_sql[] =
    "CREATE TEMP TABLE span AS SELECT min(id) AS first, CASE WHEN EXISTS (SELECT 1"
    " FROM main.session AS s WHERE s.id = e.session AND s.attempt = e.attempt AND s.ended IS NULL)"
    " THEN 9223372036854775807 ELSE max(id) END AS last"
    " FROM main.event AS e WHERE session <> '' GROUP BY session, attempt"
    " UNION ALL "
    "SELECT min(id), CASE WHEN EXISTS (SELECT 1 FROM main.unit AS u WHERE u.id = name"
    " AND u.result IS NULL) THEN 9223372036854775807 ELSE max(id) END"
    " FROM (SELECT id, json_extract(facts, '$.unit') AS name FROM main.event"
    " WHERE kind IN ('opening', 'ended')) WHERE name IS NOT NULL GROUP BY name"
    " UNION ALL "
    "SELECT min(id), max(id) FROM (SELECT id, json_extract(facts, '$.run') AS name FROM main.event"
    " WHERE kind IN ('started', 'opening', 'ended')) WHERE name IS NOT NULL GROUP BY name";

/* Spans in the order of their beginnings: a cut may stand where all that began before it have ended
 * (`reach`) and the next has not begun. The last such place before the event that is too young. */
static const char cut_sql[] =
    "WITH young (id) AS (SELECT coalesce((SELECT min(id) FROM main.event WHERE time >= ?1),"
    " (SELECT max(id) + 1 FROM main.event))),"
    " place (reach, until) AS (SELECT max(last) OVER spans,"
    " min(coalesce(lead(first) OVER spans, young.id), young.id) - 1"
    " FROM temp.span JOIN young WHERE first < young.id WINDOW spans AS (ORDER BY first)),"
    " cut (id) AS (SELECT coalesce((SELECT max(until) FROM place WHERE reach <= until),"
    " min(young.id, coalesce((SELECT min(first) FROM temp.span), young.id)) - 1) FROM young)"
    "SELECT cut.id, (SELECT hash FROM main.event AS e WHERE e.id = cut.id),"
    " (SELECT count(*) FROM main.event AS e WHERE e.id <= cut.id) FROM cut";

/* A serial that a pruned session got by "again" was released by the unit that is kept. */
static const char *const remove_sql[] = {
    "UPDATE main.kept SET serial = NULL WHERE serial IN"
    " (SELECT serial FROM main.session WHERE event <= ?1 AND state <> 'refused')",
    "INSERT INTO main.kept (event, serial, fingerprint, session, time)"
    " SELECT event, CASE WHEN claim IS NULL AND " JIG_LEDGER_MADE " THEN nullif(serial, '')"
    " ELSE claim END, fingerprint, id, ended FROM main.session AS s"
    " WHERE event <= ?1 AND (state = 'finished' OR claim IS NOT NULL OR serial <> '' AND"
    " " JIG_LEDGER_MADE ")",
    "DELETE FROM main.run WHERE event <= ?1",
    "DELETE FROM main.unit WHERE event <= ?1",
    "DELETE FROM main.session WHERE event <= ?1",
    "DELETE FROM main.fault WHERE event <= ?1",
    "DELETE FROM main.head WHERE event <= ?1",
    "DELETE FROM main.event WHERE id <= ?1",
};

struct cut {
    int64_t through, events;
    char hash[2 * JIG_SHA256_SIZE + 1];
};

static int find_cut(struct jig_ledger *l, int64_t time, struct cut *cut, struct jig_error *err)
{
    struct jig_query *q = jig_query_new(l->store, cut_sql, false, err);
    if (!q)
        return err->code;
    jig_query_bind_integer(q, 1, time);
    int rc = jig_query_step(q, err);
    if (rc > 0) {
        size_t n;
        const char *hash = jig_query_text(q, 1, &n);
        cut->through = jig_query_integer(q, 0);
        cut->events = jig_query_integer(q, 2);
        if (hash && n == JIG_SHA256_SIZE)
            jig_hex_encode(cut->hash, hash, n);
        else
            cut->events = 0;
    }
    jig_query_free(q);
    return rc < 0 ? rc : 0;
}

static int remove_rows(struct jig_ledger *l, int64_t through, struct jig_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof remove_sql / sizeof *remove_sql; i++) {
        struct jig_query *q = jig_query_new(l->store, remove_sql[i], false, err);
        if (!q)
            return err->code;
        jig_query_bind_integer(q, 1, through);
        rc = jig_query_run(q, err);
        jig_query_free(q);
    }
    return rc;
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int append_pruned(struct jig_ledger *l, struct jig_chain *chain, const struct cut *cut,
                         struct jig_error *err)
{
    char kept[2 * JIG_SHA256_SIZE + 1];
    int rc = jig_ledger_kept_hash(l, kept, err);
    if (rc < 0)
        return rc;
    struct jig_facts facts = {0};
    jig_facts_integer(&facts, "through", cut->through);
    jig_facts_text_member(&facts, "hash", cut->hash);
    jig_facts_integer(&facts, "events", cut->events);
    jig_facts_text_member(&facts, "kept_sha256", kept);
    char *text = jig_facts_take(&facts);
    if (!text)
        return jig_fail(err, JIG_ENOMEM, "no memory for an event");
    const struct jig_event event = {
        .kind = JIG_EVENT_PRUNED, .session = "", .time = now(), .facts = text};
    rc = jig_ledger_add(l, chain, &event, err);
    free(text);
    return rc;
}

static int prune(struct jig_ledger *l, int64_t time, struct cut *cut, struct jig_error *err)
{
    struct jig_chain chain = {0};
    int rc = jig_store_exec(l->store, spans_sql, err);
    if (rc == 0)
        rc = find_cut(l, time, cut, err);
    if (rc == 0 && cut->events > 0) {
        rc = jig_ledger_tail(l, &chain, err);
        if (rc == 0)
            rc = remove_rows(l, cut->through, err);
        if (rc == 0)
            rc = append_pruned(l, &chain, cut, err);
    }
    jig_chain_release(&chain);
    return rc;
}

int jig_ledger_prunable(struct jig_ledger *ledger, int64_t time, int64_t *events, int64_t *through,
                        struct jig_error *err)
{
    struct cut cut = {0};
    struct jig_error ours = {0};
    err = err ? err : &ours;
    *events = *through = 0;
    int rc = jig_store_exec(ledger->store, "BEGIN", err);
    if (rc < 0)
        return rc;
    rc = jig_store_exec(ledger->store, spans_sql, err);
    if (rc == 0)
        rc = find_cut(ledger, time, &cut, err);
    jig_store_end(ledger->store, false, NULL); /* the spans go, too */
    if (rc == 0 && cut.events > 0) {
        *events = cut.events;
        *through = cut.through;
    }
    return rc;
}

int jig_ledger_prune(struct jig_ledger *ledger, int64_t time, int64_t *removed,
                     struct jig_error *err)
{
    struct cut cut = {0};
    struct jig_error ours = {0};
    err = err ? err : &ours;
    *removed = 0;
    int rc = jig_store_begin(ledger->store, err);
    if (rc < 0)
        return rc;
    rc = prune(ledger, time, &cut, err);
    int end = jig_store_end(ledger->store, rc == 0 && cut.events > 0, rc == 0 ? err : NULL);
    jig_store_exec(ledger->store, "DROP TABLE IF EXISTS temp.span", NULL);
    rc = rc < 0 ? rc : end;
    if (rc == 0)
        *removed = cut.events;
    return rc;
}
