/* A port whose other end is played: `stage:NAME`. Who plays on a loop (one, with functions that
 * never wait) is told what is done to the port, and feeds it. The transport itself stands in
 * transports/stage.c.
 *
 * What the player does comes to the port in the next pass of the loop: so it may do it at any time,
 * also while it is told.
 */
#ifndef JIG_CORE_STAGE_H
#define JIG_CORE_STAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"
#include "core/loop.h"
#include "core/port.h"

/* Members as in struct jig_transport, with the name in place of the port: that of its address and,
 * behind a question mark, the options as they stand there. `write` that answered JIG_AGAIN is asked
 * again after jig_stage_writable. `control` answers JIG_AGAIN, and jig_stage_answered follows with
 * the same number, or a failure; one that is given up is not told. Their messages get the port's
 * name in front. None may be NULL. */
struct jig_stage_player {
    int (*open)(void *data, const char *name, struct jig_port_about *about, struct jig_error *err);
    int (*present)(void *data, const char *name, struct jig_error *err);
    int (*write)(void *data, const char *name, const void *bytes, size_t n, struct jig_error *err);
    int (*set)(void *data, const char *name, const struct jig_setting *setting,
               struct jig_error *err);
    int (*control)(void *data, const char *name, const struct jig_control *control, unsigned number,
                   struct jig_error *err);
    void (*close)(void *data, const char *name);
    void *data;
};

/* From now on ports are opened with this player, which outlives them; NULL: no more. 0 or
 * JIG_ENOMEM. */
int jig_stage_set(struct jig_loop *loop, const struct jig_stage_player *player);

/* Each does nothing and says JIG_ENOTFOUND where no port of that name is open, or being opened. */

/* Bytes arrive. JIG_ELIMIT: too many wait to be read (JIG_STAGE_CAP). */
enum { JIG_STAGE_CAP = 16 << 20 };
int jig_stage_feed(struct jig_loop *loop, const char *name, const void *bytes, size_t n);

/* Lost: reads say so behind what has arrived, writes at once. */
int jig_stage_lose(struct jig_loop *loop, const char *name, const char *why);

/* A write that would have blocked may be tried again. */
int jig_stage_writable(struct jig_loop *loop, const char *name);

/* What a device answered to the control request of that number: bytes, of which no more than were
 * asked for arrive; or a failure. JIG_ENOTFOUND also where nobody waits for it any more. */
int jig_stage_answered(struct jig_loop *loop, const char *name, unsigned number, const void *bytes,
                       size_t n, const struct jig_error *err);

/* Opening, which was under way, has ended; NULL = it is open. */
int jig_stage_opened(struct jig_loop *loop, const char *name, const struct jig_error *err);

/* All are lost, with what has arrived; those under way fail. */
void jig_stage_cut(struct jig_loop *loop, const char *why);

#endif
