/* See loop.h. The descriptors of others are watched by one epoll of our own, libuv's loop (signals,
 * look-ups) is one more descriptor in it: uv_poll probes each descriptor that it is given and takes
 * six system calls to watch one for a while, where two do. Deadlines are kept here too, since
 * libuv's have whole milliseconds and cannot be simulated. */
#include "core/loop.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <uv.h>

enum { MAX_SIGNALS = 8, MAX_LOCALS = 12, BATCH = 64 };

struct local {
    const void *key;
    void *value;
};

struct signal_entry {
    uv_signal_t handle;
    struct jig_loop *loop;
    void (*fn)(void *data, int signum);
    void *data;
};

struct jig_loop {
    uv_loop_t uv;
    bool uv_stale; /* libuv was given something that it has yet to put into its own epoll */
    int epoll;
    struct epoll_event batch[BATCH]; /* what is being told, from batch_at on */
    int batch_at, batch_end;
    struct jig_clock clock;
    struct jig_timer **heap; /* 1-based binary heap by deadline */
    size_t timers, heap_size;
    struct jig_deferred *deferred, **deferred_end;
    size_t outside; /* wanted descriptors and look-ups under way */
    size_t lookups; /* of those, the look-ups */
    size_t watches;
    size_t events; /* callbacks of either since the loop began */
    struct signal_entry signals[MAX_SIGNALS];
    size_t signal_count;
    struct local locals[MAX_LOCALS];
};

struct jig_watch {
    struct jig_loop *loop;
    jig_watch_fn *fn;
    void *data;
    int fd;
    unsigned wanted;
    unsigned known; /* what epoll was told; 0 = it does not hold the descriptor */
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

static void tell(struct jig_watch *watch, uint32_t events);

static void run_uv(struct jig_loop *loop)
{
    loop->uv_stale = false;
    uv_run(&loop->uv, UV_RUN_NOWAIT);
}

/* Waits for descriptors, `timeout` milliseconds at most (-1: for ever), and runs what they call. */
static void poll_once(struct jig_loop *loop, int timeout)
{
    size_t before = loop->events;
    if (loop->uv_stale)
        run_uv(loop);
    if (loop->events != before || loop->deferred)
        timeout = 0;
    loop->batch_at = 0;
    loop->batch_end = epoll_wait(loop->epoll, loop->batch, BATCH, timeout);
    while (loop->batch_at < loop->batch_end) {
        const struct epoll_event *event = &loop->batch[loop->batch_at++];
        if (event->data.ptr == loop)
            run_uv(loop);
        else if (event->data.ptr) /* not freed by who was told before */
            tell(event->data.ptr, event->events);
    }
    loop->batch_at = loop->batch_end = 0;
}

/* Milliseconds until `target`; they round up, so that it does not spin. */
static int time_left(const struct jig_loop *loop, int64_t target)
{
    if (target == JIG_FOREVER)
        return -1;
    int64_t left = target - jig_clock_now(&loop->clock);
    if (left <= 0)
        return 0;
    return left / JIG_MS < INT_MAX ? (int)(left / JIG_MS + 1) : INT_MAX;
}

/* Waits until `target` at most. An event that nobody wants any more ends no wait. */
static void wait_real(struct jig_loop *loop, int64_t target, bool look_only)
{
    size_t before = loop->events;
    int timeout;
    do {
        timeout = look_only ? 0 : time_left(loop, target);
        poll_once(loop, timeout);
    } while (timeout && loop->events == before && !loop->deferred);
}

/* With a simulated clock real things come first; when there are none, time moves on. */
static void wait_simulated(struct jig_loop *loop, int64_t target, bool look_only)
{
    size_t before = loop->events;
    poll_once(loop, 0);
    if (look_only || loop->events != before || target <= jig_clock_now(&loop->clock))
        return;
    if (loop->outside)
        wait_real(loop, JIG_FOREVER, false);
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

bool jig_loop_pending(const struct jig_loop *loop)
{
    return loop->timers || loop->deferred || loop->outside;
}

size_t jig_loop_timers(const struct jig_loop *loop)
{
    return loop->timers;
}

size_t jig_loop_watches(const struct jig_loop *loop)
{
    return loop->watches;
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

static uint32_t to_epoll(unsigned events)
{
    return (events & JIG_READABLE ? (uint32_t)EPOLLIN : 0u) |
           (events & JIG_WRITABLE ? (uint32_t)EPOLLOUT : 0u);
}

/* Makes epoll look for these events. 0 or -1 with errno. */
static int set_known(struct jig_watch *watch, unsigned events)
{
    struct epoll_event event = {.events = to_epoll(events), .data.ptr = watch};
    int operation = !events ? EPOLL_CTL_DEL : watch->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (events == watch->known)
        return 0;
    watch->known = events;
    return epoll_ctl(watch->loop->epoll, operation, watch->fd, &event);
}

static void tell(struct jig_watch *watch, uint32_t events)
{
    unsigned ready = (events & EPOLLIN ? JIG_READABLE : 0) | (events & EPOLLOUT ? JIG_WRITABLE : 0);
    if (events & (EPOLLERR | EPOLLHUP))
        ready = watch->wanted;
    ready &= watch->wanted;
    if (!ready || events & EPOLLERR) {
        /* nobody wants it, or it would not stop: want() arms it again */
        jig_watch_want(watch, ready ? 0 : watch->wanted);
        set_known(watch, watch->wanted);
    }
    if (!ready)
        return;
    watch->loop->events++;
    watch->fn(watch->data, ready);
}

/* Who watches is about to want to read, nearly always: so much is asked for at once, and what comes
 * before it is wanted is passed over. */
struct jig_watch *jig_watch_new(struct jig_loop *loop, int fd, jig_watch_fn *fn, void *data,
                                struct jig_error *err)
{
    struct jig_watch *watch = calloc(1, sizeof *watch);
    if (!watch) {
        jig_fail(err, JIG_ENOMEM, "no memory to watch descriptor %d", fd);
        return NULL;
    }
    *watch = (struct jig_watch){.loop = loop, .fn = fn, .data = data, .fd = fd};
    if (set_known(watch, JIG_READABLE) < 0) {
        jig_fail_sys(err, errno, "cannot watch the descriptor");
        free(watch);
        return NULL;
    }
    loop->watches++;
    return watch;
}

/* What is wanted no more stays with epoll until it comes: most often it is wanted again before. */
void jig_watch_want(struct jig_watch *watch, unsigned events)
{
    if (events == watch->wanted)
        return;
    watch->loop->outside += (events != 0);
    watch->loop->outside -= (watch->wanted != 0);
    watch->wanted = events;
    if (events & ~watch->known)
        set_known(watch, events);
}

void jig_watch_free(struct jig_watch *watch)
{
    if (!watch)
        return;
    struct jig_loop *loop = watch->loop;
    loop->watches--;
    jig_watch_want(watch, 0);
    set_known(watch, 0);
    for (int i = loop->batch_at; i < loop->batch_end; i++)
        if (loop->batch[i].data.ptr == watch)
            loop->batch[i].data.ptr = NULL;
    free(watch);
}

/* ---- signals ---- */

static void signal_arrived(uv_signal_t *handle, int signum)
{
    struct signal_entry *entry = handle->data;
    entry->loop->events++;
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
    loop->uv_stale = true;
    entry->loop = loop;
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
    lookup->loop->lookups--;
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
    loop->lookups++;
    loop->uv_stale = true;
    return lookup;
}

void jig_lookup_cancel(struct jig_lookup *lookup)
{
    lookup->fn = NULL;
    uv_cancel((uv_req_t *)&lookup->request);
}

bool jig_loop_looks_up(const struct jig_loop *loop)
{
    return loop->lookups > 0;
}

/* ---- life ---- */

static int open_epoll(struct jig_loop *loop)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = loop};
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        return -errno;
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, uv_backend_fd(&loop->uv), &event) == 0)
        return 0;
    int sys = errno;
    close(loop->epoll);
    return -sys;
}

struct jig_loop *jig_loop_new(struct jig_error *err)
{
    struct jig_loop *loop = calloc(1, sizeof *loop);
    int status = loop ? uv_loop_init(&loop->uv) : UV_ENOMEM;
    if (status == 0 && (status = open_epoll(loop)) < 0)
        uv_loop_close(&loop->uv);
    if (status < 0) {
        fail_uv(err, status, "cannot make the event loop");
        free(loop);
        return NULL;
    }
    loop->deferred_end = &loop->deferred;
    return loop;
}

void jig_loop_free(struct jig_loop *loop)
{
    if (!loop)
        return;
    for (size_t i = 0; i < loop->signal_count; i++)
        uv_close((uv_handle_t *)&loop->signals[i].handle, NULL);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    uv_loop_close(&loop->uv);
    close(loop->epoll);
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
    loop->uv_stale = true; /* libuv asks for its descriptor when it runs next */
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
