/* See loop.h. libuv does the waiting; deadlines are kept here, since libuv's have whole
 * milliseconds and cannot be simulated. */
#include "core/loop.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { MAX_SIGNALS = 8, MAX_LOCALS = 8 };

struct local {
    const void *key;
    void *value;
};

struct signal_entry {
    uv_signal_t handle;
    void (*fn)(void *data, int signum);
    void *data;
};

struct jig_loop {
    uv_loop_t uv;
    uv_timer_t wake;
    struct jig_clock clock;
    struct jig_timer **heap; /* 1-based binary heap by deadline */
    size_t timers, heap_size;
    struct jig_deferred *deferred, **deferred_end;
    size_t outside; /* wanted descriptors and look-ups under way */
    size_t events;  /* callbacks that libuv made since the loop began */
    struct signal_entry signals[MAX_SIGNALS];
    size_t signal_count;
    struct local locals[MAX_LOCALS];
};

struct jig_watch {
    uv_poll_t poll;
    struct jig_loop *loop;
    jig_watch_fn *fn;
    void *data;
    unsigned wanted;
};

struct jig_lookup {
    uv_getaddrinfo_t request;
    struct jig_loop *loop;
    jig_lookup_fn *fn; /* NULL = cancelled */
    void *data;
    char host[256];
};

static int fail_uv(struct jig_error *err, int status, const char *what)
{
    return jig_fail_sys(err, -status, "%s", what);
}

/* ---- the heap of deadlines ---- */

static void put(struct jig_loop *loop, size_t place, struct jig_timer *timer)
{
    loop->heap[place] = timer;
    timer->place = place;
}

static void sift_up(struct jig_loop *loop, struct jig_timer *timer, size_t place)
{
    while (place > 1 && loop->heap[place / 2]->deadline > timer->deadline) {
        put(loop, place, loop->heap[place / 2]);
        place /= 2;
    }
    put(loop, place, timer);
}

static void sift_down(struct jig_loop *loop, struct jig_timer *timer, size_t place)
{
    for (;;) {
        size_t child = 2 * place;
        if (child > loop->timers)
            break;
        if (child < loop->timers && loop->heap[child + 1]->deadline < loop->heap[child]->deadline)
            child++;
        if (loop->heap[child]->deadline >= timer->deadline)
            break;
        put(loop, place, loop->heap[child]);
        place = child;
    }
    put(loop, place, timer);
}

void jig_timer_stop(struct jig_loop *loop, struct jig_timer *timer)
{
    size_t place = timer->place;
    if (!place)
        return;
    timer->place = 0;
    struct jig_timer *last = loop->heap[loop->timers--];
    if (last == timer)
        return;
    if (place > 1 && loop->heap[place / 2]->deadline > last->deadline)
        sift_up(loop, last, place);
    else
        sift_down(loop, last, place);
}

int jig_timer_start(struct jig_loop *loop, struct jig_timer *timer, int64_t deadline)
{
    jig_timer_stop(loop, timer);
    if (deadline == JIG_FOREVER)
        return JIG_OK;
    if (loop->timers + 1 >= loop->heap_size) {
        size_t size = loop->heap_size ? 2 * loop->heap_size : 64;
        struct jig_timer **heap = realloc(loop->heap, size * sizeof(struct jig_timer *));
        if (!heap)
            return JIG_ENOMEM;
        loop->heap = heap;
        loop->heap_size = size;
    }
    timer->deadline = deadline;
    sift_up(loop, timer, ++loop->timers);
    return JIG_OK;
}

static int64_t next_deadline(const struct jig_loop *loop)
{
    return loop->timers ? loop->heap[1]->deadline : JIG_FOREVER;
}

static void fire_due(struct jig_loop *loop)
{
    int64_t now = jig_clock_now(&loop->clock);
    while (loop->timers && loop->heap[1]->deadline <= now) {
        struct jig_timer *timer = loop->heap[1];
        jig_timer_stop(loop, timer);
        timer->fire(timer);
    }
}

/* ---- deferred calls ---- */

void jig_defer(struct jig_loop *loop, struct jig_deferred *deferred)
{
    if (deferred->link)
        return;
    deferred->next = NULL;
    deferred->link = loop->deferred_end;
    *loop->deferred_end = deferred;
    loop->deferred_end = &deferred->next;
}

void jig_defer_cancel(struct jig_loop *loop, struct jig_deferred *deferred)
{
    if (!deferred->link)
        return;
    *deferred->link = deferred->next;
    if (deferred->next)
        deferred->next->link = deferred->link;
    else
        loop->deferred_end = deferred->link;
    deferred->link = NULL;
}

/* Runs those that waited when the pass began; what they defer waits for the next pass. */
static void run_deferred(struct jig_loop *loop)
{
    struct jig_deferred barrier = {0};
    if (!loop->deferred)
        return;
    jig_defer(loop, &barrier);
    while (loop->deferred != &barrier) {
        struct jig_deferred *deferred = loop->deferred;
        jig_defer_cancel(loop, deferred);
        deferred->run(deferred);
    }
    jig_defer_cancel(loop, &barrier);
}

/* ---- the pass ---- */

/* libuv runs timers that are due before it polls, too. When this thread was held up so long that
 * this is one of them, nothing would end the poll that follows: stopping makes it return at once.
 */
static void woken(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

/* Waits in libuv until `target` at most. Milliseconds round up, so that it does not spin. */
static void wait_real(struct jig_loop *loop, int64_t target, bool look_only)
{
    if (!look_only && target != JIG_FOREVER) {
        int64_t left = target - jig_clock_now(&loop->clock);
        if (left > 0) {
            uv_update_time(&loop->uv);
            uv_timer_start(&loop->wake, woken, (uint64_t)(left / JIG_MS + 1), 0);
        } else {
            look_only = true;
        }
    }
    uv_run(&loop->uv, look_only ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    uv_timer_stop(&loop->wake);
}

/* With a simulated clock real things come first; when there are none, time moves on. */
static void wait_simulated(struct jig_loop *loop, int64_t target, bool look_only)
{
    size_t before = loop->events;
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    if (look_only || loop->events != before || target <= jig_clock_now(&loop->clock))
        return;
    if (loop->outside)
        uv_run(&loop->uv, UV_RUN_ONCE);
    else
        jig_clock_advance(&loop->clock, target);
}

bool jig_loop_step(struct jig_loop *loop, int64_t deadline)
{
    int64_t first = next_deadline(loop);
    int64_t target = deadline < first ? deadline : first;
    bool look_only = loop->deferred != NULL;
    bool something = look_only || target != JIG_FOREVER || loop->outside > 0;
    if (loop->clock.simulated)
        wait_simulated(loop, target, look_only || !something);
    else
        wait_real(loop, target, look_only || !something);
    run_deferred(loop);
    fire_due(loop);
    return something;
}

struct jig_clock *jig_loop_clock(struct jig_loop *loop)
{
    return &loop->clock;
}

int64_t jig_loop_now(struct jig_loop *loop)
{
    return jig_clock_now(&loop->clock);
}

void *jig_loop_local(struct jig_loop *loop, const void *key, size_t size)
{
    struct local *local = loop->locals;
    struct local *end = loop->locals + MAX_LOCALS;
    while (local < end && local->key && local->key != key)
        local++;
    if (local == end)
        return NULL;
    if (!local->key)
        *local = (struct local){key, calloc(1, size)};
    return local->value;
}

/* ---- descriptors ---- */

static int to_uv(unsigned events)
{
    return (events & JIG_READABLE ? UV_READABLE : 0) | (events & JIG_WRITABLE ? UV_WRITABLE : 0);
}

static void poll_ready(uv_poll_t *poll, int status, int events)
{
    struct jig_watch *watch = poll->data;
    unsigned ready =
        (events & UV_READABLE ? JIG_READABLE : 0) | (events & UV_WRITABLE ? JIG_WRITABLE : 0);
    watch->loop->events++;
    if (status < 0) {
        /* libuv has stopped the handle: tell all that was wanted once; want() arms it again */
        ready = watch->wanted;
        jig_watch_want(watch, 0);
    }
    watch->fn(watch->data, ready);
}

struct jig_watch *jig_watch_new(struct jig_loop *loop, int fd, jig_watch_fn *fn, void *data,
                                struct jig_error *err)
{
    struct jig_watch *watch = calloc(1, sizeof *watch);
    if (!watch) {
        jig_fail(err, JIG_ENOMEM, "no memory to watch descriptor %d", fd);
        return NULL;
    }
    int status = uv_poll_init(&loop->uv, &watch->poll, fd);
    if (status < 0) {
        fail_uv(err, status, "cannot watch the descriptor");
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->loop = loop;
    watch->fn = fn;
    watch->data = data;
    return watch;
}

void jig_watch_want(struct jig_watch *watch, unsigned events)
{
    if (events == watch->wanted)
        return;
    watch->loop->outside += (events != 0);
    watch->loop->outside -= (watch->wanted != 0);
    watch->wanted = events;
    if (events)
        uv_poll_start(&watch->poll, to_uv(events), poll_ready);
    else
        uv_poll_stop(&watch->poll);
}

static void free_watch(uv_handle_t *handle)
{
    free(handle->data);
}

void jig_watch_free(struct jig_watch *watch)
{
    if (!watch)
        return;
    jig_watch_want(watch, 0);
    uv_close((uv_handle_t *)&watch->poll, free_watch);
}

/* ---- signals ---- */

static void signal_arrived(uv_signal_t *handle, int signum)
{
    struct signal_entry *entry = handle->data;
    entry->fn(entry->data, signum);
}

int jig_loop_signal(struct jig_loop *loop, int signum, void (*fn)(void *data, int signum),
                    void *data, struct jig_error *err)
{
    if (loop->signal_count == MAX_SIGNALS)
        return jig_fail(err, JIG_ELIMIT, "at most %d signals can be watched", MAX_SIGNALS);
    struct signal_entry *entry = &loop->signals[loop->signal_count];
    int status = uv_signal_init(&loop->uv, &entry->handle);
    if (status < 0)
        return fail_uv(err, status, "cannot watch a signal");
    loop->signal_count++;
    entry->fn = fn;
    entry->data = data;
    entry->handle.data = entry;
    status = uv_signal_start(&entry->handle, signal_arrived, signum);
    return status < 0 ? fail_uv(err, status, "cannot watch a signal") : JIG_OK;
}

/* ---- names ---- */

static void lookup_done(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct jig_lookup *lookup = request->data;
    lookup->loop->events++;
    lookup->loop->outside--;
    if (lookup->fn && status < 0) {
        struct jig_error err;
        jig_fail(&err, JIG_ENOTFOUND, "cannot find host '%s': %s", lookup->host,
                 uv_strerror(status));
        lookup->fn(lookup->data, NULL, &err);
    } else if (lookup->fn) {
        lookup->fn(lookup->data, found, NULL);
    } else if (found) {
        uv_freeaddrinfo(found);
    }
    free(lookup);
}

struct jig_lookup *jig_lookup_start(struct jig_loop *loop, const char *host, const char *service,
                                    jig_lookup_fn *fn, void *data, struct jig_error *err)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct jig_lookup *lookup = calloc(1, sizeof *lookup);
    if (!lookup || strlen(host) >= sizeof lookup->host) {
        free(lookup);
        jig_fail(err, lookup ? JIG_EINVALID : JIG_ENOMEM, "cannot look up the host's name");
        return NULL;
    }
    strcpy(lookup->host, host);
    lookup->loop = loop;
    lookup->fn = fn;
    lookup->data = data;
    lookup->request.data = lookup;
    int status = uv_getaddrinfo(&loop->uv, &lookup->request, lookup_done, host, service, &hints);
    if (status < 0) {
        fail_uv(err, status, "cannot look up a name");
        free(lookup);
        return NULL;
    }
    loop->outside++;
    return lookup;
}

void jig_lookup_cancel(struct jig_lookup *lookup)
{
    lookup->fn = NULL;
    uv_cancel((uv_req_t *)&lookup->request);
}

/* ---- life ---- */

struct jig_loop *jig_loop_new(struct jig_error *err)
{
    struct jig_loop *loop = calloc(1, sizeof *loop);
    int status = loop ? uv_loop_init(&loop->uv) : UV_ENOMEM;
    if (status < 0) {
        fail_uv(err, status, "cannot make the event loop");
        free(loop);
        return NULL;
    }
    uv_timer_init(&loop->uv, &loop->wake);
    loop->deferred_end = &loop->deferred;
    return loop;
}

void jig_loop_free(struct jig_loop *loop)
{
    if (!loop)
        return;
    uv_close((uv_handle_t *)&loop->wake, NULL);
    for (size_t i = 0; i < loop->signal_count; i++)
        uv_close((uv_handle_t *)&loop->signals[i].handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
    for (size_t i = 0; i < MAX_LOCALS; i++)
        free(loop->locals[i].value);
    free(loop->heap);
    free(loop);
}

/* ---- calls from another thread ---- */

struct jig_bell {
    uv_async_t async;
    struct jig_loop *loop;
    void (*fn)(void *data);
    void *data;
    bool wanted;
};

static void rung(uv_async_t *async)
{
    struct jig_bell *bell = async->data;
    bell->loop->events++;
    bell->fn(bell->data);
}

struct jig_bell *jig_bell_new(struct jig_loop *loop, void (*fn)(void *data), void *data,
                              struct jig_error *err)
{
    struct jig_bell *bell = calloc(1, sizeof *bell);
    int status = bell ? uv_async_init(&loop->uv, &bell->async, rung) : UV_ENOMEM;
    if (status < 0) {
        fail_uv(err, status, "cannot make a bell for a thread");
        free(bell);
        return NULL;
    }
    bell->async.data = bell;
    bell->loop = loop;
    bell->fn = fn;
    bell->data = data;
    return bell;
}

void jig_bell_ring(struct jig_bell *bell)
{
    uv_async_send(&bell->async);
}

void jig_bell_want(struct jig_bell *bell, bool wanted)
{
    bell->loop->outside += wanted;
    bell->loop->outside -= bell->wanted;
    bell->wanted = wanted;
}

static void free_bell(uv_handle_t *handle)
{
    free(handle->data);
}

void jig_bell_free(struct jig_bell *bell)
{
    if (!bell)
        return;
    jig_bell_want(bell, false);
    uv_close((uv_handle_t *)&bell->async, free_bell);
}
