/* The one event loop: descriptors, deadlines, signals, name look-ups and deferred calls.
 *
 * Stands on epoll for descriptors and on libuv for signals and look-ups; no other file sees these.
 * Rules that hold for everything here:
 * - Callbacks run only from jig_loop_step(), never from inside a call that registers them.
 * - A callback may start, stop and free anything, itself included.
 * - Deadlines are absolute times of the loop's clock (clock.h); they fire at or after their time,
 *   never before it. With a simulated clock the time jumps to the next deadline when nothing is
 *   ready and nothing real (descriptor, look-up) is being waited for.
 * One loop belongs to one thread.
 */
#ifndef JIG_CORE_LOOP_H
#define JIG_CORE_LOOP_H

#include "core/clock.h"
#include "core/error.h"
#include <stdbool.h>
#include <stddef.h>

struct jig_loop;

/* A new loop on the real clock, or NULL with *err filled. */
struct jig_loop *jig_loop_new(struct jig_error *err);

/* Frees the loop. Everything registered must have been stopped and freed by its owner before;
 * what libuv still has to close is closed here. */
void jig_loop_free(struct jig_loop *loop);

struct jig_clock *jig_loop_clock(struct jig_loop *loop);
int64_t jig_loop_now(struct jig_loop *loop);

/* One pass: waits until something is ready or the earliest of `deadline` and the deadlines that
 * were started has come (deadline 0: looks without waiting), then runs the callbacks that are due.
 * False when there was nothing to wait for: no deadline, no wanted descriptor, no look-up. */
bool jig_loop_step(struct jig_loop *loop, int64_t deadline);

/* Whether anything can still happen by itself: a deadline, a deferred call, a wanted descriptor, a
 * look-up, a bell. */
bool jig_loop_pending(const struct jig_loop *loop);

/* How many of each are registered now: to see that nothing was left behind. */
size_t jig_loop_timers(const struct jig_loop *loop);
size_t jig_loop_watches(const struct jig_loop *loop);

/* Memory of `size` bytes that belongs to the loop and the key (any address that identifies the
 * caller): zeroed at the first call, the same at each later one, freed with the loop. NULL when
 * there is no memory or too many keys are in use. */
void *jig_loop_local(struct jig_loop *loop, const void *key, size_t size);

/* ---- deadlines. The struct is the caller's; zero it once. ---- */

struct jig_timer {
    int64_t deadline;
    void (*fire)(struct jig_timer *timer); /* runs once; the timer is stopped before */
    void *data;
    size_t place; /* private: 1-based place in the heap, 0 = not started */
};

/* Starts or moves the timer. 0, or JIG_ENOMEM (the timer is then stopped). A deadline of
 * JIG_FOREVER stops it. One that has come already fires in the same pass when it is started by a
 * timer that fires: a timer that starts itself again must choose a later time. */
int jig_timer_start(struct jig_loop *loop, struct jig_timer *timer, int64_t deadline);
void jig_timer_stop(struct jig_loop *loop, struct jig_timer *timer);

/* ---- calls that run in the next pass. The struct is the caller's; zero it once. ---- */

struct jig_deferred {
    void (*run)(struct jig_deferred *deferred);
    void *data;
    struct jig_deferred *next;  /* private */
    struct jig_deferred **link; /* private: NULL = not waiting */
};

void jig_defer(struct jig_loop *loop, struct jig_deferred *deferred); /* twice is once */
void jig_defer_cancel(struct jig_loop *loop, struct jig_deferred *deferred);

/* ---- descriptors ---- */

enum { JIG_READABLE = 1, JIG_WRITABLE = 2 };

struct jig_watch;

/* Told `events` that are ready (level-triggered). An error or hang-up is told as all events that
 * are wanted: the next read or write says what happened. */
typedef void jig_watch_fn(void *data, unsigned events);

/* Watches fd, which the caller keeps open and closes AFTER jig_watch_free (a descriptor that is
 * closed while it is watched haunts epoll). Nothing is told until jig_watch_want. fd must be
 * pollable: regular files and /dev/null are refused. NULL with *err filled on failure. */
struct jig_watch *jig_watch_new(struct jig_loop *loop, int fd, jig_watch_fn *fn, void *data,
                                struct jig_error *err);

/* Chooses the events that are told from the next pass on; 0 = none. */
void jig_watch_want(struct jig_watch *watch, unsigned events);

/* Stops and frees; no callback after it. The descriptor is out of the loop when this returns. */
void jig_watch_free(struct jig_watch *watch); /* NULL is harmless */

/* ---- signals ---- */

/* Calls fn(data, signum) from the loop for each arrival of signum, for the rest of the loop's life.
 * 0 or a negative code. */
int jig_loop_signal(struct jig_loop *loop, int signum, void (*fn)(void *data, int signum),
                    void *data, struct jig_error *err);

/* ---- name look-up, on libuv's thread pool ---- */

struct jig_lookup;
struct addrinfo;

/* Told once: `found` (freed by the caller with freeaddrinfo) or NULL and *err. */
typedef void jig_lookup_fn(void *data, struct addrinfo *found, const struct jig_error *err);

/* Looks up host:service for stream sockets. Numeric hosts need no look-up: use getaddrinfo with
 * AI_NUMERICHOST first. NULL with *err filled when it could not be started. */
struct jig_lookup *jig_lookup_start(struct jig_loop *loop, const char *host, const char *service,
                                    jig_lookup_fn *fn, void *data, struct jig_error *err);

/* The callback will not come; what the pool still does is discarded. Only before the callback. */
void jig_lookup_cancel(struct jig_lookup *lookup);

/* Whether the pool still does one, a cancelled one included. It cannot be ended: the loop's end,
 * and exit(), wait for it, as long as the resolver takes. */
bool jig_loop_looks_up(const struct jig_loop *loop);

/* ---- calls from another thread ---- */

struct jig_bell;

/* Makes a bell that calls fn(data) from the loop after it was rung. NULL with *err filled. */
struct jig_bell *jig_bell_new(struct jig_loop *loop, void (*fn)(void *data), void *data,
                              struct jig_error *err);

/* The only call of this file that any thread may make. Many rings before the next pass are one. */
void jig_bell_ring(struct jig_bell *bell);

/* Whether a ring is being waited for: a thread is at work, and the loop must neither say that there
 * is nothing left nor let simulated time pass. It is not when the bell is new. */
void jig_bell_want(struct jig_bell *bell, bool wanted);

/* No callback after it, and nobody may ring any more. NULL is harmless. */
void jig_bell_free(struct jig_bell *bell);

#endif
