/* A bad wire on purpose: wraps another transport and loses, corrupts, splits, delays and cuts.
 * `fault:seed=7,loss=0.01:tcp:10.0.0.7:7777`.
 *
 * What happens to a byte depends on the seed, the direction and the byte's place in the stream
 * alone, never on how the stream was cut into reads and writes: a run can be repeated.
 */
#include <stdio.h>
#include <string.h>

#include "transports/options.h"
#include "transports/table.h"

enum { WRITE_PIECE = 4096, MAX_DELAY = 3600 };

/* The decisions that the seed makes, each a sequence of its own for either direction. */
enum decision { LOSE, CORRUPT, WHICH_BIT, PIECE, DECISIONS };

struct fault {
    struct jig_port *port, *inner;
    double loss, corrupt;
    int64_t seed, split, cut; /* cut < 0 = never */
    int64_t delay, release;   /* ns; bytes that wait in inner->in may be read from `release` on */
    uint64_t passed[2];       /* bytes taken from the stream so far, lost ones included */
    uint64_t pieces[2];
    unsigned wanted;
    struct jig_timer late;
    struct jig_deferred tell;
};

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014) as a
 * function of the place. */
static uint64_t draw(const struct fault *f, enum jig_direction direction, enum decision decision,
                     uint64_t place)
{
    uint64_t sequence = (uint64_t)f->seed * 2 * DECISIONS + direction * DECISIONS + decision;
    uint64_t z = sequence * 0xd1342543de82ef95u + (place + 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool happens(const struct fault *f, enum jig_direction direction, enum decision decision,
                    uint64_t place, double probability)
{
    return probability > 0 &&
           (double)(draw(f, direction, decision, place) >> 11) * 0x1p-53 < probability;
}

/* Passes the byte at `place` on into *out; false when it is lost. */
static bool pass(const struct fault *f, enum jig_direction direction, uint64_t place, uint8_t in,
                 uint8_t *out)
{
    if (happens(f, direction, LOSE, place, f->loss))
        return false;
    *out = in;
    if (happens(f, direction, CORRUPT, place, f->corrupt))
        *out ^= (uint8_t)(1u << (draw(f, direction, WHICH_BIT, place) & 7));
    return true;
}

/* ---- limits on one read or write ---- */

static uint64_t until_cut(const struct fault *f)
{
    return f->cut < 0 ? UINT64_MAX : (uint64_t)f->cut - f->passed[0] - f->passed[1];
}

static size_t piece(struct fault *f, enum jig_direction direction, size_t n)
{
    uint64_t left = until_cut(f);
    if (f->split) {
        uint64_t most = draw(f, direction, PIECE, f->pieces[direction]++) % (uint64_t)f->split + 1;
        n = n < most ? n : most;
    }
    return n < left ? n : left;
}

/* Counts n bytes; at the cut the wrapped wire is closed, so that its other side sees it too. */
static void count(struct fault *f, enum jig_direction direction, size_t n)
{
    f->passed[direction] += n;
    if (until_cut(f) == 0)
        jig_port_close(f->inner);
}

static int fail_cut(const struct fault *f, struct jig_error *err)
{
    return jig_fail(err, JIG_ELOST, "%s: cut after %lld bytes", f->port->name, (long long)f->cut);
}

/* ---- telling ---- */

static void run_tell(struct jig_deferred *deferred)
{
    struct fault *f = deferred->data;
    jig_port_ready(f->port, f->wanted);
}

static void delay_over(struct jig_timer *timer)
{
    struct fault *f = timer->data;
    jig_port_ready(f->port, JIG_READABLE);
}

static void inner_readable(void *data)
{
    struct fault *f = data;
    jig_port_ready(f->port, JIG_READABLE);
}

static void inner_writable(void *data)
{
    struct fault *f = data;
    jig_port_ready(f->port, JIG_WRITABLE);
}

static void inner_answered(void *data)
{
    struct fault *f = data;
    jig_port_ready(f->port, JIG_ANSWERED);
}

/* ---- opening ---- */

static int read_options(struct fault *f, struct jig_error *err)
{
    static const char *const known[] = {"seed", "loss", "corrupt", "split", "delay", "cut", NULL};
    const struct jig_address *a = &f->port->address;
    double delay = 0;
    f->cut = -1;
    int code = jig_port_check_options(f->port, known, err);
    if (code == JIG_OK)
        code = jig_address_number(a, "seed", 0, INT32_MAX, &f->seed, err);
    if (code == JIG_OK)
        code = jig_option_fraction(a, "loss", 1, &f->loss, err);
    if (code == JIG_OK)
        code = jig_option_fraction(a, "corrupt", 1, &f->corrupt, err);
    if (code == JIG_OK)
        code = jig_address_number(a, "split", 0, WRITE_PIECE, &f->split, err);
    if (code == JIG_OK)
        code = jig_option_fraction(a, "delay", MAX_DELAY, &delay, err);
    if (code == JIG_OK)
        code = jig_address_number(a, "cut", 0, INT64_MAX, &f->cut, err);
    f->delay = jig_clock_after(0, delay);
    return code;
}

static int make_inner(struct fault *f, struct jig_error *err)
{
    struct jig_port *port = f->port;
    struct jig_address address;
    struct jig_error why;
    int code = jig_address_parse(&address, port->address.inner, strlen(port->address.inner), &why);
    if (code == JIG_OK)
        f->inner = jig_port_new(port->loop, NULL, &address, port->name, &why);
    if (f->inner)
        return JIG_OK;
    if (err)
        *err = why;
    return why.code;
}

static void inner_opened(void *data);

/* Goes on opening. The inner port tells on its output when it should be asked again. */
static int open_inner(struct fault *f, struct jig_error *err)
{
    int code = jig_port_open(f->inner, err);
    if (code != JIG_AGAIN)
        return code;
    code = jig_port_wait(f->inner, JIG_OUTPUT, inner_opened, f, err);
    return code < 0 ? code : JIG_AGAIN;
}

static void inner_opened(void *data)
{
    struct fault *f = data;
    struct jig_error err;
    int code = open_inner(f, &err);
    if (code != JIG_AGAIN)
        jig_port_opened(f->port, code < 0 ? &err : NULL);
}

static int fault_open(struct jig_port *port, struct jig_error *err)
{
    struct fault *f = port->priv;
    f->port = port;
    f->late = (struct jig_timer){.fire = delay_over, .data = f};
    f->tell = (struct jig_deferred){.run = run_tell, .data = f};
    int code = read_options(f, err);
    if (code == JIG_OK)
        code = make_inner(f, err);
    if (code == JIG_OK)
        code = open_inner(f, err);
    if (code < 0 && code != JIG_AGAIN)
        jig_port_free(f->inner);
    return code;
}

/* The inner port's waiters are ours: they must not be told by its end. */
static void stop_waiting(struct fault *f)
{
    jig_timer_stop(f->port->loop, &f->late);
    jig_defer_cancel(f->port->loop, &f->tell);
    jig_port_unwait(f->inner, JIG_INPUT);
    jig_port_unwait(f->inner, JIG_OUTPUT);
    jig_port_unwait(f->inner, JIG_ANSWER);
}

static void fault_close(struct jig_port *port)
{
    struct fault *f = port->priv;
    stop_waiting(f);
    jig_port_free(f->inner);
}

/* ---- bytes ---- */

/* Sees to it that inner->in holds bytes that may be read now. 1, JIG_AGAIN or a failure. */
static int arrive(struct fault *f, struct jig_error *err)
{
    if (!jig_buf_len(&f->inner->in)) {
        int code = jig_port_fill(f->inner, err);
        if (code < 0)
            return code;
        f->release = jig_loop_now(f->port->loop) + f->delay;
    }
    return f->delay && jig_loop_now(f->port->loop) < f->release ? JIG_AGAIN : 1;
}

static int fault_read(struct jig_port *port, void *bytes, size_t n, struct jig_error *err)
{
    struct fault *f = port->priv;
    uint8_t *out = bytes;
    size_t kept = 0;
    while (!kept) {
        if (until_cut(f) == 0)
            return fail_cut(f, err);
        int code = arrive(f, err);
        if (code < 0)
            return code;
        size_t held = jig_buf_len(&f->inner->in);
        size_t taken = piece(f, JIG_INPUT, n < held ? n : held);
        const uint8_t *in = jig_buf_data(&f->inner->in);
        for (size_t i = 0; i < taken; i++)
            kept += pass(f, JIG_INPUT, f->passed[JIG_INPUT] + i, in[i], out + kept);
        jig_buf_consume(&f->inner->in, taken);
        count(f, JIG_INPUT, taken);
    }
    return (int)kept;
}

/* How many bytes of the stream the first `accepted` of the `kept` that got through stand for. */
static size_t stands_for(const struct fault *f, size_t n, size_t kept, size_t accepted)
{
    size_t i = 0;
    if (accepted == kept)
        return n;
    for (; accepted; i++)
        accepted -= !happens(f, JIG_OUTPUT, LOSE, f->passed[JIG_OUTPUT] + i, f->loss);
    return i;
}

static int fault_write(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err)
{
    struct fault *f = port->priv;
    const uint8_t *in = bytes;
    uint8_t out[WRITE_PIECE];
    size_t kept = 0;
    if (until_cut(f) == 0)
        return fail_cut(f, err);
    n = piece(f, JIG_OUTPUT, n < sizeof out ? n : sizeof out);
    for (size_t i = 0; i < n; i++)
        kept += pass(f, JIG_OUTPUT, f->passed[JIG_OUTPUT] + i, in[i], out + kept);
    int accepted = kept ? jig_port_write(f->inner, out, kept, err) : 0;
    explicit_bzero(out, kept); /* it may be payload */
    if (accepted < 0)
        return accepted;
    n = stands_for(f, n, kept, (size_t)accepted);
    count(f, JIG_OUTPUT, n);
    return (int)n;
}

static int want_input(struct fault *f, struct jig_error *err)
{
    if (!jig_buf_len(&f->inner->in))
        return jig_port_wait(f->inner, JIG_INPUT, inner_readable, f, err);
    return jig_timer_start(f->port->loop, &f->late, f->release) < 0
               ? jig_fail(err, JIG_ENOMEM, "%s: no memory to wait", f->port->name)
               : JIG_OK;
}

static int fault_want(struct jig_port *port, unsigned events, struct jig_error *err)
{
    struct fault *f = port->priv;
    int code = JIG_OK;
    stop_waiting(f);
    f->wanted = events;
    if (until_cut(f) == 0) {
        jig_defer(port->loop, &f->tell);
        return code;
    }
    if (events & JIG_READABLE)
        code = want_input(f, err);
    if (code == JIG_OK && (events & JIG_WRITABLE))
        code = jig_port_wait(f->inner, JIG_OUTPUT, inner_writable, f, err);
    if (code == JIG_OK && (events & JIG_ANSWERED))
        code = jig_port_wait(f->inner, JIG_ANSWER, inner_answered, f, err);
    return code;
}

static int fault_drain(struct jig_port *port, struct jig_error *err)
{
    struct fault *f = port->priv;
    return until_cut(f) ? jig_port_drain(f->inner, err) : fail_cut(f, err);
}

static int fault_discard(struct jig_port *port, struct jig_error *err)
{
    struct fault *f = port->priv;
    int dropped = until_cut(f) ? jig_port_discard(f->inner, NULL, NULL, err) : fail_cut(f, err);
    return dropped < 0 ? dropped : JIG_OK;
}

static int fault_set(struct jig_port *port, const struct jig_setting *setting,
                     struct jig_error *err)
{
    struct fault *f = port->priv;
    return until_cut(f) ? jig_port_set(f->inner, setting, err) : fail_cut(f, err);
}

/* Control requests are not of the stream: they pass as they are until it is cut. */
static int fault_control(struct jig_port *port, const struct jig_control *control,
                         struct jig_error *err)
{
    struct fault *f = port->priv;
    return until_cut(f) ? jig_port_control(f->inner, control, err) : fail_cut(f, err);
}

static void fault_about(const struct jig_port *port, struct jig_port_about *about)
{
    const struct fault *f = port->priv;
    jig_port_about(f->inner, about);
}

const struct jig_transport jig_transport_fault = {
    .scheme = "fault",
    .summary = "another wire with seeded faults, for tests",
    .priv_size = sizeof(struct fault),
    .open = fault_open,
    .close = fault_close,
    .read = fault_read,
    .write = fault_write,
    .want = fault_want,
    .drain = fault_drain,
    .discard = fault_discard,
    .set = fault_set,
    .control = fault_control,
    .about = fault_about,
};
