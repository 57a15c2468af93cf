/* See arrival.h. The monitor's descriptor is watched only while somebody waits, and never in the
 * pause after a telling: what comes meanwhile stays with the kernel, and a flood of events costs
 * one look each 10 ms. What overflows there is told as a change, too. */
#include "core/arrival.h"

struct arrival {
    struct jig_loop *loop;
    struct jig_arrival_waiter *first, **end;
    size_t waiters;
    uint64_t count;   /* 0 = not begun */
    uint64_t numbers; /* given to waiters */
    void *monitor;    /* NULL = there is none: it is looked at intervals */
    int fd;
    struct jig_watch *watch;
    struct jig_timer timer; /* until it is watched again, or until the next look */
    int64_t next;           /* telling, not before */
    int64_t look;           /* without a monitor: the next look, whoever waits until then */
};

static const char key;

static int64_t after(const struct arrival *a, int64_t milliseconds)
{
    return jig_loop_now(a->loop) + milliseconds * JIG_MS;
}

static void rest(struct arrival *a)
{
    jig_watch_free(a->watch);
    a->watch = NULL;
    jig_timer_stop(a->loop, &a->timer);
}

/* Harmless when it does not wait. */
static void forget(struct arrival *a, struct jig_arrival_waiter *waiter)
{
    if (!waiter->link)
        return;
    *waiter->link = waiter->next;
    if (waiter->next)
        waiter->next->link = waiter->link;
    else
        a->end = waiter->link;
    waiter->link = NULL;
    a->waiters--;
}

/* One more change, or what could be one. */
static void add(struct arrival *a)
{
    a->count++;
    a->next = after(a, JIG_ARRIVAL_PAUSE_MS);
    a->look = after(a, JIG_ARRIVAL_LOOK_MS);
}

/* Those that wait now: who waits again while others are told is told the next time. */
static void tell(struct arrival *a)
{
    uint64_t last = a->numbers;
    add(a);
    rest(a);
    while (a->first && a->first->number <= last) {
        struct jig_arrival_waiter *waiter = a->first;
        forget(a, waiter);
        waiter->fn(waiter->data);
    }
}

static void heard(void *data, unsigned events)
{
    struct arrival *a = data;
    (void)events;
    if (jig_arrival_source.drain(a->monitor))
        tell(a);
}

/* Asks the loop for what comes next: the end of the pause, an event, or the next look. */
static int arm(struct arrival *a, struct jig_error *err)
{
    bool pause = a->monitor && jig_loop_now(a->loop) < a->next;
    if (a->watch || a->timer.place || jig_loop_clock(a->loop)->simulated)
        return JIG_OK;
    if (pause || !a->monitor) {
        int64_t when = pause ? a->next : a->look;
        if (jig_timer_start(a->loop, &a->timer, when) < 0)
            return jig_fail(err, JIG_ENOMEM, "no memory to wait for devices");
        return JIG_OK;
    }
    struct jig_error why;
    a->watch = jig_watch_new(a->loop, a->fd, heard, a, &why);
    if (!a->watch)
        return jig_fail(err, why.code, "%s", why.text);
    jig_watch_want(a->watch, JIG_READABLE);
    return JIG_OK;
}

/* The pause is over, or it is time to look. What cannot be watched is told: whoever waits sees why
 * when it waits again. */
static void due(struct jig_timer *timer)
{
    struct arrival *a = timer->data;
    if (!a->monitor || arm(a, NULL) < 0)
        tell(a);
}

static void begin(struct arrival *a, struct jig_loop *loop, const struct jig_log *log)
{
    struct jig_error why;
    *a = (struct arrival){.loop = loop, .count = 1, .fd = -1};
    a->end = &a->first;
    a->timer = (struct jig_timer){.fire = due, .data = a};
    if (jig_loop_clock(loop)->simulated)
        return;
    a->look = after(a, JIG_ARRIVAL_LOOK_MS);
    a->monitor = jig_arrival_source.open(&a->fd, &why);
    if (!a->monitor)
        jig_log(log, JIG_LOG_DEBUG, "devices are looked for every %d ms: %s", JIG_ARRIVAL_LOOK_MS,
                why.text);
}

static struct arrival *arrival_of(struct jig_loop *loop, const struct jig_log *log)
{
    struct arrival *a = jig_loop_local(loop, &key, sizeof(struct arrival));
    if (a && !a->count)
        begin(a, loop, log);
    return a;
}

/* While somebody waits the loop looks, and tells. Who asks again and again finds no more of a flood
 * than one who waits, and so waits in between, and lets others go on. */
static bool has_changed(const struct arrival *a)
{
    int64_t now = jig_loop_now(a->loop);
    if (a->first || jig_loop_clock(a->loop)->simulated)
        return false;
    if (!a->monitor)
        return now >= a->look;
    return now >= a->next && jig_arrival_source.drain(a->monitor);
}

uint64_t jig_arrival_count(struct jig_loop *loop, const struct jig_log *log)
{
    struct arrival *a = arrival_of(loop, log);
    if (a && has_changed(a))
        add(a);
    return a ? a->count : 0;
}

int jig_arrival_wait(struct jig_loop *loop, const struct jig_log *log,
                     struct jig_arrival_waiter *waiter, struct jig_error *err)
{
    struct arrival *a = arrival_of(loop, log);
    if (!a)
        return jig_fail(err, JIG_ENOMEM, "no memory to wait for devices");
    if (waiter->link)
        return JIG_OK;
    int code = arm(a, err);
    if (code < 0)
        return code;
    waiter->number = ++a->numbers;
    waiter->next = NULL;
    waiter->link = a->end;
    *a->end = waiter;
    a->end = &waiter->next;
    a->waiters++;
    return JIG_OK;
}

void jig_arrival_unwait(struct jig_loop *loop, struct jig_arrival_waiter *waiter)
{
    struct arrival *a = waiter->link ? arrival_of(loop, NULL) : NULL;
    if (!a)
        return;
    forget(a, waiter);
    if (!a->waiters)
        rest(a);
}

size_t jig_arrival_waiters(struct jig_loop *loop)
{
    const struct arrival *a = jig_loop_local(loop, &key, sizeof(struct arrival));
    return a ? a->waiters : 0;
}

void jig_arrival_close(struct jig_loop *loop)
{
    struct arrival *a = jig_loop_local(loop, &key, sizeof(struct arrival));
    if (!a || !a->count)
        return;
    rest(a);
    if (a->monitor)
        jig_arrival_source.close(a->monitor);
    a->monitor = NULL;
    a->count = 0;
}
