/* Checking a ledger: the chain event by event, while the derived rows are made anew from the same
 * events in the connection's temporary schema; then everything else against that.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/hex.h"
#include "core/ledger_inside.h"

struct walk {
    struct jig_ledger *ledger;
    struct jig_ledger_report *report;
    struct jig_chain chain;
    struct jig_query *effects[JIG_EVENT_KINDS][JIG_SCHEMA_STATEMENTS];
    char kept[2 * JIG_SHA256_SIZE + 1]; /* as the latest "pruned" says; "" = there is none */
};

int jig_ledger_wrong(struct jig_ledger_report *report, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(report->text, sizeof report->text, format, args);
    va_end(args);
    return 1;
}

/* ---- one event ---- */

static const char walk_sql[] =
    "SELECT id, time, kind, session, attempt, facts, hash,"
    " CASE WHEN kind = 'pruned' AND json_valid(facts) THEN facts ->> '$.kept_sha256' END"
    " FROM main.event ORDER BY id";

static int check_types(struct walk *w, struct jig_query *q, int64_t id)
{
    static const enum jig_column types[] = {
        JIG_COLUMN_INTEGER, JIG_COLUMN_INTEGER, JIG_COLUMN_TEXT,  JIG_COLUMN_TEXT,
        JIG_COLUMN_INTEGER, JIG_COLUMN_TEXT,    JIG_COLUMN_BYTES,
    };
    for (int i = 0; i < (int)(sizeof types / sizeof *types); i++) {
        if (jig_query_type(q, i) != types[i])
            return jig_ledger_wrong(w->report,
                                    "event %" PRId64 " was changed: its %s is of a wrong type", id,
                                    jig_query_name(q, i));
    }
    return 0;
}

static struct jig_link link_of(struct jig_query *q)
{
    struct jig_link link = {
        .time = jig_query_integer(q, 1),
        .attempt = jig_query_integer(q, 4),
    };
    link.kind = jig_query_text(q, 2, &link.kind_n);
    link.session = jig_query_text(q, 3, &link.session_n);
    link.facts = jig_query_text(q, 5, &link.facts_n);
    return link;
}

/* Whether the row's hash is the one that follows from the chain, which moves on. */
static int follows(struct jig_chain *chain, struct jig_query *q, struct jig_error *err)
{
    size_t n;
    const struct jig_link link = link_of(q);
    int rc = jig_chain_next(chain, &link, err);
    if (rc < 0)
        return rc;
    const char *hash = jig_query_text(q, 6, &n);
    return n == sizeof chain->hash && memcmp(hash, chain->hash, n) == 0;
}

/* The event's hash does not follow. Whether the next one follows from that hash tells whether the
 * event was changed where it stands, or is not the one that stood there. */
static int tell_broken(struct walk *w, struct jig_query *q, int64_t id, struct jig_error *err)
{
    size_t n;
    const char *hash = jig_query_text(q, 6, &n);
    int rc = 1;
    if (n == sizeof w->chain.hash) {
        memcpy(w->chain.hash, hash, n);
        rc = jig_query_step(q, err);
        if (rc < 0)
            return rc;
        rc = rc == 0 ? 1 : follows(&w->chain, q, err);
        if (rc < 0)
            return rc;
    }
    return rc ? jig_ledger_wrong(
                    w->report, "event %" PRId64 " was changed: what it says does not give its hash",
                    id)
              : jig_ledger_wrong(w->report,
                                 "event %" PRId64 " does not follow the one before it:"
                                 " events were moved, put in or changed here",
                                 id);
}

static int run_effects(struct walk *w, enum jig_event_kind kind, int64_t id, struct jig_error *err)
{
    const char *const *sql = jig_schema_effects(kind);
    struct jig_query **queries = w->effects[kind];
    for (int i = 0; i < JIG_SCHEMA_STATEMENTS && sql[i]; i++) {
        if (!queries[i])
            queries[i] = jig_schema_query(w->ledger->store, sql[i], "temp", err);
        if (!queries[i])
            return err->code;
        jig_query_bind_integer(queries[i], 1, id);
        int rc = jig_query_run(queries[i], err);
        if (rc == JIG_EDUPLICATE || rc == JIG_EMISUSE)
            return jig_ledger_wrong(w->report, "event %" PRId64 " cannot stand there: %.180s", id,
                                    err->text);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_event(struct walk *w, struct jig_query *q, struct jig_error *err)
{
    int64_t id = jig_query_integer(q, 0), expected = w->chain.id + 1;
    if (id != expected)
        return jig_ledger_wrong(w->report, "event %" PRId64 " is missing", expected);
    int rc = check_types(w, q, id);
    if (rc)
        return rc;
    rc = follows(&w->chain, q, err);
    if (rc <= 0)
        return rc < 0 ? rc : tell_broken(w, q, id, err);
    size_t n;
    enum jig_event_kind kind = jig_event_of(jig_query_text(q, 2, &n));
    if (kind == JIG_EVENT_KINDS)
        return jig_ledger_wrong(w->report, "event %" PRId64 " is of an unknown kind", id);
    if (kind == JIG_EVENT_PRUNED) {
        const char *kept = jig_query_text(q, 7, &n);
        snprintf(w->kept, sizeof w->kept, "%s", kept ? kept : "");
    }
    w->report->events++;
    w->report->last = id;
    return run_effects(w, kind, id, err);
}

/* ---- all events ---- */

/* The hash before the first event is in the "pruned" event that removed the ones before it. */
static const char checkpoint_sql[] =
    "SELECT facts ->> '$.hash' FROM main.event WHERE session = '' AND kind = 'pruned'"
    " AND CASE WHEN json_valid(facts) THEN facts ->> '$.through' END = ?1 ORDER BY id DESC LIMIT 1";

static int find_checkpoint(struct walk *w, int64_t first, struct jig_error *err)
{
    struct jig_query *q = jig_query_new(w->ledger->store, checkpoint_sql, false, err);
    if (!q)
        return err->code;
    jig_query_bind_integer(q, 1, first - 1);
    int rc = jig_query_step(q, err);
    size_t n = 0;
    const char *hex = rc > 0 ? jig_query_text(q, 0, &n) : NULL;
    if (rc >= 0 && hex && n == 2 * sizeof w->chain.hash &&
        jig_hex_decode(w->chain.hash, hex, n, NULL, NULL) == 0) {
        w->chain.id = w->report->pruned = first - 1;
        rc = 0;
    } else if (rc >= 0) {
        rc = jig_ledger_wrong(w->report,
                              "events 1 to %" PRId64 " are missing, and none says that they were"
                              " pruned",
                              first - 1);
    }
    jig_query_free(q);
    return rc;
}

static int first_event(struct walk *w, struct jig_error *err)
{
    struct jig_query *q =
        jig_query_new(w->ledger->store, "SELECT min(id) FROM main.event", false, err);
    if (!q)
        return err->code;
    int rc = jig_query_step(q, err);
    if (rc > 0)
        w->report->first = jig_query_integer(q, 0);
    jig_query_free(q);
    if (rc < 0)
        return rc;
    if (w->report->first < 0)
        return jig_ledger_wrong(w->report, "event %" PRId64 " was put in", w->report->first);
    return w->report->first > 1 ? find_checkpoint(w, w->report->first, err) : 0;
}

static int walk(struct walk *w, struct jig_error *err)
{
    int rc = first_event(w, err);
    if (rc)
        return rc;
    struct jig_query *q = jig_query_new(w->ledger->store, walk_sql, false, err);
    if (!q)
        return err->code;
    while ((rc = jig_query_step(q, err)) > 0) {
        rc = check_event(w, q, err);
        if (rc)
            break;
    }
    jig_query_free(q);
    if (rc == 0 && w->report->last)
        jig_hex_encode(w->report->hash, w->chain.hash, sizeof w->chain.hash);
    return rc;
}

static int check_kept(struct walk *w, struct jig_error *err)
{
    char kept[sizeof w->kept], none[sizeof w->kept];
    uint8_t sum[JIG_SHA256_SIZE];
    int rc = jig_ledger_kept_hash(w->ledger, kept, err);
    if (rc < 0)
        return rc;
    jig_digest_sum(JIG_SHA256, sum, "", 0);
    jig_hex_encode(none, sum, sizeof sum);
    none[sizeof none - 1] = '\0';
    if (strcmp(kept, w->kept[0] ? w->kept : none) != 0)
        return jig_ledger_wrong(w->report, "rows of kept were changed, removed or put in");
    return 0;
}

static int check_all(struct walk *w, const struct jig_key *trusted, struct jig_error *err)
{
    int rc = jig_ledger_check_schema(w->ledger, w->report, err);
    if (rc == 0)
        rc = jig_schema_make_derived(w->ledger->store, "temp", err);
    if (rc == 0)
        rc = walk(w, err);
    if (rc == 0)
        rc = jig_ledger_check_rows(w->ledger, w->report, err);
    if (rc == 0)
        rc = check_kept(w, err);
    if (rc == 0)
        rc = jig_ledger_check_heads(w->ledger, trusted, w->report, err);
    if (rc == 0)
        rc = jig_ledger_check_file(w->ledger, w->report, err);
    return rc;
}

static void conclude(struct jig_ledger_report *r)
{
    int64_t unsigned_events = r->last - r->signed_through;
    r->sound = true;
    if (!r->last)
        snprintf(r->text, sizeof r->text, "sound: no events");
    else if (!r->signed_through)
        snprintf(r->text, sizeof r->text,
                 "sound, but no head is signed: whether last events were removed nobody can tell");
    else if (unsigned_events)
        snprintf(r->text, sizeof r->text,
                 "sound; the last %" PRId64 " events are not signed: whether others followed them"
                 " nobody can tell",
                 unsigned_events);
    else
        snprintf(r->text, sizeof r->text, "sound, and signed to the last event");
}

/* The temporary rows go to a file, with a cache that holds the tops of the trees, and no journal:
 * they are never rolled back. Choosing a place anew drops them. */
static const char prepare_sql[] = "PRAGMA temp_store = FILE; PRAGMA temp.journal_mode = OFF;"
                                  "PRAGMA temp.cache_size = -65536; BEGIN";
static const char clean_sql[] = "COMMIT; PRAGMA temp_store = MEMORY";

static int verify(struct walk *w, const struct jig_key *trusted, struct jig_error *err)
{
    struct jig_store *store = w->ledger->store;
    int rc = jig_store_exec(store, prepare_sql, err);
    if (rc == 0)
        rc = check_all(w, trusted, err);
    for (int kind = 0; kind < JIG_EVENT_KINDS; kind++) {
        for (int i = 0; i < JIG_SCHEMA_STATEMENTS; i++)
            jig_query_free(w->effects[kind][i]);
    }
    jig_chain_release(&w->chain);
    jig_store_exec(store, clean_sql, NULL);
    jig_store_end(store, false, NULL); /* where the line before failed */
    return rc;
}

int jig_ledger_verify(struct jig_ledger *ledger, const char *key, struct jig_ledger_report *report,
                      struct jig_error *err)
{
    struct walk w = {.ledger = ledger, .report = report};
    struct jig_key trusted = {0};
    struct jig_error ours = {0};
    err = err ? err : &ours;
    *report = (struct jig_ledger_report){0};
    int rc = key ? jig_key_public(&trusted, key, err) : 0;
    if (rc < 0)
        return rc;
    rc = verify(&w, key ? &trusted : NULL, err);
    jig_key_release(&trusted);
    if (rc == 0)
        conclude(report);
    if (rc == JIG_EINVALID) /* damage is something found, too */
        rc = jig_ledger_wrong(report, "%s", err->text);
    return rc < 0 ? rc : 0;
}
