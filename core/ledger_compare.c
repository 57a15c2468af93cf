/* What verify compares: tables and indexes with those of an empty ledger, derived rows with the
 * ones made anew, heads with their events. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hex.h"
#include "core/ledger_inside.h"
#include "core/sign.h"

/* ---- tables and indexes ---- */

static const char schema_sql[] =
    "SELECT name, type || ' ' || tbl_name || ' ' || coalesce(sql, '')"
    " FROM main.sqlite_schema"
    " WHERE NOT (name LIKE 'sqlite\\_%' ESCAPE '\\' AND type IN ('table', 'index'))"
    " ORDER BY name, type";

/* Both queries in step, ordered by name. */
static int compare_schemas(struct jig_query *is, struct jig_query *should,
                           struct jig_ledger_report *report, struct jig_error *err)
{
    for (;;) {
        int a = jig_query_step(is, err), b = a < 0 ? a : jig_query_step(should, err);
        if (b < 0 || (!a && !b))
            return b;
        size_t n;
        const char *name = a ? jig_query_text(is, 0, &n) : NULL,
                   *ours = b ? jig_query_text(should, 0, &n) : NULL;
        int order = !name ? 1 : !ours ? -1 : strcmp(name, ours);
        if (order)
            return jig_ledger_wrong(
                report, order < 0 ? "%s was put into the schema" : "%s is missing in the schema",
                order < 0 ? name : ours);
        if (strcmp(jig_query_text(is, 1, &n), jig_query_text(should, 1, &n)) != 0)
            return jig_ledger_wrong(report, "%s was changed in the schema", name);
    }
}

int jig_ledger_check_schema(struct jig_ledger *ledger, struct jig_ledger_report *report,
                            struct jig_error *err)
{
    struct jig_ledger *empty = jig_ledger_open("", JIG_STORE_MEMORY, 0, err);
    if (!empty)
        return err->code;
    struct jig_query *is = jig_query_new(ledger->store, schema_sql, false, err),
                     *should = is ? jig_query_new(empty->store, schema_sql, false, err) : NULL;
    int rc = should ? compare_schemas(is, should, report, err) : (int)err->code;
    jig_query_free(is);
    jig_query_free(should);
    jig_ledger_close(empty);
    return rc;
}

/* ---- rows ---- */

/* A text that is put together; `failed` when there was no memory. */
struct text {
    struct jig_buf buf;
    int failed;
};

static void add(struct text *t, const char *part)
{
    t->failed |= jig_buf_append(&t->buf, part, strlen(part));
}

/* CASE WHEN the column differs in value or type THEN its name ... END, for all columns. */
static int add_columns(struct text *t, struct jig_ledger *l, const char *table,
                       struct jig_error *err)
{
    static const char sql[] =
        "SELECT printf('WHEN m.%s IS NOT t.%s OR typeof(m.%s) <> typeof(t.%s) THEN ''%s'' ',"
        " name, name, name, name, name) FROM pragma_table_info(?1, 'temp')";
    struct jig_query *q = jig_query_new(l->store, sql, false, err);
    if (!q)
        return err->code;
    jig_query_bind_text(q, 1, table, strlen(table));
    int rc;
    size_t n;
    while ((rc = jig_query_step(q, err)) > 0)
        add(t, jig_query_text(q, 0, &n));
    jig_query_free(q);
    return rc;
}

/* Rows of main that differ, and the column; it is NULL for those that no event makes. */
static struct jig_query *differing(struct jig_ledger *l, const char *table, struct jig_error *err)
{
    struct text t = {0};
    add(&t, "SELECT event, differs FROM (SELECT m.event AS event,"
            " CASE WHEN t.event IS NULL THEN NULL ");
    int rc = add_columns(&t, l, table, err);
    add(&t, "ELSE '' END AS differs FROM main.");
    add(&t, table);
    add(&t, " AS m NOT INDEXED LEFT JOIN temp.");
    add(&t, table);
    add(&t, " AS t ON t.event = m.event) WHERE differs IS NULL OR differs <> '' LIMIT 1");
    t.failed |= jig_buf_append(&t.buf, "", 1);
    struct jig_query *q = NULL;
    if (t.failed)
        jig_fail(err, JIG_ENOMEM, "no memory to compare %s", table);
    else if (rc == 0)
        q = jig_query_new(l->store, (const char *)jig_buf_data(&t.buf), false, err);
    jig_buf_release(&t.buf);
    return q;
}

static int check_present(struct jig_ledger *l, const char *table, struct jig_ledger_report *report,
                         struct jig_error *err)
{
    struct jig_query *q = differing(l, table, err);
    if (!q)
        return err->code;
    int rc = jig_query_step(q, err);
    if (rc > 0) {
        size_t n;
        const char *name = jig_query_text(q, 1, &n);
        int64_t event = jig_query_integer(q, 0);
        rc = name ? jig_ledger_wrong(report,
                                     "the row of %s from event %" PRId64
                                     " was changed: its %s is not what the events say",
                                     table, event, name)
                  : jig_ledger_wrong(report,
                                     "a row was put into %s: event %" PRId64 " makes none there",
                                     table, event);
    }
    jig_query_free(q);
    return rc;
}

static int check_missing(struct jig_ledger *l, const char *table, struct jig_ledger_report *report,
                         struct jig_error *err)
{
    char sql[256];
    snprintf(sql, sizeof sql,
             "SELECT t.event FROM temp.%s AS t WHERE NOT EXISTS"
             " (SELECT 1 FROM main.%s AS m WHERE m.event = t.event) ORDER BY t.event LIMIT 1",
             table, table);
    struct jig_query *q = jig_query_new(l->store, sql, false, err);
    if (!q)
        return err->code;
    int rc = jig_query_step(q, err);
    if (rc > 0)
        rc = jig_ledger_wrong(report, "the row of %s from event %" PRId64 " is missing", table,
                              jig_query_integer(q, 0));
    jig_query_free(q);
    return rc;
}

int jig_ledger_check_file(struct jig_ledger *ledger, struct jig_ledger_report *report,
                          struct jig_error *err)
{
    struct jig_query *q =
        jig_query_new(ledger->store, "PRAGMA main.integrity_check(1)", false, err);
    if (!q)
        return err->code;
    size_t n;
    int rc = jig_query_step(q, err);
    const char *text = rc > 0 ? jig_query_text(q, 0, &n) : "ok";
    rc = rc < 0 ? rc : strcmp(text, "ok") != 0 ? jig_ledger_wrong(report, "%s", text) : 0;
    jig_query_free(q);
    return rc;
}

int jig_ledger_check_rows(struct jig_ledger *ledger, struct jig_ledger_report *report,
                          struct jig_error *err)
{
    int rc = 0;
    for (const char *const *table = jig_schema_derived(); rc == 0 && *table; table++) {
        rc = check_present(ledger, *table, report, err);
        if (rc == 0)
            rc = check_missing(ledger, *table, report, err);
    }
    return rc;
}

int jig_ledger_kept_hash(struct jig_ledger *ledger, char *hex, struct jig_error *err)
{
    static const char sql[] =
        "SELECT printf('%d %s%s %s%s %s%s %s%d' || char(10), event, typeof(serial), hex(serial),"
        " typeof(fingerprint), hex(fingerprint), typeof(session), hex(session), typeof(time), time)"
        " FROM main.kept ORDER BY event";
    uint8_t sum[JIG_SHA256_SIZE];
    struct jig_digest digest;
    struct jig_query *q = jig_query_new(ledger->store, sql, false, err);
    int rc = q ? JIG_OK : (int)err->code;
    jig_digest_init(&digest, JIG_SHA256);
    while (rc >= 0 && (rc = jig_query_step(q, err)) > 0) {
        size_t n;
        const char *row = jig_query_text(q, 0, &n);
        jig_digest_update(&digest, row, n);
    }
    jig_digest_finish(&digest, sum);
    jig_query_free(q);
    if (rc < 0)
        return rc;
    jig_hex_encode(hex, sum, sizeof sum);
    hex[2 * sizeof sum] = '\0';
    return 0;
}

/* ---- heads ---- */

static const char heads_sql[] = "SELECT h.event, h.hash, h.signature, h.key, e.id,"
                                " e.hash IS h.hash AND e.time IS h.time"
                                " FROM main.head AS h LEFT JOIN main.event AS e ON e.id = h.event"
                                " ORDER BY h.event";

/* Whether the signature in the row is that of the key in the row: 1 or 0, or a code. */
static int signature_is_right(struct jig_query *q, struct jig_key *by, struct jig_error *err)
{
    uint8_t public[JIG_PUBLIC_KEY_SIZE];
    char text[JIG_HEAD_TEXT];
    size_t hash_n, signature_n, key_n;
    const char *hash = jig_query_text(q, 1, &hash_n),
               *signature = jig_query_text(q, 2, &signature_n), *key = jig_query_text(q, 3, &key_n);
    if (hash_n != JIG_SHA256_SIZE || signature_n != JIG_SIGNATURE_SIZE ||
        key_n != 2 * sizeof public || jig_hex_decode(public, key, key_n, NULL, NULL) < 0)
        return 0;
    char digits[2 * sizeof public];
    jig_hex_encode(digits, public, sizeof public);
    if (memcmp(digits, key, sizeof digits) != 0)
        return 0; /* upper case: not as it was written */
    if (!by->key || memcmp(by->public, public, sizeof public) != 0) {
        jig_key_release(by);
        if (jig_key_of(by, public, err) < 0)
            return 0;
    }
    size_t n = jig_ledger_head_text(text, jig_query_integer(q, 0), (const uint8_t *)hash);
    return jig_key_verify(by, text, n, (const uint8_t *)signature);
}

static int check_head(struct jig_query *q, struct jig_key *by, const struct jig_key *trusted,
                      struct jig_ledger_report *report, struct jig_error *err)
{
    int64_t event = jig_query_integer(q, 0);
    if (jig_query_type(q, 4) == JIG_COLUMN_NULL)
        return jig_ledger_wrong(report, "event %" PRId64 " was signed and is missing", event);
    if (!jig_query_integer(q, 5))
        return jig_ledger_wrong(report, "the head of event %" PRId64 " is not that of the event",
                                event);
    if (!signature_is_right(q, by, err))
        return jig_ledger_wrong(report, "the signature of the head of event %" PRId64 " is wrong",
                                event);
    if (!trusted || memcmp(trusted->public, by->public, sizeof by->public) == 0)
        report->signed_through = event;
    return 0;
}

int jig_ledger_check_heads(struct jig_ledger *ledger, const struct jig_key *trusted,
                           struct jig_ledger_report *report, struct jig_error *err)
{
    struct jig_key by = {0};
    struct jig_query *q = jig_query_new(ledger->store, heads_sql, false, err);
    int rc = q ? 0 : (int)err->code, heads = 0;
    while (rc == 0 && (rc = jig_query_step(q, err)) > 0) {
        heads++;
        rc = check_head(q, &by, trusted, report, err);
    }
    if (rc == 0 && heads && !report->signed_through)
        rc = jig_ledger_wrong(report, "none of the signed heads is signed with that key");
    jig_query_free(q);
    jig_key_release(&by);
    return rc;
}
