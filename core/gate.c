/* See gate.h. What files there are stands in seat.c, how their changes are seen in gate_watch.c. */
#include "core/gate.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/gate_watch.h"
#include "core/process.h"
#include "core/seat.h"

enum { EAGER = 5 }; /* tries after an event, see try_again() */

/* How long who waits in another process has to take a seat. */
static const int64_t yield_time = 10 * (int64_t)JIG_MS;

/* Between two looks that no event asked for: where events come they are for a holder that died
 * while its CLI runs, of which none tells. */
static const int64_t look_watched = 250 * (int64_t)JIG_MS;
static const int64_t look_blind = 50 * (int64_t)JIG_MS;

/* Of a loop. */
struct gates {
    struct jig_gate *first;
    size_t in; /* passages that are in */
    bool accepted;
    bool shut;
    struct jig_error why;
};

struct jig_gate {
    struct jig_loop *loop;
    struct jig_gate *next;
    size_t holders;
    bool has_seats;
    struct jig_seats seats;
    int64_t grace;
    const struct jig_log *log;
    struct jig_passage *queue, *in;
    struct jig_deferred serve;
    struct jig_timer again;
    struct jig_gate_watch *watch;
    bool waits;         /* seats are taken: watched, marked, tried again */
    int eager;          /* tries that follow the latest event */
    int64_t not_before; /* it leaves its seats to other processes until then */
};

static const char gates_key;

static struct gates *gates_of(struct jig_loop *loop)
{
    return jig_loop_local(loop, &gates_key, sizeof(struct gates));
}

/* ---- the queue ---- */

static void enqueue(struct jig_gate *gate, struct jig_passage *p)
{
    struct jig_passage **link = &gate->queue;
    while (*link && (*link)->order <= p->order)
        link = &(*link)->next;
    p->next = *link;
    *link = p;
}

static void take_out(struct jig_passage **link, struct jig_passage *p)
{
    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    p->next = NULL;
}

bool jig_gate_waits(const struct jig_passage *p)
{
    return p->gate && !p->in;
}

size_t jig_gate_place(const struct jig_passage *p)
{
    size_t place = 1;
    if (!jig_gate_waits(p))
        return 0;
    for (const struct jig_passage *q = p->gate->queue; q != p; q = q->next)
        place++;
    return place;
}

int64_t jig_gate_waited(const struct jig_passage *p)
{
    return jig_gate_waits(p) ? jig_loop_now(p->gate->loop) - p->since : p->waited;
}

/* ---- what is told of it ---- */

/* "held by ...", for the message of one who waited too long. */
static void say_holder(const struct jig_gate *gate, char *text, size_t size)
{
    struct jig_seat_record r;
    if (gate->in) {
        snprintf(text, size, "held by slot %s of this jig", gate->in->name);
        return;
    }
    for (int i = 0; gate->has_seats && i < gate->seats.width; i++) {
        if (!jig_seats_read(&gate->seats, i, &r))
            continue;
        bool gone = !jig_process_lives(r.pid, r.start);
        snprintf(text, size, "held by jig (process %" PRId64 "%s%s", r.pid, gone ? ", gone" : "",
                 r.cli ? ")" : "), or by what its CLI left behind");
        if (gone && r.cli)
            snprintf(text, size,
                     "held by a CLI (process %" PRId64 ") whose jig (process %" PRId64 ") is gone",
                     r.cli, r.pid);
        return;
    }
    snprintf(text, size, "held by nobody that is known");
}

static int fail_late(const struct jig_passage *p, struct jig_error *err)
{
    const struct jig_gate *gate = p->gate;
    char holder[128];
    size_t place = jig_gate_place(p), length = 0;
    for (const struct jig_passage *q = gate->queue; q; q = q->next)
        length++;
    say_holder(gate, holder, sizeof holder);
    return jig_fail(err, JIG_ETOKEN,
                    "waited %.3g s at the gate%s%s%s: it is %s; place %zu of %zu in the queue",
                    (double)jig_gate_waited(p) / JIG_SECOND, gate->has_seats ? " of token '" : "",
                    gate->has_seats ? gate->seats.token : "", gate->has_seats ? "'" : "", holder,
                    place, length);
}

/* ---- waiting for other processes ---- */

static void wake(struct jig_gate *gate)
{
    if (gate->queue)
        jig_defer(gate->loop, &gate->serve);
}

static void changed(void *data)
{
    struct jig_gate *gate = data;
    gate->eager = EAGER;
    wake(gate);
}

/* Nobody of this process waits for a seat: it makes none wait either. */
static void rest(struct jig_gate *gate)
{
    jig_timer_stop(gate->loop, &gate->again);
    jig_gate_watch_free(gate->watch);
    gate->watch = NULL;
    gate->waits = false;
    gate->eager = 0;
    if (!gate->has_seats)
        return;
    jig_seats_mark(&gate->seats, false);
    jig_seats_rest(&gate->seats);
}

static void tell_orphan(const struct jig_gate *gate, const struct jig_seat_record *r)
{
    jig_log(gate->log, JIG_LOG_WARN,
            "token %s: a CLI (process %" PRId64 ") whose jig (process %" PRId64
            ") is gone did not end within its limit: ended",
            gate->seats.token, r->cli, r->pid);
}

/* Ends orphans whose time has come; the ns after which to look again. */
static int64_t look_after_orphans(struct jig_gate *gate)
{
    int64_t soonest = JIG_FOREVER;
    for (int i = 0; i < gate->seats.width; i++) {
        struct jig_seat_record ended = {0};
        int64_t wait = jig_seats_end_orphan(&gate->seats, i, gate->grace, &ended);
        if (ended.cli)
            tell_orphan(gate, &ended);
        if (wait < soonest)
            soonest = wait;
    }
    return soonest > JIG_MS ? soonest : JIG_MS;
}

/* All seats are taken, or left to others for a moment: when they are tried again. An event tells
 * that a file is being closed, a moment before its lock is gone: a few tries follow it. */
static void try_again(struct jig_gate *gate)
{
    int64_t now = jig_loop_now(gate->loop);
    int64_t wait = gate->watch ? look_watched : look_blind, orphan = look_after_orphans(gate);
    if (gate->eager > 0 && wait > (int64_t)JIG_MS << (EAGER - gate->eager))
        wait = (int64_t)JIG_MS << (EAGER - gate->eager--);
    if (orphan < wait)
        wait = orphan;
    if (gate->not_before > now && gate->not_before - now < wait)
        wait = gate->not_before - now;
    if (jig_timer_start(gate->loop, &gate->again, now + wait) < 0)
        jig_defer(gate->loop, &gate->serve); /* no memory: spin rather than wait for ever */
}

/* Simulated time stands still while something real is watched; there it is tried again. */
static void begin_to_wait(struct jig_gate *gate)
{
    gate->waits = true;
    if (!jig_loop_clock(gate->loop)->simulated)
        gate->watch =
            jig_gate_watch_new(gate->loop, gate->seats.folder, gate->seats.token, changed, gate);
}

/* A seat, or -1 where there are none to have; JIG_AGAIN. */
static int find_seat(struct jig_gate *gate, int *seat, struct jig_error *err)
{
    *seat = -1;
    if (!gate->has_seats)
        return JIG_OK;
    bool leaves_it = gate->not_before > jig_loop_now(gate->loop);
    int n = leaves_it ? JIG_AGAIN : jig_seats_take(&gate->seats, err);
    if (n == JIG_AGAIN && !gate->waits) { /* it may become free before it is watched */
        begin_to_wait(gate);
        n = leaves_it ? JIG_AGAIN : jig_seats_take(&gate->seats, err);
    }
    if (n == JIG_AGAIN) {
        jig_seats_mark(&gate->seats, true);
        try_again(gate);
    }
    *seat = n;
    return n < 0 ? n : JIG_OK;
}

/* ---- passing ---- */

static bool may_call(const struct jig_passage *p, const struct gates *gates)
{
    bool alone = p->tries && !gates->accepted;
    return alone ? gates->in == 0 : !p->calls || gates->in < p->calls;
}

static void let_in(struct jig_gate *gate, struct jig_passage *p, int seat)
{
    p->in = true;
    p->seat = seat;
    p->next = gate->in;
    gate->in = p;
    gates_of(gate->loop)->in++;
}

/* The first of the queue is in, or will not be. */
static void end_wait(struct jig_passage *p, int rc, int seat, const struct jig_error *err)
{
    struct jig_gate *gate = p->gate;
    p->waited = jig_gate_waited(p);
    jig_timer_stop(gate->loop, &p->limit);
    take_out(&gate->queue, p);
    if (rc == JIG_OK)
        let_in(gate, p, seat);
    else
        p->gate = NULL;
    p->ended(p, rc, err);
}

static void limit_passed(struct jig_timer *timer)
{
    struct jig_passage *p = timer->data;
    struct jig_gate *gate = p->gate;
    struct jig_error err;
    fail_late(p, &err);
    gate->holders++; /* who is told may close it */
    end_wait(p, JIG_ETOKEN, -1, &err);
    if (!gate->queue)
        rest(gate);
    jig_gate_close(gate);
}

/* Lets in who is next for as long as there are seats. */
static void serve(struct jig_deferred *deferred)
{
    struct jig_gate *gate = deferred->data;
    struct gates *gates = gates_of(gate->loop);
    int rc = JIG_OK;
    gate->holders++;
    while (gate->queue && rc != JIG_AGAIN) {
        struct jig_error err = gates->why;
        int seat = -1;
        if (!gates->shut && !may_call(gate->queue, gates))
            break; /* woken when one leaves */
        rc = gates->shut ? (int)err.code : find_seat(gate, &seat, &err);
        if (rc != JIG_AGAIN)
            end_wait(gate->queue, rc, seat, &err);
    }
    if (rc != JIG_AGAIN)
        rest(gate);
    jig_gate_close(gate);
}

static void serve_again(struct jig_timer *timer)
{
    struct jig_gate *gate = timer->data;
    serve(&gate->serve);
}

int jig_gate_enter(struct jig_gate *gate, struct jig_passage *p, struct jig_error *err)
{
    struct gates *gates = gates_of(gate->loop);
    int seat = -1, rc = JIG_AGAIN;
    p->waited = 0;
    if (jig_gate_check(gate->loop, err) < 0)
        return (int)err->code;
    if (!gate->queue && may_call(p, gates))
        rc = find_seat(gate, &seat, err);
    if (rc != JIG_OK && rc != JIG_AGAIN)
        return rc;
    p->gate = gate;
    p->in = false;
    if (rc == JIG_OK) {
        let_in(gate, p, seat);
        return rc;
    }
    p->since = jig_loop_now(gate->loop);
    p->limit.fire = limit_passed;
    p->limit.data = p;
    enqueue(gate, p);
    jig_gate_limit(p, p->deadline);
    return JIG_AGAIN;
}

void jig_gate_limit(struct jig_passage *p, int64_t deadline)
{
    if (jig_gate_waits(p) && jig_timer_start(p->gate->loop, &p->limit, deadline) < 0)
        jig_timer_start(p->gate->loop, &p->limit, jig_loop_now(p->gate->loop));
}

static void give_back(struct jig_gate *gate, int seat)
{
    bool wanted = jig_seats_wanted(&gate->seats);
    if (wanted)
        gate->not_before = jig_loop_now(gate->loop) + yield_time;
    jig_seats_give(&gate->seats, seat, gate->queue && !wanted);
}

void jig_gate_leave(struct jig_passage *p)
{
    struct jig_gate *gate = p->gate;
    if (!gate)
        return;
    if (p->in) {
        take_out(&gate->in, p);
        gates_of(gate->loop)->in--;
        if (p->seat >= 0)
            give_back(gate, p->seat);
    } else {
        p->waited = jig_gate_waited(p);
        jig_timer_stop(gate->loop, &p->limit);
        take_out(&gate->queue, p);
        if (!gate->queue)
            rest(gate);
    }
    p->gate = NULL;
    p->in = false;
    for (struct jig_gate *each = gates_of(gate->loop)->first; each; each = each->next)
        wake(each); /* `calls` counts those of all */
}

void jig_gate_accepted(struct jig_loop *loop)
{
    struct gates *gates = gates_of(loop);
    if (!gates || gates->accepted)
        return;
    gates->accepted = true;
    for (struct jig_gate *gate = gates->first; gate; gate = gate->next)
        wake(gate);
}

int jig_gate_seat(const struct jig_passage *p)
{
    return p->in && p->seat >= 0 ? p->gate->seats.seats[p->seat].fd : -1;
}

void jig_gate_calls(const struct jig_passage *p, int64_t cli, int64_t within)
{
    int64_t now = jig_seats_clock();
    if (p->in && p->seat >= 0)
        jig_seats_sign(&p->gate->seats, p->seat, cli,
                       within < JIG_FOREVER - now ? now + within : JIG_FOREVER);
}

/* ---- life ---- */

static struct jig_gate *find_gate(const struct gates *gates, const struct jig_gate_options *o)
{
    struct jig_gate *gate = gates->first;
    for (; gate; gate = gate->next)
        if (o->token ? gate->has_seats && strcmp(gate->seats.token, o->token) == 0 &&
                           strcmp(gate->seats.folder, o->folder) == 0
                     : !gate->has_seats)
            break;
    return gate;
}

static struct jig_gate *new_gate(struct jig_loop *loop, const struct jig_gate_options *o,
                                 struct jig_error *err)
{
    struct jig_gate *gate = calloc(1, sizeof *gate);
    if (!gate) {
        jig_fail(err, JIG_ENOMEM, "no memory for a gate");
        return NULL;
    }
    gate->loop = loop;
    gate->has_seats = o->token != NULL;
    gate->grace = o->grace;
    gate->log = o->log;
    gate->serve = (struct jig_deferred){.run = serve, .data = gate};
    gate->again = (struct jig_timer){.fire = serve_again, .data = gate};
    if (gate->has_seats && jig_seats_open(&gate->seats, o->folder, o->token, o->width, err) < 0) {
        free(gate);
        return NULL;
    }
    return gate;
}

struct jig_gate *jig_gate_open(struct jig_loop *loop, const struct jig_gate_options *options,
                               struct jig_error *err)
{
    struct gates *gates = gates_of(loop);
    struct jig_gate *gate = gates ? find_gate(gates, options) : NULL;
    if (!gates)
        jig_fail(err, JIG_ENOMEM, "no memory for a gate");
    if (gates && !gate && (gate = new_gate(loop, options, err))) {
        gate->next = gates->first;
        gates->first = gate;
    }
    if (gate)
        gate->holders++;
    return gate;
}

void jig_gate_close(struct jig_gate *gate)
{
    if (!gate || --gate->holders > 0)
        return;
    struct jig_gate **link = &gates_of(gate->loop)->first;
    while (*link != gate)
        link = &(*link)->next;
    *link = gate->next;
    rest(gate);
    jig_defer_cancel(gate->loop, &gate->serve);
    if (gate->has_seats)
        jig_seats_close(&gate->seats);
    free(gate);
}

/* ---- all gates ---- */

void jig_gate_shut(struct jig_loop *loop, enum jig_err rc, const char *why)
{
    struct gates *gates = gates_of(loop);
    if (!gates || gates->shut)
        return;
    gates->shut = true;
    jig_fail(&gates->why, rc, "not called: %s", why);
    for (struct jig_gate *gate = gates->first; gate; gate = gate->next)
        wake(gate);
}

const char *jig_gate_is_shut(struct jig_loop *loop)
{
    const struct gates *gates = gates_of(loop);
    return gates && gates->shut ? gates->why.text : NULL;
}

int jig_gate_check(struct jig_loop *loop, struct jig_error *err)
{
    const struct gates *gates = gates_of(loop);
    if (!gates || !gates->shut)
        return JIG_OK;
    *err = gates->why;
    return (int)err->code;
}

void jig_gate_each(struct jig_loop *loop, void (*fn)(void *data, const char *name, size_t place),
                   void *data)
{
    const struct gates *gates = gates_of(loop);
    for (const struct jig_gate *gate = gates ? gates->first : NULL; gate; gate = gate->next) {
        size_t place = 1;
        for (const struct jig_passage *p = gate->queue; p; p = p->next)
            fn(data, p->name, place++);
    }
}
