/* See schema.h. Tables are STRICT: a value of another type is refused. */
#include "core/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables ---- */

#define EVENTS                                                                                     \
    "CREATE TABLE main.event (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, kind TEXT NOT NULL,"  \
    " session TEXT NOT NULL, attempt INTEGER NOT NULL, facts TEXT NOT NULL, hash BLOB NOT NULL)"   \
    " STRICT;"                                                                                     \
    "CREATE INDEX main.event_session ON event (session, attempt);"                                 \
    "CREATE TABLE main.kept (event INTEGER PRIMARY KEY, serial TEXT, fingerprint TEXT,"            \
    " session TEXT NOT NULL, time INTEGER NOT NULL) STRICT;"                                       \
    "CREATE UNIQUE INDEX main.kept_serial ON kept (serial) WHERE serial IS NOT NULL;"              \
    "CREATE INDEX main.kept_fingerprint ON kept (fingerprint);"                                    \
    "CREATE TABLE main.head (event INTEGER PRIMARY KEY, hash BLOB NOT NULL,"                       \
    " time INTEGER NOT NULL, signature BLOB NOT NULL, key TEXT NOT NULL) STRICT;"

/* With the indexes that making the rows needs. session_claim is what keeps a serial from being made
 * twice. */
#define DERIVED                                                                                    \
    "CREATE TABLE @.run (event INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, owner TEXT,"          \
    " slot TEXT, station TEXT, lot TEXT, operator TEXT, recipe TEXT, version TEXT,"                \
    " recipe_sha256 TEXT, cli TEXT, service TEXT, started INTEGER NOT NULL) STRICT;"               \
    "CREATE TABLE @.unit (event INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, run TEXT,"           \
    " number INTEGER, slot TEXT, serial TEXT, lot TEXT, attempts INTEGER NOT NULL, session TEXT,"  \
    " result TEXT, fault TEXT, code INTEGER, fingerprint TEXT, started INTEGER NOT NULL,"          \
    " ended INTEGER, took INTEGER) STRICT;"                                                        \
    "CREATE TABLE @.session (event INTEGER PRIMARY KEY, id TEXT NOT NULL,"                         \
    " attempt INTEGER NOT NULL, run TEXT, owner TEXT, unit TEXT, slot TEXT, serial TEXT,"          \
    " service TEXT, state TEXT NOT NULL, opened INTEGER NOT NULL, ended INTEGER,"                  \
    " fingerprint TEXT, after INTEGER NOT NULL, calls INTEGER NOT NULL,"                           \
    " refusals INTEGER NOT NULL, again_at INTEGER, repeats TEXT, claim TEXT,"                      \
    " UNIQUE (id, attempt)) STRICT;"                                                               \
    "CREATE UNIQUE INDEX @.session_claim ON session (claim) WHERE claim IS NOT NULL;"              \
    "CREATE INDEX @.session_fingerprint ON session (fingerprint) WHERE fingerprint IS NOT NULL;"   \
    "CREATE TABLE @.fault (event INTEGER PRIMARY KEY, unit TEXT, session TEXT NOT NULL,"           \
    " attempt INTEGER NOT NULL, name TEXT, code INTEGER, reason TEXT, phase TEXT, line TEXT)"      \
    " STRICT;"                                                                                     \
    "CREATE INDEX @.fault_session ON fault (session, attempt);"

/* For those who look. An index ends with the row's key, so that the latest rows of a value come
 * first without a sort. */
#define LOOKUPS                                                                                    \
    "CREATE INDEX main.unit_run ON unit (run);"                                                    \
    "CREATE INDEX main.unit_slot ON unit (slot);"                                                  \
    "CREATE INDEX main.unit_serial ON unit (serial);"                                              \
    "CREATE INDEX main.unit_lot ON unit (lot);"                                                    \
    "CREATE INDEX main.unit_session ON unit (session);"                                            \
    "CREATE INDEX main.unit_result ON unit (result);"                                              \
    "CREATE INDEX main.unit_fault ON unit (fault) WHERE fault IS NOT NULL;"                        \
    "CREATE INDEX main.unit_started ON unit (started);"                                            \
    "CREATE INDEX main.session_live ON session (owner) WHERE ended IS NULL;"                       \
    "CREATE INDEX main.session_unit ON session (unit);"                                            \
    "CREATE INDEX main.session_serial ON session (serial);"                                        \
    "CREATE INDEX main.fault_unit ON fault (unit);"

/* A step's "@" is main. */
static const char *const steps[] = {
    EVENTS DERIVED LOOKUPS "PRAGMA application_id = 1785292577;",
};

const char *const *jig_schema_derived(void)
{
    static const char *const tables[] = {"run", "unit", "session", "fault", NULL};
    return tables;
}

/* ---- opening and migration ---- */

int jig_schema_make_derived(struct jig_store *store, const char *schema, struct jig_error *err)
{
    char *sql = jig_schema_expand(DERIVED, schema, err);
    if (!sql)
        return JIG_ENOMEM;
    int rc = jig_store_exec(store, sql, err);
    free(sql);
    return rc;
}

static int number(struct jig_store *store, const char *sql, int64_t *value, struct jig_error *err)
{
    struct jig_query *query = jig_query_new(store, sql, false, err);
    if (!query)
        return err->code;
    int rc = jig_query_step(query, err);
    if (rc > 0)
        *value = jig_query_integer(query, 0);
    jig_query_free(query);
    return rc < 0 ? rc : 0;
}

static int run_step(struct jig_store *store, const char *sql, int version, struct jig_error *err)
{
    char text[64];
    snprintf(text, sizeof text, "PRAGMA user_version = %d", version);
    char *main = jig_schema_expand(sql, "main", err);
    if (!main)
        return JIG_ENOMEM;
    int rc = jig_store_exec(store, main, err);
    free(main);
    return rc < 0 ? rc : jig_store_exec(store, text, err);
}

int jig_schema_migrate(struct jig_store *store, const char *const *step, int n,
                       struct jig_error *err)
{
    int64_t version = 0;
    int rc = jig_store_begin(store, err);
    if (rc < 0)
        return rc;
    rc = number(store, "PRAGMA user_version", &version, err);
    for (int i = (int)version; rc == 0 && i < n; i++)
        rc = run_step(store, step[i], i + 1, err);
    int end = jig_store_end(store, rc == 0, rc == 0 ? err : NULL);
    return rc < 0 ? rc : end;
}

struct identity {
    int64_t application, version, tables;
};

/* In one transaction, since another process may be making it a ledger. */
static int identify(struct jig_store *store, struct identity *it, struct jig_error *err)
{
    int rc = jig_store_exec(store, "BEGIN", err);
    if (rc < 0)
        return rc;
    rc = number(store, "PRAGMA application_id", &it->application, err);
    if (rc == 0)
        rc = number(store, "PRAGMA user_version", &it->version, err);
    if (rc == 0 && it->application != JIG_SCHEMA_APPLICATION)
        rc = number(store, "SELECT count(*) FROM sqlite_schema", &it->tables, err);
    jig_store_end(store, false, NULL);
    return rc;
}

int jig_schema_open(struct jig_store *store, bool changes, struct jig_error *err)
{
    struct identity it = {0};
    int rc = identify(store, &it, err);
    if (rc < 0)
        return rc;
    bool empty = !it.application && !it.version && !it.tables;
    if (it.application != JIG_SCHEMA_APPLICATION && !(empty && changes))
        return jig_fail(err, JIG_EINVALID, "%s is not a ledger of jig", jig_store_path(store));
    if (it.version > JIG_SCHEMA_VERSION)
        return jig_fail(err, JIG_EINVALID,
                        "%s was written by a later jig (schema %d, this one knows %d): use that",
                        jig_store_path(store), (int)it.version, JIG_SCHEMA_VERSION);
    if (it.version == JIG_SCHEMA_VERSION)
        return 0;
    if (!changes)
        return jig_fail(err, JIG_EINVALID, "%s is of an earlier jig: open it once to write",
                        jig_store_path(store));
    return jig_schema_migrate(store, steps, JIG_SCHEMA_VERSION, err);
}
