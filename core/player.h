/* Programs that are played: who plays on a loop is asked about each program that is to be started
 * there (proc.h), and what it answers happens in place of the program, on the loop's clock alone.
 *
 * A played program has no process and no descriptor. All else of proc.h is done as with a real one:
 * its limit, TERM, the grace, KILL, the cap on what it prints.
 */
#ifndef JIG_CORE_PLAYER_H
#define JIG_CORE_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/child.h"
#include "core/error.h"
#include "core/loop.h"

struct jig_proc_options;

/* What a program does. */
struct jig_play {
    int64_t after;           /* ns until it ends by itself; JIG_FOREVER = never */
    int status;              /* with which, as waitpid tells it */
    bool deaf;               /* KILL alone ends it */
    struct jig_buf out, err; /* what it has printed as soon as it runs */
};

struct jig_player {
    /* 1 = *play, which was zeroed, says what it does; 0 = the real program is started; a failure =
     * it cannot be started, with *err. The buffers of *play are released by who asked. */
    int (*start)(void *data, const struct jig_proc_options *options, struct jig_play *play,
                 struct jig_error *err);
    void *data;
};

/* From now on this one is asked; NULL: nobody. Copied. 0 or JIG_ENOMEM. */
int jig_player_set(struct jig_loop *loop, const struct jig_player *player);

/* ---- for proc.c ---- */

/* As the player's `start`; 0 when there is none. */
int jig_player_ask(struct jig_loop *loop, const struct jig_proc_options *options,
                   struct jig_play *play, struct jig_error *err);

struct jig_played;

/* Begins to play; told and freed as a child is (child.h). NULL with *err: no memory. */
struct jig_played *jig_played_start(struct jig_loop *loop, const struct jig_play *play,
                                    jig_child_fn *fn, void *data, struct jig_error *err);

/* As jig_child_stop. */
void jig_played_stop(struct jig_played *played, int64_t grace);

/* A signal for it: KILL ends it, and so does any other unless it is deaf. */
void jig_played_signal(struct jig_played *played, int signum);

/* ---- for who plays ---- */

/* Played programs that have not ended; ends them all by KILL: they are told from the loop. */
size_t jig_played_count(struct jig_loop *loop);
void jig_played_kill(struct jig_loop *loop);

#endif
