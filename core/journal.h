/* The journal: everything that must not be forgotten, on its way to the disk.
 *
 * One per process. A thread of its own holds the ledger (ledger.h), the lock of this process's
 * sessions (owner.h) and the emergency file (emergency.h); it starts to open them when the journal
 * is opened, so that this costs the loop nothing. Events that wait together share one commit, whose
 * outcome each learns from the loop. On a simulated clock, or `here`, there is no thread: an append
 * works at once and its outcome comes in the next pass.
 */
#ifndef JIG_CORE_JOURNAL_H
#define JIG_CORE_JOURNAL_H

#include <stdbool.h>

#include "core/error.h"
#include "core/ledger.h"
#include "core/log.h"
#include "core/loop.h"

struct jig_journal;
struct jig_entry;
struct jig_scribe;

/* What is to become of an entry, for those who play the disk. */
enum jig_ruling {
    JIG_RULE_WRITE,  /* what else */
    JIG_RULE_REFUSE, /* the ledger does not take it, as on a disk that fails */
    JIG_RULE_LOSE,   /* it is nowhere */
    JIG_RULE_HIDE,   /* it is written, and nobody learns that: it looks as if it were nowhere */
};
typedef enum jig_ruling jig_rules_fn(void *data, const struct jig_entry *entry);

struct jig_journal_options {
    const char *path;      /* of the ledger; NULL = in memory, without owner and emergency file */
    const char *emergency; /* folder; NULL = PATH.d/emergency */
    const char *key; /* PEM of the Ed25519 key that signs the head at a clean end; NULL = none */
    bool here;       /* no thread */
    bool shared;     /* the ledger is in memory, under that path (JIG_STORE_SHARED); the owner's
                        lock and the emergency file are files */
    struct jig_scribe *scribe; /* an open one (scribe.h), lent to this journal, which writes `here`;
                                  the members above say nothing then */
    jig_rules_fn *rules;       /* is asked before an entry is written `here`; NULL = nobody is */
    void *data;
    const struct jig_log *log; /* must outlive the journal; NULL = none */
};

enum {
    JIG_JOURNAL_PATIENCE = 10, /* seconds to wait for another process's lock on the ledger */
    JIG_JOURNAL_LINGER = 20,   /* ms that a relaxed event waits for company */
    JIG_JOURNAL_RETRY = 1,     /* seconds between two tries to open it */
};

/* Begins to open it; does not wait for the disk. What fails there fails each append, with
 * JIG_ERECORD and the reason. NULL with *err: no memory, no thread. */
struct jig_journal *jig_journal_open(struct jig_loop *loop,
                                     const struct jig_journal_options *options,
                                     struct jig_error *err);

/* Where an event went. */
enum jig_kept { JIG_KEPT_NOWHERE, JIG_KEPT_JOURNAL, JIG_KEPT_EMERGENCY };

/* An event on its way. Zero it, fill it, append it; it is the caller's again when `done` is called,
 * once, from the loop. */
struct jig_entry {
    enum jig_event_kind kind;
    char session[129];
    int attempt;
    char *facts;  /* from jig_facts_take or malloc: the journal frees it, in any case. NULL (there
                     was no memory): an event that opens is refused, any other is kept as "{}" */
    bool relaxed; /* nobody waits for it: it goes with the next commit, within JIG_JOURNAL_LINGER */
    void (*done)(struct jig_entry *entry); /* NULL: the entry is freed (malloc) when it is kept; if
                                              it is not, the log says so */
    void *data;
    /* the outcome: JIG_OK in err.code when it is durable, in the journal or, for events other than
     * "started" and "opening", in the emergency file, where later ones of that session go, too.
     * JIG_EDUPLICATE and JIG_EMISUSE as in ledger.h; JIG_ERECORD: it is nowhere. Of the emergency
     * file the last three quarters are for outcomes: what tells of the way to one goes nowhere. */
    enum jig_kept kept;
    struct jig_error err;   /* also filled when it went to the emergency file: why */
    bool refused;           /* private */
    struct jig_entry *next; /* private */
    int64_t time;           /* private */
};
void jig_journal_append(struct jig_journal *journal, struct jig_entry *entry);

/* Folds in the emergency files of dead processes, as was done when the journal was opened: who has
 * taken over an owner (owner.h) must do this before it looks at what became of its sessions. Of the
 * entry only `done` and `data` are used; the outcome is JIG_OK or JIG_ERECORD. */
void jig_journal_fold(struct jig_journal *journal, struct jig_entry *entry);

/* The callback will not come: the entry, which must be malloc'ed, is freed when it is kept. */
void jig_journal_forget(struct jig_journal *journal, struct jig_entry *entry);

/* What this process is called in "opening" events, known at once; NULL in memory. Its lock's
 * descriptor, for children that must hold it; -1 before the first append has come back, and in
 * memory. */
const char *jig_journal_owner(const struct jig_journal *journal);
int jig_journal_lock(const struct jig_journal *journal);

/* Sessions and units that stood in the journal without an end when it was opened, of whomever: 0 =
 * there is nothing to recover. Known when the first append or fold has come back. */
int64_t jig_journal_unended(const struct jig_journal *journal);

/* Appends that have not come back. */
size_t jig_journal_busy(const struct jig_journal *journal);

/* Makes all that waits durable (but for a scribe that was lent, which is only given back), signs
 * the head when there is a key and `clean` (a copy goes to PATH.head), closes. Waits for the disk.
 * `done` is called for what still waits, and for what it appends then. Not from within a `done`.
 * NULL is harmless. JIG_OK, or why the head could not be signed. */
int jig_journal_close(struct jig_journal *journal, bool clean, struct jig_error *err);

/* Commits so far, and events in them. */
void jig_journal_counts(const struct jig_journal *journal, int64_t *commits, int64_t *events);

#endif
