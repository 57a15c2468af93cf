/* What the files of the ledger share: ledger.c appends, and ledger_*.c. */
#ifndef JIG_CORE_LEDGER_INSIDE_H
#define JIG_CORE_LEDGER_INSIDE_H

#include "core/chain.h"
#include "core/ledger.h"
#include "core/schema.h"
#include "core/sign.h"

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

/* What is signed of a head, at `text`, which has JIG_HEAD_TEXT bytes; how many it is. */
enum { JIG_HEAD_TEXT = 128 };
size_t jig_ledger_head_text(char *text, int64_t event, const uint8_t *hash);

/* SHA-256 over all rows of `kept`, with the types of their columns, in hex and with a NUL. */
int jig_ledger_kept_hash(struct jig_ledger *ledger, char *hex, struct jig_error *err);

/* ---- what verify looks at. 0 = right, 1 = wrong and report->text says what, or a code ---- */

int jig_ledger_wrong(struct jig_ledger_report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The tables and indexes are those that this version makes. */
int jig_ledger_check_schema(struct jig_ledger *ledger, struct jig_ledger_report *report,
                            struct jig_error *err);
/* Each derived row is the one in schema temp, and none is missing. */
int jig_ledger_check_rows(struct jig_ledger *ledger, struct jig_ledger_report *report,
                          struct jig_error *err);
/* The file's own structure is whole: an index that lacks a row would let a duplicate pass. */
int jig_ledger_check_file(struct jig_ledger *ledger, struct jig_ledger_report *report,
                          struct jig_error *err);
/* Each head is that of its event, and its signature is right. Sets signed_through to the last that
 * is signed by `trusted`, or by anybody where that is NULL. */
int jig_ledger_check_heads(struct jig_ledger *ledger, const struct jig_key *trusted,
                           struct jig_ledger_report *report, struct jig_error *err);

/* SQL: whether the session `s` was made, or may have been, and no other has opened with its serial
 * since: those that were refused opened nothing. */
#define JIG_LEDGER_MADE                                                                            \
    "(s.state = 'finished' OR s.state = 'settled' AND EXISTS (SELECT 1 FROM main.event"            \
    " WHERE session = s.id AND attempt = s.attempt AND kind = 'finishing'))"                       \
    " AND NOT EXISTS (SELECT 1 FROM main.session AS later WHERE later.serial = s.serial"           \
    " AND later.event > s.event AND later.state <> 'refused')"

#endif
