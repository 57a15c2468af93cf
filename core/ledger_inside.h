/* What the files of the ledger share: ledger.c, ledger_rules.c, ledger_verify.c, ledger_prune.c,
 * ledger_sign.c. */
#ifndef JIG_CORE_LEDGER_INSIDE_H
#define JIG_CORE_LEDGER_INSIDE_H

#include "core/chain.h"
#include "core/ledger.h"
#include "core/schema.h"

enum jig_ledger_query {
    JIG_LEDGER_LAST,
    JIG_LEDGER_INSERT,
    JIG_LEDGER_LOOK,
    JIG_LEDGER_TAKEN,
    JIG_LEDGER_QUERIES
};

struct jig_ledger {
    struct jig_store *store;
    /* prepared on first use */
    struct jig_query *queries[JIG_LEDGER_QUERIES];
    struct jig_query *effects[JIG_EVENT_KINDS][JIG_SCHEMA_STATEMENTS];
};

/* A query that is kept. NULL with *err. */
struct jig_query *jig_ledger_query(struct jig_ledger *ledger, enum jig_ledger_query which,
                                   const char *sql, struct jig_error *err);

/* Whether the event may come now: JIG_OK, JIG_EDUPLICATE, JIG_EMISUSE; or why that is not known. */
int jig_ledger_allows(struct jig_ledger *ledger, const struct jig_event *event,
                      struct jig_error *err);

/* Within a transaction: the chain as it stands; an event behind it, with its effects. What fails
 * leaves the chain as it was, and rows that only ending the transaction or a savepoint removes. */
int jig_ledger_tail(struct jig_ledger *ledger, struct jig_chain *chain, struct jig_error *err);
int jig_ledger_add(struct jig_ledger *ledger, struct jig_chain *chain,
                   const struct jig_event *event, struct jig_error *err);

#endif
