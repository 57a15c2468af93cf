/* See port.h. A transport is armed when somebody waits and disarmed only when it reports a
 * direction that nobody waits for any more: a conversation that waits again and again costs no
 * system call for it. Waiters are told one at a time, because a waiter may close or free the port.
 */
#include "core/port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What only this file needs beside the fields that the header shows. */
struct open_port {
    struct jig_port port;
    struct jig_deferred tell;
    unsigned due; /* events whose waiters `tell` will tell */
};

static struct open_port *outer(struct jig_port *port)
{
    return (struct open_port *)port;
}

static unsigned event_of(enum jig_direction direction)
{
    static const unsigned events[] = {JIG_READABLE, JIG_WRITABLE, JIG_ANSWERED};
    return events[direction];
}

/* ---- waiters ---- */

static unsigned awaited(const struct jig_port *port)
{
    unsigned events = 0;
    for (int i = 0; i < JIG_DIRECTIONS; i++)
        events |= port->waiter[i].fn ? event_of((enum jig_direction)i) : 0u;
    return events;
}

/* The port may be gone when this returns. */
static void tell(struct jig_port *port, enum jig_direction direction)
{
    struct jig_port_waiter waiter = port->waiter[direction];
    port->waiter[direction] = (struct jig_port_waiter){0};
    if (waiter.fn)
        waiter.fn(waiter.data);
}

/* Tells one waiter now and leaves the others to the next pass. */
static void tell_due(struct jig_port *port)
{
    struct open_port *o = outer(port);
    enum jig_direction direction = JIG_INPUT;
    while (!(o->due & event_of(direction)) && direction < JIG_ANSWER)
        direction++;
    o->due &= ~event_of(direction);
    if (o->due)
        jig_defer(port->loop, &o->tell);
    tell(port, direction);
}

static void run_tell(struct jig_deferred *deferred)
{
    tell_due(deferred->data);
}

static void tell_later(struct jig_port *port, unsigned events)
{
    if (!events)
        return;
    outer(port)->due |= events;
    jig_defer(port->loop, &outer(port)->tell);
}

static void pause_over(struct jig_timer *timer)
{
    tell(timer->data, JIG_OUTPUT);
}

/* ---- states ---- */

static int repeat_failure(const struct jig_port *port, struct jig_error *err)
{
    if (err)
        *err = port->failure;
    return port->failure.code;
}

/* 0 when the wire is open or lost, which a transport's read and write may be asked about. */
static int check_usable(const struct jig_port *port, struct jig_error *err)
{
    if (port->state == JIG_PORT_CLOSED)
        return jig_fail(err, JIG_ECLOSED, "%s is closed", port->name);
    if (port->state == JIG_PORT_OPENING)
        return jig_fail(err, JIG_EMISUSE, "%s is not open yet", port->name);
    return JIG_OK;
}

static int check_open(const struct jig_port *port, struct jig_error *err)
{
    return port->state == JIG_PORT_LOST ? repeat_failure(port, err) : check_usable(port, err);
}

/* Hands on what a transport answered. The first loss is kept, and whoever waits learns of it. */
static int answer(struct jig_port *port, int code, const struct jig_error *why,
                  struct jig_error *err)
{
    if (code >= 0 || code == JIG_AGAIN)
        return code;
    if (code == JIG_ELOST && port->state == JIG_PORT_OPEN) {
        port->state = JIG_PORT_LOST;
        port->failure = *why;
        jig_log(port->log, JIG_LOG_DEBUG, "%s: %s", port->name, why->text);
        tell_later(port, awaited(port));
    }
    if (err)
        *err = *why;
    return code;
}

static const struct jig_transport *find_transport(const char *scheme)
{
    for (const struct jig_transport *const *t = jig_transports; *t; t++) {
        if (!strcmp((*t)->scheme, scheme))
            return *t;
    }
    return NULL;
}

void jig_port_about(const struct jig_port *port, struct jig_port_about *about)
{
    memset(about, 0, sizeof *about);
    if (port->transport->about && (port->state == JIG_PORT_OPEN || port->state == JIG_PORT_LOST))
        port->transport->about(port, about);
}

int jig_port_present(struct jig_loop *loop, const struct jig_address *address,
                     struct jig_error *err)
{
    const struct jig_transport *transport = find_transport(address->scheme);
    if (!transport)
        return jig_fail(err, JIG_EINVALID, "no transport is called '%s'", address->scheme);
    if (!transport->present)
        return jig_fail(err, JIG_EUNSUPPORTED,
                        "%s: only opening it tells whether a device is there", address->scheme);
    return transport->present(loop, address, err);
}

/* ---- life ---- */

static const char count_key;

static size_t *count_of(struct jig_loop *loop)
{
    return jig_loop_local(loop, &count_key, sizeof(size_t));
}

size_t jig_port_count(struct jig_loop *loop)
{
    const size_t *count = count_of(loop);
    return count ? *count : 0;
}

static int build(struct jig_port *port, struct jig_error *err)
{
    port->transport = find_transport(port->address.scheme);
    if (!port->transport)
        return jig_fail(err, JIG_EINVALID, "no transport is called '%s'", port->address.scheme);
    port->priv = calloc(1, port->transport->priv_size);
    if (!port->priv)
        return jig_fail(err, JIG_ENOMEM, "no memory for a port");
    port->in.cap = JIG_PORT_INPUT_CAP;
    port->pause = (struct jig_timer){.fire = pause_over, .data = port};
    outer(port)->tell = (struct jig_deferred){.run = run_tell, .data = port};
    return JIG_OK;
}

struct jig_port *jig_port_new(struct jig_loop *loop, const struct jig_log *log,
                              struct jig_address *address, const char *name, struct jig_error *err)
{
    size_t *count = count_of(loop);
    struct open_port *o = count ? calloc(1, sizeof *o) : NULL;
    if (!o) {
        jig_fail(err, JIG_ENOMEM, "no memory for a port");
        jig_address_release(address);
        return NULL;
    }
    ++*count;
    struct jig_port *port = &o->port;
    port->loop = loop;
    port->log = log;
    port->address = *address;
    *address = (struct jig_address){0};
    snprintf(port->name, sizeof port->name, "%s", name);
    if (build(port, err) < 0) {
        jig_port_free(port);
        return NULL;
    }
    return port;
}

void jig_port_free(struct jig_port *port)
{
    if (!port)
        return;
    jig_port_close(port);
    for (int i = 0; i < JIG_DIRECTIONS; i++)
        tell(port, (enum jig_direction)i);
    jig_defer_cancel(port->loop, &outer(port)->tell);
    jig_buf_release(&port->in);
    jig_address_release(&port->address);
    --*count_of(port->loop);
    free(port->priv);
    free(port);
}

static int finish_opening(struct jig_port *port, struct jig_error *err)
{
    if (!port->failure.code)
        return JIG_AGAIN;
    int code = repeat_failure(port, err);
    jig_port_close(port);
    return code;
}

int jig_port_open(struct jig_port *port, struct jig_error *err)
{
    if (port->state == JIG_PORT_OPENING)
        return finish_opening(port, err);
    if (port->state != JIG_PORT_CLOSED)
        return check_open(port, err);
    memset(port->priv, 0, port->transport->priv_size);
    port->failure = (struct jig_error){0};
    port->wanted = 0;
    port->next_write = 0;
    port->state = JIG_PORT_OPENING;
    int code = port->transport->open(port, err);
    if (code != JIG_AGAIN)
        port->state = code < 0 ? JIG_PORT_CLOSED : JIG_PORT_OPEN;
    return code;
}

void jig_port_close(struct jig_port *port)
{
    if (port->state == JIG_PORT_CLOSED)
        return;
    port->state = JIG_PORT_CLOSED;
    port->transport->close(port);
    jig_timer_stop(port->loop, &port->pause);
    jig_buf_release(&port->in);
    tell_later(port, awaited(port));
}

void jig_port_opened(struct jig_port *port, const struct jig_error *err)
{
    if (err)
        port->failure = *err;
    else
        port->state = JIG_PORT_OPEN;
    unsigned events = awaited(port);
    if (!events)
        return;
    outer(port)->due |= events;
    tell_due(port);
}

/* ---- bytes ---- */

/* Keeps what was read, and clears it where it was. */
static int take_in(struct jig_port *port, uint8_t *bytes, size_t n, struct jig_error *err)
{
    int kept = jig_buf_append(&port->in, bytes, n);
    jig_log_traffic(port->log, port->name, '<', bytes, n);
    explicit_bzero(bytes, n);
    port->received += (uint64_t)n;
    if (kept < 0)
        return jig_fail(err, JIG_ENOMEM, "%s: no memory for input", port->name);
    return (int)n;
}

int jig_port_fill(struct jig_port *port, struct jig_error *err)
{
    int usable = check_usable(port, err);
    if (usable < 0)
        return usable;
    size_t held = jig_buf_len(&port->in);
    if (held >= JIG_PORT_INPUT_CAP)
        return jig_fail(err, JIG_ELIMIT, "%s: %zu bytes wait to be read", port->name, held);
    size_t room = JIG_PORT_INPUT_CAP - held;
    uint8_t bytes[JIG_PORT_READ_SIZE]; /* on the stack: most of it is not needed */
    struct jig_error why;
    int got = port->transport->read(port, bytes, room < sizeof bytes ? room : sizeof bytes, &why);
    if (got > 0)
        return take_in(port, bytes, (size_t)got, err);
    if (port->state == JIG_PORT_LOST)
        return repeat_failure(port, err);
    return answer(port, got, &why, err);
}

static bool is_paused(const struct jig_port *port)
{
    return port->next_write && jig_loop_now(port->loop) < port->next_write;
}

int jig_port_write(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err)
{
    int usable = check_open(port, err);
    if (usable < 0)
        return usable;
    if (is_paused(port))
        return JIG_AGAIN;
    if (port->chunk && n > port->chunk)
        n = port->chunk;
    struct jig_error why;
    int put = port->transport->write(port, bytes, n, &why);
    if (put <= 0)
        return answer(port, put, &why, err);
    jig_log_traffic(port->log, port->name, '>', bytes, (size_t)put);
    port->sent += (uint64_t)put;
    if (port->chunk && port->gap > 0)
        port->next_write = jig_loop_now(port->loop) + port->gap;
    return put;
}

int jig_port_drain(struct jig_port *port, struct jig_error *err)
{
    int usable = check_open(port, err);
    if (usable < 0 || !port->transport->drain)
        return usable;
    struct jig_error why;
    return answer(port, port->transport->drain(port, &why), &why, err);
}

/* Drops what port->in holds. */
static int drop_input(struct jig_port *port, void (*each)(void *data, const void *bytes, size_t n),
                      void *data)
{
    size_t n = jig_buf_len(&port->in);
    if (n && each)
        each(data, jig_buf_data(&port->in), n);
    jig_buf_consume(&port->in, n);
    return (int)n;
}

/* Reads before it asks the transport to discard, so that `each` sees the bytes. A device that never
 * stops talking does not hold it: one full buffer is the most that is read. */
int jig_port_discard(struct jig_port *port, void (*each)(void *data, const void *bytes, size_t n),
                     void *data, struct jig_error *err)
{
    int usable = check_usable(port, err);
    if (usable < 0)
        return usable;
    int dropped = drop_input(port, each, data);
    int got = 1;
    for (int read = 0; got > 0 && read < JIG_PORT_INPUT_CAP; read += got) {
        got = jig_port_fill(port, err);
        dropped += drop_input(port, each, data);
    }
    if (got < 0 && got != JIG_AGAIN)
        return got;
    struct jig_error why;
    if (port->transport->discard) {
        got = answer(port, port->transport->discard(port, &why), &why, err);
        if (got < 0)
            return got;
    }
    return dropped;
}

int jig_port_set(struct jig_port *port, const struct jig_setting *setting, struct jig_error *err)
{
    int usable = check_open(port, err);
    if (usable < 0)
        return usable;
    if (!port->transport->set)
        return jig_fail(err, JIG_EUNSUPPORTED, "%s: a '%s' wire has no setting '%s'", port->name,
                        port->transport->scheme, setting->name);
    struct jig_error why;
    return answer(port, port->transport->set(port, setting, &why), &why, err);
}

int jig_port_control(struct jig_port *port, const struct jig_control *control,
                     struct jig_error *err)
{
    int usable = check_open(port, err);
    if (usable < 0)
        return usable;
    if (!port->transport->control)
        return jig_fail(err, JIG_EUNSUPPORTED, "%s: a '%s' wire has no control requests",
                        port->name, port->transport->scheme);
    struct jig_error why;
    return answer(port, port->transport->control(port, control, &why), &why, err);
}

/* ---- waiting ---- */

static int arm(struct jig_port *port, enum jig_direction direction, struct jig_error *err)
{
    if (port->state == JIG_PORT_LOST || port->failure.code) {
        tell_later(port, event_of(direction));
        return JIG_OK;
    }
    if (port->state == JIG_PORT_OPENING)
        return JIG_OK;
    if (direction == JIG_OUTPUT && is_paused(port)) {
        if (jig_timer_start(port->loop, &port->pause, port->next_write) < 0)
            return jig_fail(err, JIG_ENOMEM, "%s: no memory to wait", port->name);
        return JIG_OK;
    }
    port->wanted |= event_of(direction);
    return port->transport->want(port, port->wanted, err);
}

int jig_port_wait(struct jig_port *port, enum jig_direction direction, jig_port_fn *fn, void *data,
                  struct jig_error *err)
{
    if (port->state == JIG_PORT_CLOSED)
        return jig_fail(err, JIG_ECLOSED, "%s is closed", port->name);
    struct jig_port_waiter *waiter = &port->waiter[direction];
    static const char *const what[] = {"read", "write", "be answered"};
    if (waiter->fn)
        return jig_fail(err, JIG_EMISUSE, "%s: somebody else already waits to %s", port->name,
                        what[direction]);
    *waiter = (struct jig_port_waiter){fn, data};
    int code = arm(port, direction, err);
    if (code < 0)
        *waiter = (struct jig_port_waiter){0};
    return code;
}

void jig_port_unwait(struct jig_port *port, enum jig_direction direction)
{
    port->waiter[direction] = (struct jig_port_waiter){0};
}

void jig_port_ready(struct jig_port *port, unsigned events)
{
    unsigned heard = events & awaited(port);
    if (is_paused(port))
        heard &= ~(unsigned)JIG_WRITABLE; /* its timer will tell */
    unsigned idle = events & port->wanted & ~heard;
    if (idle) {
        port->wanted &= ~idle;
        port->transport->want(port, port->wanted, NULL);
    }
    if (!heard)
        return;
    outer(port)->due |= heard;
    tell_due(port);
}

int jig_port_check_options(const struct jig_port *port, const char *const *known,
                           struct jig_error *err)
{
    return jig_address_check_options(&port->address, known, err);
}
