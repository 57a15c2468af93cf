/* Devices that come and go: who waits is told that *something* was plugged in or unplugged,
 * anywhere on this machine, and never what. It then looks again at what is so (jig_port_present):
 * events that are many, late, double or dropped by the kernel make no difference, and of two looks
 * at the same state the second costs little.
 *
 * There is one monitor for a loop, opened at first use (jig_arrival_source). Where none can be had,
 * who waits is told at intervals, as if something had changed. In simulated time nothing is told.
 */
#ifndef JIG_CORE_ARRIVAL_H
#define JIG_CORE_ARRIVAL_H

#include "core/error.h"
#include "core/log.h"
#include "core/loop.h"

enum {
    JIG_ARRIVAL_PAUSE_MS = 10, /* between two tellings at least: a burst of events is told once */
    JIG_ARRIVAL_LOOK_MS = 200, /* between two tellings without a monitor */
};

/* Told once, from the loop. The struct is the caller's; zero it once. */
struct jig_arrival_waiter {
    void (*fn)(void *data);
    void *data;
    uint64_t number;                  /* private */
    struct jig_arrival_waiter *next;  /* private */
    struct jig_arrival_waiter **link; /* private: NULL = does not wait */
};

/* How often something changed that was told, or could have been: two counts that differ mean that
 * one has to look again. The first call opens the monitor; what happens from then on is not missed,
 * also while nobody waits: then a call asks the monitor, after the pause, and without one the count
 * grows at the same intervals. While somebody waits it grows when that one is told, from the loop.
 * `log` may be NULL. 0 when there is no memory. */
uint64_t jig_arrival_count(struct jig_loop *loop, const struct jig_log *log);

/* Asks to be told of the next change. A waiter that waits already goes on. 0, JIG_ENOMEM, or why
 * the monitor cannot be watched (JIG_EDENIED, JIG_ESYSTEM...). */
int jig_arrival_wait(struct jig_loop *loop, const struct jig_log *log,
                     struct jig_arrival_waiter *waiter, struct jig_error *err);
void jig_arrival_unwait(struct jig_loop *loop, struct jig_arrival_waiter *waiter);

/* How many wait. */
size_t jig_arrival_waiters(struct jig_loop *loop);

/* Closes the monitor, before the loop is freed. Nobody waits any more. */
void jig_arrival_close(struct jig_loop *loop);

/* ---- where the events come from: transports/udev.c ---- */

struct jig_arrival_source {
    /* Opens a monitor: its private data, and a descriptor that is readable when there are events.
     * NULL with *err filled. */
    void *(*open)(int *fd, struct jig_error *err);

    /* Takes what has come, or a good part of it, without waiting. Whether a device was concerned;
     * also true when events were lost. */
    bool (*drain)(void *monitor);

    void (*close)(void *monitor);
};

extern const struct jig_arrival_source jig_arrival_source;

#endif
