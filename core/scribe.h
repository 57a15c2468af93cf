/* What the journal's thread does with the disk: see journal.h, which alone uses this. Synchronous;
 * belongs to one thread at a time.
 */
#ifndef JIG_CORE_SCRIBE_H
#define JIG_CORE_SCRIBE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/emergency.h"
#include "core/journal.h"
#include "core/owner.h"

enum { JIG_SCRIBE_BATCH = 256 }; /* events in one commit */

struct jig_scribe {
    char *path;      /* NULL = in memory */
    bool shared;     /* in memory under that path */
    char *folder;    /* PATH.d, of the owners */
    char *emergency; /* folder */
    char *usual;     /* PATH.d/emergency, which it is where nothing else was said */
    char *elsewhere; /* PATH.d/elsewhere, a link to it where something was */
    char *head;      /* PATH.head */
    char *key;
    struct jig_owner owner; /* named, locked when it is open */
    struct jig_ledger *ledger;
    struct jig_emergency file;
    struct jig_error closed; /* why it is not open; JIG_OK = it is */
    int64_t again;           /* when opening may be tried again */
    struct jig_error notice; /* something that people must be told; JIG_OK = nothing */
    int64_t commits;
    int64_t unended;       /* what stood there without an end when it was opened */
    char (*diverted)[129]; /* sessions with events in the emergency file */
    size_t n_diverted;
    bool all_diverted; /* there was no memory to tell which */
    struct jig_event events[JIG_SCRIBE_BATCH];
    struct jig_entry *entries[JIG_SCRIBE_BATCH];
    struct jig_error results[JIG_SCRIBE_BATCH];
};

/* Names the owner; opens nothing. NULL with *err: no memory. */
struct jig_scribe *jig_scribe_new(const struct jig_journal_options *options, struct jig_error *err);

/* Opens everything and folds in what dead processes left. */
void jig_scribe_open(struct jig_scribe *scribe);

/* Does a little of what the first unit will need; false when there is no more of it. */
bool jig_scribe_warm(struct jig_scribe *scribe);

/* As if this process had been killed and another had opened the same journal: locks are given back
 * and nothing else, a new owner is named and takes its own, what the dead left is folded in. */
int jig_scribe_succeed(struct jig_scribe *scribe, struct jig_error *err);

/* Fills the outcomes of a list of entries. */
void jig_scribe_write(struct jig_scribe *scribe, struct jig_entry *list);

/* The kind of an entry that asks for a fold. */
enum { JIG_SCRIBE_FOLD = JIG_EVENT_KINDS };

/* Tries to fold in this process's own emergency file: the disk may be well again. If it is not, the
 * next start does it. Nothing is written after this. */
void jig_scribe_settle(struct jig_scribe *scribe);

/* Signs when `clean`, closes, frees. */
int jig_scribe_close(struct jig_scribe *scribe, bool clean, struct jig_error *err);

#endif
