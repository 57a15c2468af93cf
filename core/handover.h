/* How a program gets a secret: by a descriptor, by its environment, or at its terminal, where it
 * asks for it. Never by an argument, which everybody can read.
 *
 * - Descriptor: a pipe that holds the secret, a line end behind it, and then its end.
 * - Environment: NAME=secret, which root and the program's user can read as long as it runs.
 * - Terminal: a pseudo-terminal of its own, its standard input and its controlling terminal. When
 *   the prompt was printed there the secret is typed, once the program shows no more what is typed,
 *   or JIG_HANDOVER_PATIENCE later, for one that never does: what it echoes reaches jig alone,
 * which drops it. It is typed once: a program that asks again has refused it, and is ended. SIGHUP
 * is ignored there until the program says otherwise, for jig's death closes the terminal in the
 * middle of a call.
 */
#ifndef JIG_CORE_HANDOVER_H
#define JIG_CORE_HANDOVER_H

#include "core/child.h"
#include "core/error.h"
#include "core/loop.h"
#include "core/secret.h"

enum {
    JIG_HANDOVER_PROMPT = 128, /* bytes of a prompt, at most */
};

#define JIG_HANDOVER_PATIENCE (2 * JIG_SECOND)

enum jig_handover_way {
    JIG_HANDOVER_NONE,
    JIG_HANDOVER_DESCRIPTOR,
    JIG_HANDOVER_ENVIRONMENT,
    JIG_HANDOVER_TERMINAL,
};

struct jig_handover {
    struct jig_secret *secret;
    enum jig_handover_way way;
    int descriptor;       /* 0, or 3: the first behind the standard ones */
    const char *variable; /* its name */
    const char *prompt;   /* what the program prints when it asks; 1 to JIG_HANDOVER_PROMPT bytes */
};

/* One program's handover. */
struct jig_handing {
    const char **env; /* the child's: its last entry is the secret's */
    char *entry;
    size_t entry_size;
    int theirs;                /* the descriptor that the child gets; closed by _started, a
                                * terminal's by _end */
    struct jig_prompt *prompt; /* at a terminal */
};

/* What a program at its terminal may do; told from the loop, at most one of them, once. */
struct jig_handover_watch {
    size_t cap;                /* bytes that it may print there */
    void (*again)(void *data); /* it asked a second time */
    void (*flood)(void *data); /* it printed more than the cap */
    void *data;
};

/* Before the child is started: changes its options. 0; JIG_ESYSTEM, JIG_ENOMEM with nothing to
 * release. */
int jig_handover_begin(struct jig_handing *handing, const struct jig_handover *handover,
                       struct jig_loop *loop, struct jig_child_options *child,
                       const struct jig_handover_watch *watch, struct jig_error *err);

/* It was started, or could not be: clears and closes what was for the child alone. */
void jig_handover_started(struct jig_handing *handing);

/* Whether its terminal has not shown the prompt, so that nothing was typed. */
bool jig_handover_unasked(const struct jig_handing *handing);

/* The program has ended: closes its terminal. After this nothing is told. */
void jig_handover_end(struct jig_handing *handing);

#endif
