/* The tables of the ledger, and how rows derive from events: all of its SQL that changes rows.
 *
 * Derived tables can stand in any schema of a connection, so that they can be made anew beside the
 * ones to be checked. Events are always read from main.event.
 */
#ifndef JIG_CORE_SCHEMA_H
#define JIG_CORE_SCHEMA_H

#include <stdbool.h>

#include "core/error.h"
#include "core/ledger.h"
#include "core/store.h"

enum {
    JIG_SCHEMA_APPLICATION = 0x6a696721, /* "jig!": PRAGMA application_id */
    JIG_SCHEMA_VERSION = 1,              /* PRAGMA user_version */
};

/* Checks that the file is a ledger and brings it to this version: `changes` = it may be written. An
 * empty file becomes one. JIG_EINVALID: no ledger, of a later version, or of an earlier one and not
 * to be changed. */
int jig_schema_open(struct jig_store *store, bool changes, struct jig_error *err);

/* Runs steps[version], steps[version + 1] ... in one transaction; steps[n - 1] leads to version n.
 * Another process may have run them meanwhile. */
int jig_schema_migrate(struct jig_store *store, const char *const *steps, int n,
                       struct jig_error *err);

/* The statement with "@" replaced by `schema` and each $name by that member of the facts of the
 * event `e`; memory that the caller frees. */
char *jig_schema_expand(const char *sql, const char *schema, struct jig_error *err);
struct jig_query *jig_schema_query(struct jig_store *store, const char *sql, const char *schema,
                                   struct jig_error *err);

/* What an event of that kind does to derived rows: statements with one parameter, the event's id,
 * to be run in this order; ended by NULL. */
enum { JIG_SCHEMA_STATEMENTS = 4 };
const char *const *jig_schema_effects(enum jig_event_kind kind);

/* The derived tables, ended by NULL. The key of each is its column `event`. */
const char *const *jig_schema_derived(void);

/* Makes the derived tables in `schema`, with the indexes that the effects of events need. */
int jig_schema_make_derived(struct jig_store *store, const char *schema, struct jig_error *err);

#endif
