/* Two ports joined in memory, for simulators and specs inside one process. `pair:name`.
 *
 * The first open of a name makes a pair and takes its first end, the second open takes the other
 * end, a third is refused. When an end closes the name is free again; the other end still reads
 * what was written to it, then it is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "transports/table.h"

enum { QUEUE_CAP = 65536 }; /* bytes under way in one direction; then writing would block */

struct end;

/* Freed with its last end. */
struct pair {
    struct pair *next; /* in the loop's list of names that are taken */
    char *name;        /* belongs to the pair */
    struct end *ends[2];
    unsigned opened;         /* how many ends were ever taken */
    struct jig_buf queue[2]; /* bytes on their way to that end */
};

struct end {
    struct jig_port *port;
    struct pair *pair;
    int index;
    unsigned wanted;
    struct jig_deferred tell;
};

/* ---- the names, which hang on the loop ---- */

static const char list_key;

/* Where the loop keeps the first pair of the list; NULL without memory. */
static void **list_of(struct jig_loop *loop)
{
    return jig_loop_local(loop, &list_key, sizeof(void *));
}

static struct pair *find(void **list, const char *name)
{
    struct pair *pair = *list;
    while (pair && strcmp(pair->name, name) != 0)
        pair = pair->next;
    return pair;
}

static struct pair *add(void **list, const char *name)
{
    struct pair *pair = calloc(1, sizeof *pair);
    char *copy = strdup(name);
    if (!pair || !copy) {
        free(pair);
        free(copy);
        return NULL;
    }
    pair->name = copy;
    pair->queue[0].cap = pair->queue[1].cap = QUEUE_CAP;
    pair->next = *list;
    *list = pair;
    return pair;
}

static void forget(void **list, const struct pair *pair)
{
    struct pair *first = *list;
    if (first == pair) {
        *list = pair->next;
        return;
    }
    for (struct pair *p = first; p; p = p->next) {
        if (p->next == pair)
            p->next = pair->next;
    }
}

/* ---- one end ---- */

static bool other_is_gone(const struct end *end)
{
    return end->pair->opened == 2 && !end->pair->ends[!end->index];
}

static unsigned possible(const struct end *end)
{
    const struct jig_buf *to = &end->pair->queue[!end->index];
    unsigned events = 0;
    if (other_is_gone(end))
        return JIG_READABLE | JIG_WRITABLE;
    if (jig_buf_len(&end->pair->queue[end->index]))
        events |= JIG_READABLE;
    if (jig_buf_len(to) < QUEUE_CAP)
        events |= JIG_WRITABLE;
    return events;
}

static void run_tell(struct jig_deferred *deferred)
{
    struct end *end = deferred->data;
    jig_port_ready(end->port, possible(end) & end->wanted);
}

static void consider(struct end *end)
{
    if (end && (possible(end) & end->wanted))
        jig_defer(end->port->loop, &end->tell);
}

static int pair_open(struct jig_port *port, struct jig_error *err)
{
    static const char *const known[] = {NULL};
    struct end *end = port->priv;
    int code = jig_port_check_options(port, known, err);
    if (code < 0)
        return code;
    if (port->address.n_words != 1)
        return jig_fail(err, JIG_EINVALID, "pair: must be pair:NAME");
    const char *name = port->address.words[0];
    void **list = list_of(port->loop);
    struct pair *pair = list ? find(list, name) : NULL;
    if (pair && pair->opened == 2)
        return jig_fail(err, JIG_EBUSY, "%s: both ends of the pair '%s' are in use", port->name,
                        name);
    if (list && !pair)
        pair = add(list, name);
    if (!pair)
        return jig_fail(err, JIG_ENOMEM, "%s: no memory for a pair", port->name);
    end->port = port;
    end->pair = pair;
    end->index = (int)pair->opened++;
    end->tell = (struct jig_deferred){.run = run_tell, .data = end};
    pair->ends[end->index] = end;
    return JIG_OK;
}

static void pair_close(struct jig_port *port)
{
    struct end *end = port->priv;
    struct pair *pair = end->pair;
    struct end *other = pair->ends[!end->index];
    jig_defer_cancel(port->loop, &end->tell);
    forget(list_of(port->loop), pair);
    pair->ends[end->index] = NULL;
    jig_buf_release(&pair->queue[end->index]);
    if (other) {
        consider(other);
        return;
    }
    jig_buf_release(&pair->queue[!end->index]);
    free(pair->name);
    free(pair);
}

static int fail_gone(const struct jig_port *port, struct jig_error *err)
{
    return jig_fail(err, JIG_ELOST, "%s: the other end was closed", port->name);
}

static int pair_read(struct jig_port *port, void *bytes, size_t n, struct jig_error *err)
{
    struct end *end = port->priv;
    struct jig_buf *queue = &end->pair->queue[end->index];
    size_t held = jig_buf_len(queue);
    if (!held)
        return other_is_gone(end) ? fail_gone(port, err) : JIG_AGAIN;
    n = n < held ? n : held;
    memcpy(bytes, jig_buf_data(queue), n);
    jig_buf_consume(queue, n);
    consider(end->pair->ends[!end->index]);
    return (int)n;
}

static int pair_write(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err)
{
    struct end *end = port->priv;
    struct jig_buf *queue = &end->pair->queue[!end->index];
    if (other_is_gone(end))
        return fail_gone(port, err);
    size_t room = QUEUE_CAP - jig_buf_len(queue);
    n = n < room ? n : room;
    if (!n)
        return JIG_AGAIN;
    if (jig_buf_append(queue, bytes, n) < 0)
        return jig_fail(err, JIG_ENOMEM, "%s: no memory for a pair", port->name);
    consider(end->pair->ends[!end->index]);
    return (int)n;
}

static int pair_want(struct jig_port *port, unsigned events, struct jig_error *err)
{
    struct end *end = port->priv;
    (void)err;
    end->wanted = events;
    consider(end);
    return JIG_OK;
}

static int pair_drain(struct jig_port *port, struct jig_error *err)
{
    struct end *end = port->priv;
    if (other_is_gone(end))
        return fail_gone(port, err);
    return jig_buf_len(&end->pair->queue[!end->index]) ? JIG_AGAIN : JIG_OK;
}

const struct jig_transport jig_transport_pair = {
    .scheme = "pair",
    .summary = "two ports joined in memory",
    .priv_size = sizeof(struct end),
    .open = pair_open,
    .close = pair_close,
    .read = pair_read,
    .write = pair_write,
    .want = pair_want,
    .drain = pair_drain,
};
