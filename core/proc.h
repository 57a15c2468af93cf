/* Runs a program to its end and keeps what it printed.
 *
 * stdin is /dev/null, unless a secret is handed over by it; stdout and stderr are kept apart, each
 * under a cap. Output is complete when the program has ended and its pipes are read dry, not at end
 * of file: a helper that it left behind may hold them open. A secret that it was given may stand
 * there. At the deadline, or over the cap, its session gets TERM and, after the grace, KILL.
 */
#ifndef JIG_CORE_PROC_H
#define JIG_CORE_PROC_H

#include "core/buf.h"
#include "core/child.h"
#include "core/error.h"
#include "core/handover.h"
#include "core/loop.h"
#include <stdbool.h>
#include <sys/types.h>

struct jig_proc_options {
    const char *const *argv; /* as in child.h */
    const char *const *env;
    const char *cwd;
    int64_t deadline;         /* loop clock; JIG_FOREVER = no limit */
    int64_t grace;            /* ns between TERM and KILL */
    size_t cap;               /* bytes kept of each stream */
    int kept[JIG_CHILD_KEPT]; /* as in child.h */
    size_t n_kept;
    bool cores;                          /* as in child.h */
    struct jig_pinned *pinned;           /* as in child.h */
    const struct jig_handover *handover; /* NULL = it gets no secret; outlives the program */
};

enum jig_proc_end { JIG_PROC_EXITED, JIG_PROC_SIGNALLED };
enum jig_proc_stop {
    JIG_PROC_NOT_STOPPED,
    JIG_PROC_TIMED_OUT,
    JIG_PROC_OVER_CAP,
    JIG_PROC_ASKED_AGAIN, /* for the secret that it had been given */
    JIG_PROC_STOPPED
};

/* Belongs to the proc and lives during the callback only; `out` and `err` may be taken by copying
 * the struct and zeroing the original. */
struct jig_proc_result {
    enum jig_proc_end end;
    int number;              /* the exit status, or the signal */
    enum jig_proc_stop stop; /* why jig ended it; NOT_STOPPED = it ended by itself */
    bool unasked; /* it was to be given a secret at its terminal, and did not ask for it */
    struct jig_buf out, err;
    int64_t started, ended; /* loop clock */
};

struct jig_proc;

typedef void jig_proc_fn(void *data, struct jig_proc_result *result);

/* NULL with *err filled when it could not be started (codes as in child.h). The callback comes
 * once, from the loop; the proc is freed after it. */
struct jig_proc *jig_proc_start(struct jig_loop *loop, const struct jig_proc_options *options,
                                jig_proc_fn *fn, void *data, struct jig_error *err);

/* 0 when there is none: the program is played (player.h). */
pid_t jig_proc_pid(const struct jig_proc *proc);

/* Sends a signal to the program itself. */
int jig_proc_signal(struct jig_proc *proc, int signum, struct jig_error *err);

/* Ends it early; the callback still comes, with stop = JIG_PROC_STOPPED. */
void jig_proc_stop(struct jig_proc *proc, int64_t grace);

/* Brings its deadline forward; a later one than it has changes nothing. */
void jig_proc_limit(struct jig_proc *proc, int64_t deadline);

/* The callback will not come. The program is ended and reaped by the loop. */
void jig_proc_abandon(struct jig_proc *proc);

/* Fills *err with a sentence about an end that is no plain exit ("ended by signal 9 (Killed)",
 * "its limit of 60 s passed", ...) and returns JIG_EKILLED, JIG_ETIMEOUT, JIG_ELIMIT, JIG_EPIN
 * or JIG_ECANCELLED; JIG_OK for an exit with any status. `what` names the program. */
int jig_proc_check(const struct jig_proc_result *result, const char *what, struct jig_error *err);

#endif
