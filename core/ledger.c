/* Opening a ledger, and appending to it. Which event may come when: ledger_rules.c; how rows derive
 * from events: schema.c; how events are chained: chain.c. */
#include "core/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "core/ledger_inside.h"

static const char *const names[JIG_EVENT_KINDS] = {
    [JIG_EVENT_STARTED] = "started",
    [JIG_EVENT_OPENING] = "opening",
    [JIG_EVENT_OPENED] = "opened",
    [JIG_EVENT_CONFIGURED] = "configured",
    [JIG_EVENT_FAILED] = "failed",
    [JIG_EVENT_REFUSED] = "refused",
    [JIG_EVENT_UNKNOWN] = "unknown",
    [JIG_EVENT_FINISHING] = "finishing",
    [JIG_EVENT_FINISHED] = "finished",
    [JIG_EVENT_REPORTING] = "reporting",
    [JIG_EVENT_REPORTED] = "reported",
    [JIG_EVENT_SETTLED] = "settled",
    [JIG_EVENT_MANUFACTURED_WITH_FAULT] = "manufactured_with_fault",
    [JIG_EVENT_ENDED] = "ended",
    [JIG_EVENT_PRUNED] = "pruned",
};

const char *jig_event_name(enum jig_event_kind kind)
{
    return (unsigned)kind < JIG_EVENT_KINDS ? names[kind] : "unknown kind";
}

enum jig_event_kind jig_event_of(const char *name)
{
    unsigned kind = 0;
    while (kind < JIG_EVENT_KINDS && strcmp(names[kind], name) != 0)
        kind++;
    return (enum jig_event_kind)kind;
}

/* ---- opening ---- */

struct jig_ledger *jig_ledger_open(const char *path, enum jig_store_mode mode, double patience,
                                   struct jig_error *err)
{
    struct jig_ledger *l = calloc(1, sizeof *l);
    struct jig_error ours = {0};
    err = err ? err : &ours;
    if (!l) {
        jig_fail(err, JIG_ENOMEM, "no memory for a ledger");
        return NULL;
    }
    l->store = jig_store_open(path, mode, patience, err);
    bool changes = mode != JIG_STORE_READ && mode != JIG_STORE_JOINED;
    if (!l->store || jig_schema_open(l->store, changes, err) < 0) {
        jig_ledger_close(l);
        return NULL;
    }
    return l;
}

void jig_ledger_close(struct jig_ledger *ledger)
{
    if (!ledger)
        return;
    for (int i = 0; i < JIG_LEDGER_QUERIES; i++)
        jig_query_free(ledger->queries[i]);
    for (int kind = 0; kind < JIG_EVENT_KINDS; kind++) {
        for (int i = 0; i < JIG_SCHEMA_STATEMENTS; i++)
            jig_query_free(ledger->effects[kind][i]);
    }
    jig_store_close(ledger->store);
    free(ledger);
}

struct jig_store *jig_ledger_store(struct jig_ledger *ledger)
{
    return ledger->store;
}

struct jig_query *jig_ledger_query(struct jig_ledger *ledger, enum jig_ledger_query which,
                                   const char *sql, struct jig_error *err)
{
    if (!ledger->queries[which])
        ledger->queries[which] = jig_query_new(ledger->store, sql, true, err);
    return ledger->queries[which];
}

static struct jig_query *effect(struct jig_ledger *l, enum jig_event_kind kind, int i,
                                struct jig_error *err)
{
    struct jig_query **query = &l->effects[kind][i];
    if (!*query)
        *query = jig_schema_query(l->store, jig_schema_effects(kind)[i], "main", err);
    return *query;
}

bool jig_ledger_warm(struct jig_ledger *ledger)
{
    static const enum jig_event_kind usual[] = {
        JIG_EVENT_OPENING,   JIG_EVENT_STARTED,  JIG_EVENT_OPENED, JIG_EVENT_CONFIGURED,
        JIG_EVENT_FINISHING, JIG_EVENT_FINISHED, JIG_EVENT_ENDED,
    };
    for (size_t k = 0; k < sizeof usual / sizeof *usual; k++)
        for (int i = 0; i < JIG_SCHEMA_STATEMENTS && jig_schema_effects(usual[k])[i]; i++)
            if (!ledger->effects[usual[k]][i])
                return effect(ledger, usual[k], i, NULL) != NULL;
    return false;
}

/* ---- appending ---- */

int jig_ledger_tail(struct jig_ledger *ledger, struct jig_chain *chain, struct jig_error *err)
{
    static const char sql[] = "SELECT id, hash FROM main.event ORDER BY id DESC LIMIT 1";
    struct jig_query *q = jig_ledger_query(ledger, JIG_LEDGER_LAST, sql, err);
    int rc = q ? jig_query_step(q, err) : (int)err->code;
    if (rc > 0) {
        size_t n;
        const char *hash = jig_query_text(q, 1, &n);
        chain->id = jig_query_integer(q, 0);
        if (n == sizeof chain->hash)
            memcpy(chain->hash, hash, n);
        else
            rc = jig_fail(err, JIG_EINVALID, "%s is damaged: its last event has no hash",
                          jig_store_path(ledger->store));
    }
    if (q)
        jig_query_reset(q);
    return rc < 0 ? rc : 0;
}

static int insert(struct jig_ledger *l, const struct jig_chain *chain, const struct jig_link *link,
                  struct jig_error *err)
{
    static const char sql[] = "INSERT INTO main.event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    struct jig_query *q = jig_ledger_query(l, JIG_LEDGER_INSERT, sql, err);
    if (!q)
        return err->code;
    jig_query_bind_integer(q, 1, chain->id);
    jig_query_bind_integer(q, 2, link->time);
    jig_query_bind_text(q, 3, link->kind, link->kind_n);
    jig_query_bind_text(q, 4, link->session, link->session_n);
    jig_query_bind_integer(q, 5, link->attempt);
    jig_query_bind_text(q, 6, link->facts, link->facts_n);
    jig_query_bind_bytes(q, 7, chain->hash, sizeof chain->hash);
    return jig_query_run(q, err);
}

static int effects(struct jig_ledger *l, enum jig_event_kind kind, int64_t id,
                   struct jig_error *err)
{
    const char *const *sql = jig_schema_effects(kind);
    int rc = 0;
    for (int i = 0; rc == 0 && i < JIG_SCHEMA_STATEMENTS && sql[i]; i++) {
        struct jig_query *query = effect(l, kind, i, err);
        if (!query)
            return err->code;
        jig_query_bind_integer(query, 1, id);
        rc = jig_query_run(query, err);
    }
    return rc;
}

int jig_ledger_add(struct jig_ledger *ledger, struct jig_chain *chain,
                   const struct jig_event *event, struct jig_error *err)
{
    const struct jig_chain before = *chain;
    const char *kind = jig_event_name(event->kind);
    const struct jig_link link = {
        .time = event->time,
        .attempt = event->attempt,
        .kind = kind,
        .kind_n = strlen(kind),
        .session = event->session,
        .session_n = strlen(event->session),
        .facts = event->facts,
        .facts_n = strlen(event->facts),
    };
    int rc = jig_chain_next(chain, &link, err);
    if (rc < 0)
        return rc;
    rc = insert(ledger, chain, &link, err);
    if (rc == 0)
        rc = effects(ledger, event->kind, chain->id, err);
    if (rc < 0) {
        chain->id = before.id;
        memcpy(chain->hash, before.hash, sizeof chain->hash);
    }
    return rc;
}

/* A constraint of the tables that refuses a row means facts that do not fit, except where two have
 * one serial, which the rules have told apart before. */
static int refused(const struct jig_event *event, int rc, struct jig_error *err)
{
    if ((rc != JIG_EDUPLICATE && rc != JIG_EMISUSE) || event->kind == JIG_EVENT_OPENING)
        return rc;
    struct jig_error why = *err;
    return jig_fail(err, JIG_EMISUSE, "the facts of '%s' do not fit: %.180s",
                    jig_event_name(event->kind), why.text);
}

/* `alone`: it is the transaction's only event, which is rolled back with it. */
static int append_one(struct jig_ledger *l, struct jig_chain *chain, const struct jig_event *event,
                      bool alone, struct jig_error *err)
{
    int rc = jig_ledger_allows(l, event, err);
    if (rc == 0 && !alone)
        rc = jig_store_mark(l->store, err);
    if (rc < 0)
        return rc;
    rc = refused(event, jig_ledger_add(l, chain, event, err), err);
    if (alone)
        return rc;
    int end = jig_store_unmark(l->store, rc == 0, rc == 0 ? err : NULL);
    return rc < 0 ? rc : end;
}

/* Whether the failure is of that event alone. */
static bool is_refusal(int rc)
{
    return rc == JIG_EDUPLICATE || rc == JIG_EMISUSE || rc == JIG_ELIMIT;
}

static int append_all(struct jig_ledger *l, const struct jig_event *events, size_t n,
                      struct jig_error *results, size_t *appended, struct jig_error *err)
{
    struct jig_chain chain = {0};
    int rc = jig_ledger_tail(l, &chain, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        results[i] = (struct jig_error){.code = JIG_OK};
        int one = append_one(l, &chain, &events[i], n == 1, &results[i]);
        if (one == 0)
            ++*appended;
        else if (!is_refusal(one))
            rc = one;
        if (rc < 0)
            *err = results[i];
    }
    jig_chain_release(&chain);
    return rc;
}

int jig_ledger_append(struct jig_ledger *ledger, const struct jig_event *events, size_t n,
                      struct jig_error *results, struct jig_error *err)
{
    size_t appended = 0;
    struct jig_error ours = {0};
    err = err ? err : &ours;
    int rc = jig_store_begin(ledger->store, err);
    if (rc < 0)
        return rc;
    rc = append_all(ledger, events, n, results, &appended, err);
    if (rc < 0) {
        jig_store_end(ledger->store, false, NULL);
        return rc;
    }
    return jig_store_end(ledger->store, appended > 0, err);
}
