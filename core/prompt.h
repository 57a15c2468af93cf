/* Answers a program that asks for a secret at its terminal: see handover.h. */
#ifndef JIG_CORE_PROMPT_H
#define JIG_CORE_PROMPT_H

#include <stdbool.h>

#include "core/error.h"
#include "core/loop.h"
#include "core/secret.h"

struct jig_prompt;

struct jig_prompt_options {
    const char *text; /* outlives it */
    struct jig_secret *answer;
    size_t cap;                /* bytes that it may print there */
    void (*again)(void *data); /* it asked a second time; */
    void (*flood)(void *data); /* it printed more. One of them is called, once, and may free it */
    void *data;
};

/* Watches the terminal `fd`, jig's end, which it closes at the end. NULL with *err: JIG_ESYSTEM,
 * JIG_ENOMEM, and the descriptor is closed. */
struct jig_prompt *jig_prompt_new(struct jig_loop *loop, int fd,
                                  const struct jig_prompt_options *options, struct jig_error *err);
bool jig_prompt_was_asked(const struct jig_prompt *prompt); /* its text was printed */
void jig_prompt_free(struct jig_prompt *prompt);            /* NULL is harmless */

#endif
