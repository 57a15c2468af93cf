/* Ports whose other end is played, see core/stage.h. `stage:name`; a name is open once. */
#include "core/stage.h"

#include <string.h>

#include "transports/table.h"

struct end {
    struct end *next; /* in the loop's list */
    struct jig_port *port;
    const struct jig_stage_player *player;
    struct jig_buf arrived;
    enum { OPENING, OPEN } state;
    bool opened;                    /* opening has ended, and port.c was not told yet */
    bool blocked;                   /* until jig_stage_writable */
    struct jig_error failure, lost; /* of opening; of the wire. JIG_OK = none */
    unsigned wanted;
    struct jig_deferred tell;
};

struct house {
    const struct jig_stage_player *player;
    struct end *first;
};

static const char house_key;

static struct house *house_of(struct jig_loop *loop)
{
    return jig_loop_local(loop, &house_key, sizeof(struct house));
}

int jig_stage_set(struct jig_loop *loop, const struct jig_stage_player *player)
{
    struct house *house = house_of(loop);
    if (!house)
        return JIG_ENOMEM;
    house->player = player;
    return JIG_OK;
}

static const char *name_of(const struct end *end)
{
    return end->port->address.words[0];
}

static struct end *find(struct jig_loop *loop, const char *name)
{
    const struct house *house = house_of(loop);
    struct end *end = house ? house->first : NULL;
    while (end && strcmp(name_of(end), name) != 0)
        end = end->next;
    return end;
}

/* ---- what the player does ---- */

static unsigned possible(const struct end *end)
{
    bool lost = end->lost.code != JIG_OK;
    return (lost || jig_buf_len(&end->arrived) ? JIG_READABLE : 0u) |
           (lost || !end->blocked ? JIG_WRITABLE : 0u);
}

static void run_tell(struct jig_deferred *deferred)
{
    struct end *end = deferred->data;
    if (end->opened) {
        end->opened = false;
        if (end->failure.code == JIG_OK)
            end->state = OPEN;
        jig_port_opened(end->port, end->failure.code == JIG_OK ? NULL : &end->failure);
    } else if (end->state == OPEN) {
        jig_port_ready(end->port, possible(end) & end->wanted);
    }
}

static void consider(struct end *end)
{
    if (end->opened || (end->state == OPEN && (possible(end) & end->wanted)))
        jig_defer(end->port->loop, &end->tell);
}

int jig_stage_feed(struct jig_loop *loop, const char *name, const void *bytes, size_t n)
{
    struct end *end = find(loop, name);
    if (!end || end->lost.code != JIG_OK)
        return JIG_ENOTFOUND;
    if (jig_buf_append(&end->arrived, bytes, n) < 0)
        return JIG_ELIMIT;
    consider(end);
    return JIG_OK;
}

static void lose(struct end *end, const char *why)
{
    if (end->lost.code == JIG_OK)
        jig_fail(&end->lost, JIG_ELOST, "%s: %s", end->port->name, why);
    consider(end);
}

int jig_stage_lose(struct jig_loop *loop, const char *name, const char *why)
{
    struct end *end = find(loop, name);
    if (end)
        lose(end, why);
    return end ? JIG_OK : JIG_ENOTFOUND;
}

int jig_stage_writable(struct jig_loop *loop, const char *name)
{
    struct end *end = find(loop, name);
    if (!end)
        return JIG_ENOTFOUND;
    end->blocked = false;
    consider(end);
    return JIG_OK;
}

static void end_opening(struct end *end, const struct jig_error *err)
{
    end->opened = true;
    if (err)
        jig_fail(&end->failure, err->code, "%s: %s", end->port->name, err->text);
    consider(end);
}

int jig_stage_opened(struct jig_loop *loop, const char *name, const struct jig_error *err)
{
    struct end *end = find(loop, name);
    if (!end || end->state != OPENING || end->opened)
        return JIG_ENOTFOUND;
    end_opening(end, err);
    return JIG_OK;
}

void jig_stage_cut(struct jig_loop *loop, const char *why)
{
    const struct house *house = house_of(loop);
    struct jig_error said;
    jig_fail(&said, JIG_ELOST, "%s", why);
    for (struct end *end = house ? house->first : NULL; end; end = end->next) {
        jig_buf_release(&end->arrived);
        lose(end, why);
        if (end->state == OPENING && !end->opened)
            end_opening(end, &said);
    }
}

/* ---- what is done to the port ---- */

static void forget(struct jig_loop *loop, struct end *end)
{
    struct end **link = &house_of(loop)->first;
    while (*link != end)
        link = &(*link)->next;
    *link = end->next;
    jig_defer_cancel(loop, &end->tell);
    jig_buf_release(&end->arrived);
}

/* What the player answered; a failure with the port's name in front. */
static int answer(const struct jig_port *port, int rc, const struct jig_error *said,
                  struct jig_error *err)
{
    if (rc >= 0 || rc == JIG_AGAIN)
        return rc;
    return jig_fail(err, (enum jig_err)rc, "%s: %s", port->name, said->text);
}

/* The end stands in the list before the player is asked: it may feed the port at once. */
static int ask_to_open(struct house *house, struct end *end, struct jig_error *err)
{
    struct jig_port *port = end->port;
    end->next = house->first;
    house->first = end;
    struct jig_error said;
    int rc = end->player->open(end->player->data, name_of(end), &said);
    rc = answer(port, rc, &said, err);
    if (rc == JIG_OK || (rc == JIG_AGAIN && end->opened && end->failure.code == JIG_OK)) {
        end->state = OPEN;
        end->opened = false;
        return JIG_OK;
    }
    if (rc != JIG_AGAIN)
        forget(port->loop, end);
    return rc;
}

static int stage_open(struct jig_port *port, struct jig_error *err)
{
    static const char *const known[] = {NULL};
    struct end *end = port->priv;
    struct house *house = house_of(port->loop);
    int code = jig_port_check_options(port, known, err);
    if (code < 0)
        return code;
    if (port->address.n_words != 1)
        return jig_fail(err, JIG_EINVALID, "stage: must be stage:NAME");
    if (!house || !house->player)
        return jig_fail(err, JIG_ENOTFOUND, "%s: nobody plays a device here", port->name);
    if (find(port->loop, port->address.words[0]))
        return jig_fail(err, JIG_EBUSY, "%s: '%s' is open already", port->name,
                        port->address.words[0]);
    end->port = port;
    end->player = house->player;
    end->arrived.cap = JIG_STAGE_CAP;
    end->tell = (struct jig_deferred){.run = run_tell, .data = end};
    return ask_to_open(house, end, err);
}

static void stage_close(struct jig_port *port)
{
    struct end *end = port->priv;
    forget(port->loop, end);
    end->player->close(end->player->data, name_of(end));
}

static int fail_lost(const struct end *end, struct jig_error *err)
{
    *err = end->lost;
    return JIG_ELOST;
}

static int stage_read(struct jig_port *port, void *bytes, size_t n, struct jig_error *err)
{
    struct end *end = port->priv;
    size_t held = jig_buf_len(&end->arrived);
    if (!held)
        return end->lost.code != JIG_OK ? fail_lost(end, err) : JIG_AGAIN;
    n = n < held ? n : held;
    memcpy(bytes, jig_buf_data(&end->arrived), n);
    jig_buf_consume(&end->arrived, n);
    return (int)n;
}

static int stage_write(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err)
{
    struct end *end = port->priv;
    if (end->lost.code != JIG_OK)
        return fail_lost(end, err);
    if (end->blocked)
        return JIG_AGAIN;
    end->blocked = true; /* and not, if the player says so while it is told */
    struct jig_error said;
    int rc = end->player->write(end->player->data, name_of(end), bytes, n, &said);
    if (rc != JIG_AGAIN)
        end->blocked = false;
    if (rc == JIG_ELOST)
        lose(end, said.text);
    return answer(port, rc, &said, err);
}

static int stage_want(struct jig_port *port, unsigned events, struct jig_error *err)
{
    struct end *end = port->priv;
    (void)err;
    end->wanted = events;
    consider(end);
    return JIG_OK;
}

static int stage_set(struct jig_port *port, const struct jig_setting *setting,
                     struct jig_error *err)
{
    struct end *end = port->priv;
    if (end->lost.code != JIG_OK)
        return fail_lost(end, err);
    struct jig_error said;
    int rc = end->player->set(end->player->data, name_of(end), setting, &said);
    return answer(port, rc, &said, err);
}

const struct jig_transport jig_transport_stage = {
    .scheme = "stage",
    .summary = "a device that is played, for tests",
    .priv_size = sizeof(struct end),
    .open = stage_open,
    .close = stage_close,
    .read = stage_read,
    .write = stage_write,
    .want = stage_want,
    .set = stage_set,
};
