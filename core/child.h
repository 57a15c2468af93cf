/* A child process, watched by the loop from start to reaping.
 *
 * An argument vector (no shell), its own session and process group, no controlling terminal but one
 * that is given, default signal dispositions, an empty signal mask, descriptors 0, 1, 2 as given
 * and those that are kept, no others; no core file unless it is said that it may leave one,
 * JIG_CHILD_FILES descriptors (soft). It shares jig's memory until it becomes its program (clone
 * with CLONE_VFORK, what posix_spawn does, with a stack that is made once and only the dispositions
 * that differ set: a quarter less time), so nothing is copied however large jig is. Its end is seen
 * through a pidfd in the loop. A session of its own means that a Ctrl-C at the terminal reaches jig
 * alone, and that a signal for the child reaches its helpers too.
 */
#ifndef JIG_CORE_CHILD_H
#define JIG_CORE_CHILD_H

#include "core/error.h"
#include "core/loop.h"
#include "core/pinned.h"
#include <stdbool.h>
#include <sys/types.h>

enum {
    JIG_CHILD_KEPT = 5,
    JIG_CHILD_FILES = 1024, /* descriptors that it may have unless it asks for more */
};

struct jig_child_options {
    const char *const *argv; /* NULL-terminated; argv[0] names the program */
    const char *const
        *env;        /* NULL-terminated "NAME=value"; NULL = what environment.h lets through */
    const char *cwd; /* NULL = jig's own */
    int stdio[3];    /* descriptors for 0, 1, 2, any of them; -1 = /dev/null. Not closed here */
    int kept[JIG_CHILD_KEPT]; /* n_kept descriptors that it has besides, at 3 and on: a lock's */
    size_t n_kept;
    bool terminal;             /* stdio[0] is a terminal, which becomes its controlling one, and
                                * whose hang-up it ignores */
    bool cores;                /* it may leave a core file where jig may */
    struct jig_pinned *pinned; /* what is run, by its descriptor, which takes a place of the kept
                                * ones; argv[0] is its name then. NULL = the program argv[0] */
};

struct jig_child;

/* Told once, from the loop, when the child has ended and was reaped. `status` is waitpid's. The
 * child is freed after this returns. */
typedef void jig_child_fn(void *data, int status);

/* Starts a child. A program without '/' is looked up in PATH. NULL with *err: JIG_ENOTFOUND (no
 * such file, or its interpreter, loader or cwd is missing), JIG_EDENIED (not executable),
 * JIG_ELIMIT (arguments too long), JIG_ESYSTEM. A pinned one that has changed: JIG_EDENIED. */
struct jig_child *jig_child_start(struct jig_loop *loop, const struct jig_child_options *options,
                                  jig_child_fn *fn, void *data, struct jig_error *err);

pid_t jig_child_pid(const struct jig_child *child);

/* TERM to its session now, KILL after `grace` ns unless it ended. May be called again to shorten
 * the grace. The callback still comes. */
void jig_child_stop(struct jig_child *child, int64_t grace);

/* The callback will not come; the child is stopped as above and reaped by the loop in its own time.
 */
void jig_child_abandon(struct jig_child *child, int64_t grace);

/* KILL, now, to all that were not yet reaped. They are told from the loop. */
void jig_child_kill_all(struct jig_loop *loop);

/* Children that were started and not yet reaped, abandoned ones included. */
size_t jig_child_count(struct jig_loop *loop);

#endif
