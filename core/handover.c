/* See handover.h. */
#include "core/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/environment.h"
#include "core/prompt.h"
#include "core/pty.h"

static const struct jig_handing nothing = {.theirs = -1};

/* ---- by a descriptor ---- */

/* A pipe that nobody writes to any more. A page fits into any pipe: more is refused. */
static int fill_pipe(const struct jig_secret *secret, int *theirs)
{
    int ends[2];
    size_t n = jig_secret_size(secret);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return errno;
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    bool whole =
        write(ends[1], jig_secret_bytes(secret), n) == (ssize_t)n && write(ends[1], "\n", 1) == 1;
    int rc = whole ? 0 : errno;
    close(ends[1]);
    *theirs = ends[0];
    if (rc)
        close(ends[0]);
    return rc;
}

/* It stands first among the kept ones, which are the child's from 3 on. */
static void put_first(struct jig_child_options *child, int fd)
{
    memmove(child->kept + 1, child->kept, child->n_kept * sizeof *child->kept);
    child->kept[0] = fd;
    child->n_kept++;
}

static int by_descriptor(struct jig_handing *handing, const struct jig_handover *handover,
                         struct jig_child_options *child, struct jig_error *err)
{
    if (handover->descriptor && child->n_kept == JIG_CHILD_KEPT)
        return jig_fail(err, JIG_ELIMIT, "a child keeps at most %d descriptors", JIG_CHILD_KEPT);
    int sys = fill_pipe(handover->secret, &handing->theirs);
    if (sys) {
        handing->theirs = -1;
        return jig_fail_sys(err, sys, "cannot hand over a secret by a pipe");
    }
    if (handover->descriptor)
        put_first(child, handing->theirs);
    else
        child->stdio[0] = handing->theirs;
    return JIG_OK;
}

/* ---- by the environment ---- */

static bool is_named(const char *entry, const char *variable)
{
    size_t n = strlen(variable);
    return strncmp(entry, variable, n) == 0 && entry[n] == '=';
}

static int by_environment(struct jig_handing *handing, const struct jig_handover *handover,
                          struct jig_child_options *child, struct jig_error *err)
{
    const char *own[JIG_ENVIRONMENT_MAX + 1];
    const char *const *env = child->env;
    size_t n = 0, used = 0, name = strlen(handover->variable);
    size_t size = jig_secret_size(handover->secret);
    if (!env) {
        jig_environment(own);
        env = own;
    }
    while (env[n])
        n++;
    handing->env = calloc(n + 2, sizeof *handing->env);
    handing->entry = malloc(name + size + 2);
    handing->entry_size = name + size + 2;
    if (!handing->env || !handing->entry)
        return jig_fail(err, JIG_ENOMEM, "no memory for a program's environment");
    for (size_t i = 0; i < n; i++)
        if (!is_named(env[i], handover->variable))
            handing->env[used++] = env[i];
    memcpy(handing->entry, handover->variable, name);
    handing->entry[name] = '=';
    memcpy(handing->entry + name + 1, jig_secret_bytes(handover->secret), size);
    handing->entry[name + 1 + size] = '\0';
    handing->env[used] = handing->entry;
    child->env = handing->env;
    return JIG_OK;
}

/* ---- at a terminal ---- */

static int by_terminal(struct jig_handing *handing, struct jig_loop *loop,
                       struct jig_child_options *child, const struct jig_prompt_options *prompt,
                       struct jig_error *err)
{
    int ours, sys = jig_pty_open(&ours, &handing->theirs);
    if (sys)
        return jig_fail_sys(err, sys, "cannot make a terminal for a program");
    handing->prompt = jig_prompt_new(loop, ours, prompt, err);
    if (!handing->prompt)
        return JIG_ESYSTEM;
    child->stdio[0] = handing->theirs;
    child->terminal = true;
    return JIG_OK;
}

int jig_handover_begin(struct jig_handing *handing, const struct jig_handover *handover,
                       struct jig_loop *loop, struct jig_child_options *child,
                       const struct jig_handover_watch *watch, struct jig_error *err)
{
    int rc = JIG_OK;
    *handing = nothing;
    if (handover->way == JIG_HANDOVER_DESCRIPTOR)
        rc = by_descriptor(handing, handover, child, err);
    else if (handover->way == JIG_HANDOVER_ENVIRONMENT)
        rc = by_environment(handing, handover, child, err);
    else if (handover->way == JIG_HANDOVER_TERMINAL)
        rc = by_terminal(handing, loop, child,
                         &(struct jig_prompt_options){.text = handover->prompt,
                                                      .answer = handover->secret,
                                                      .cap = watch->cap,
                                                      .again = watch->again,
                                                      .flood = watch->flood,
                                                      .data = watch->data},
                         err);
    if (rc < 0) {
        jig_handover_started(handing);
        jig_handover_end(handing);
    }
    return rc;
}

static void close_theirs(struct jig_handing *handing)
{
    if (handing->theirs >= 0)
        close(handing->theirs);
    handing->theirs = -1;
}

/* A terminal that nobody has open is its program's no more: jig keeps it open for a program that is
 * given another standard input and asks at /dev/tty. */
void jig_handover_started(struct jig_handing *handing)
{
    if (!handing->prompt)
        close_theirs(handing);
    if (handing->entry)
        explicit_bzero(handing->entry, handing->entry_size);
    free(handing->entry);
    free(handing->env);
    handing->entry = NULL;
    handing->env = NULL;
}

bool jig_handover_unasked(const struct jig_handing *handing)
{
    return handing->prompt && !jig_prompt_was_asked(handing->prompt);
}

void jig_handover_end(struct jig_handing *handing)
{
    if (!handing->prompt)
        return;
    close_theirs(handing);
    jig_prompt_free(handing->prompt);
    handing->prompt = NULL;
}
