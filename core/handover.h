/* How a program gets a secret: by a descriptor, by its environment, or at its terminal, where it
 * asks for it. Never by an argument, which everybody can read.
 *
 * - Descriptor: a pipe that holds the secret, a line end behind it, and then its end.
 * - Environment: NAME=secret, which root and the program's user can read as long as it runs.
 * - Terminal: a pseudo-terminal of its own, its standard input and its controlling terminal. When
 *   the prompt was printed there the secret is typed, once the program shows no more what is typed,
 *   or JIG_HANDOVER_PATIENCE later: what it echoes reaches jig alone, which drops it. It is typed
 *   once: a program that asks again has refused it, and is ended.
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

#define JIG_HANDOVER_PATIENCE (200 * JIG_MS)

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

/* Before the child is started: changes its options. `again` is called with `data`, from the loop,
 * when the program asks a second time. 0; JIG_ESYSTEM, JIG_ENOMEM with nothing to release. */
int jig_handover_begin(struct jig_handing *handing, const struct jig_handover *handover,
                       struct jig_loop *loop, struct jig_child_options *child,
                       void (*again)(void *data), void *data, struct jig_error *err);

/* It was started, or could not be: clears and closes what was for the child alone. */
void jig_handover_started(struct jig_handing *handing);

/* Whether its terminal has not shown the prompt, so that nothing was typed. */
bool jig_handover_unasked(const struct jig_handing *handing);

/* The program has ended: closes its terminal. After this `again` is not called. */
void jig_handover_end(struct jig_handing *handing);

#endif
