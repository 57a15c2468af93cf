/* The gate: calls of the vendor's CLI, of all slots of this process and of all jig processes of the
 * host, queue for the seats of their token (seat.h). At most `calls` of this process run at once
 * besides, whatever their tokens.
 *
 * - In this process reports come first, then the commands of devices that wait already, then new
 *   devices; each in the order of their arrival.
 * - A seat that is given back goes to the next of this process, unless another process waits: that
 *   one is given 10 ms to take it.
 * - Waiting for another process ends by an event: inotify tells that the last descriptor of a
 *   seat's holder was closed, be it by its death. Without inotify the seats are tried each 50 ms.
 * - A CLI that outlives its jig keeps its seat until it ends. Past its deadline it is ended by who
 *   waits.
 * - A PIN that has not been accepted yet is tried by one call at a time, whatever the width: a few
 *   wrong tries block a token.
 * - A gate that is shut lets nobody in any more; it is so for all tokens of this process.
 */
#ifndef JIG_CORE_GATE_H
#define JIG_CORE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "core/log.h"
#include "core/loop.h"

struct jig_gate;

struct jig_gate_options {
    const char *token;         /* NULL = no seats: `calls` counts alone */
    const char *folder;        /* of the seats */
    int width;                 /* seats, 1 to JIG_SEATS_MAX */
    int64_t grace;             /* ns between TERM and KILL for an orphaned CLI */
    const struct jig_log *log; /* outlives the gate; may be NULL */
};

/* The gate of this loop, folder and token, made when nobody holds it; each holder closes it. What
 * the first holder said of width, grace and log holds. NULL with *err: see jig_seats_open. */
struct jig_gate *jig_gate_open(struct jig_loop *loop, const struct jig_gate_options *options,
                               struct jig_error *err);

/* Passages are to be left before. NULL is harmless. */
void jig_gate_close(struct jig_gate *gate);

enum jig_gate_order { JIG_GATE_REPORT, JIG_GATE_CONFIGURED, JIG_GATE_NEW };

/* One call's way through the gate. The struct is the caller's; zero it once. */
struct jig_passage {
    enum jig_gate_order order;
    const char *name; /* of the slot, for people; lives as long as the passage */
    size_t calls;     /* how many may be in, in this process; 0 = no limit */
    bool tries;       /* it tries a PIN: while none was accepted here, nobody else may be in */
    int64_t deadline; /* loop clock: how long it may wait */
    /* Told once, from the loop, after JIG_AGAIN: JIG_OK = it is in; JIG_ETOKEN = the deadline
     * passed, or the seats cannot be opened; or why the gate was shut. */
    void (*ended)(struct jig_passage *passage, int rc, const struct jig_error *err);
    void *data;
    /* private */
    struct jig_gate *gate; /* NULL = outside */
    struct jig_passage *next;
    struct jig_timer limit;
    bool in;
    int seat; /* -1 = none */
    int64_t since, waited;
};

/* JIG_OK = it is in; JIG_AGAIN = it waits, and is told; else why it cannot enter. */
int jig_gate_enter(struct jig_gate *gate, struct jig_passage *passage, struct jig_error *err);

/* It goes: its seat is free, or it waits no more and is not told. Harmless outside. */
void jig_gate_leave(struct jig_passage *passage);

/* Moves the deadline of one that waits. */
void jig_gate_limit(struct jig_passage *passage, int64_t deadline);

bool jig_gate_waits(const struct jig_passage *passage);

/* Its place in the queue of this process: 1 = next; 0 when it does not wait. */
size_t jig_gate_place(const struct jig_passage *passage);

/* ns that its latest way took, up to now when it waits. */
int64_t jig_gate_waited(const struct jig_passage *passage);

/* The descriptor that the CLI is to inherit; -1 = none. */
int jig_gate_seat(const struct jig_passage *passage);

/* Writes down which CLI runs for it, and in how many ns it should have ended, grace included. */
void jig_gate_calls(const struct jig_passage *passage, int64_t cli, int64_t within);

/* A PIN was accepted: those who try it need not go one by one any more. */
void jig_gate_accepted(struct jig_loop *loop);

/* Shuts the gates of this process, with the code and the reason that calls fail with from now on:
 * JIG_EPIN, or JIG_ECANCELLED when jig ends. Those who wait are told. The first reason stays. */
void jig_gate_shut(struct jig_loop *loop, enum jig_err rc, const char *why);

/* The code, with *err, when they are shut; also for calls that have no gate to pass. JIG_OK else.
 */
int jig_gate_check(struct jig_loop *loop, struct jig_error *err);

/* The reason; NULL while they are open. */
const char *jig_gate_is_shut(struct jig_loop *loop);

/* Calls fn for all that wait, of each gate the next first. */
void jig_gate_each(struct jig_loop *loop, void (*fn)(void *data, const char *name, size_t place),
                   void *data);

#endif
