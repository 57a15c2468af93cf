/* Ports whose other end is played, see core/stage.h. `stage:name`, with the options of a usb
 * address that say which wire of which device; a name with its options is open once. */
#include "core/stage.h"

#include <stdio.h>
#include <string.h>

#include "transports/table.h"

enum { NAME_CAP = 256 };

/* A control request. */
struct asked {
    enum { NOTHING, ASKED, ANSWERED } state;
    unsigned number; /* of this port's latest one */
    struct jig_buf bytes;
    struct jig_error failure; /* JIG_OK = none */
};

struct end {
    struct end *next; /* in the loop's list */
    struct jig_port *port;
    const struct jig_stage_player *player;
    char name[NAME_CAP];
    struct jig_port_about about;
    struct jig_buf arrived;
    struct asked asked;
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
    unsigned asked; /* number of the latest control request, whichever port's it was: an answer that
                       is late may come after its port was closed and opened again */
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

/* The name of an address, with its options. JIG_EINVALID. */
static int read_name(const struct jig_address *a, char name[NAME_CAP], struct jig_error *err)
{
    static const char *const known[] = {"alt",    "interface", "path",  "pid", "read",
                                        "serial", "vid",       "write", NULL};
    int code = jig_address_check_options(a, known, err);
    if (code < 0)
        return code;
    if (a->n_words != 1)
        return jig_fail(err, JIG_EINVALID, "stage: must be stage:NAME");
    int used = snprintf(name, NAME_CAP, "%s", a->words[0]);
    for (size_t i = 0; i < a->n_options && used < NAME_CAP; i++)
        used += snprintf(name + used, (size_t)(NAME_CAP - used), "%c%s=%s", i ? '&' : '?',
                         a->options[i].key, a->options[i].value);
    if (used >= NAME_CAP)
        return jig_fail(err, JIG_EINVALID, "stage: more than %d bytes of a name", NAME_CAP - 1);
    return JIG_OK;
}

static struct end *find(struct jig_loop *loop, const char *name)
{
    const struct house *house = house_of(loop);
    struct end *end = house ? house->first : NULL;
    while (end && strcmp(end->name, name) != 0)
        end = end->next;
    return end;
}

/* ---- what the player does ---- */

static unsigned possible(const struct end *end)
{
    bool lost = end->lost.code != JIG_OK;
    return (lost || jig_buf_len(&end->arrived) ? JIG_READABLE : 0u) |
           (lost || !end->blocked ? JIG_WRITABLE : 0u) |
           (lost || end->asked.state != ASKED ? JIG_ANSWERED : 0u);
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

int jig_stage_answered(struct jig_loop *loop, const char *name, unsigned number, const void *bytes,
                       size_t n, const struct jig_error *err)
{
    struct end *end = find(loop, name);
    struct asked *asked = end ? &end->asked : NULL;
    if (!end || end->lost.code != JIG_OK || asked->state != ASKED || asked->number != number)
        return JIG_ENOTFOUND;
    asked->failure = (struct jig_error){0};
    if (err)
        asked->failure = *err;
    else if (jig_buf_append(&asked->bytes, bytes, n) < 0)
        return JIG_ELIMIT;
    asked->state = ANSWERED;
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
    jig_buf_release(&end->asked.bytes);
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
    int rc = end->player->open(end->player->data, end->name, &end->about, &said);
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
    struct end *end = port->priv;
    struct house *house = house_of(port->loop);
    int code = read_name(&port->address, end->name, err);
    if (code < 0)
        return code;
    if (!house || !house->player)
        return jig_fail(err, JIG_ENOTFOUND, "%s: nobody plays a device here", port->name);
    if (find(port->loop, end->name))
        return jig_fail(err, JIG_EBUSY, "%s: '%s' is open already", port->name, end->name);
    end->port = port;
    end->player = house->player;
    end->arrived.cap = JIG_STAGE_CAP;
    end->asked.bytes.cap = JIG_CONTROL_CAP;
    end->tell = (struct jig_deferred){.run = run_tell, .data = end};
    return ask_to_open(house, end, err);
}

static void stage_close(struct jig_port *port)
{
    struct end *end = port->priv;
    forget(port->loop, end);
    end->player->close(end->player->data, end->name);
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
    int rc = end->player->write(end->player->data, end->name, bytes, n, &said);
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
    int rc = end->player->set(end->player->data, end->name, setting, &said);
    return answer(port, rc, &said, err);
}

/* As many bytes as were asked for, or what went wrong. */
static int take_answer(struct end *end, const struct jig_control *control, struct jig_error *err)
{
    struct asked *asked = &end->asked;
    size_t n = jig_buf_len(&asked->bytes);
    asked->state = NOTHING;
    if (asked->failure.code != JIG_OK)
        return answer(end->port, asked->failure.code, &asked->failure, err);
    n = n < control->length ? n : control->length;
    if (n && control->answer)
        memcpy(control->answer, jig_buf_data(&asked->bytes), n);
    return control->answer ? (int)n : control->length;
}

static int begin_control(struct end *end, const struct jig_control *control, struct jig_error *err)
{
    struct asked *asked = &end->asked;
    struct jig_error said;
    asked->number = ++house_of(end->port->loop)->asked;
    asked->state = ASKED; /* the player may answer at once */
    jig_buf_consume(&asked->bytes, jig_buf_len(&asked->bytes));
    int rc = end->player->control(end->player->data, end->name, control, asked->number, &said);
    if (rc != JIG_AGAIN)
        asked->state = NOTHING;
    return answer(end->port, rc, &said, err);
}

static int stage_control(struct jig_port *port, const struct jig_control *control,
                         struct jig_error *err)
{
    struct end *end = port->priv;
    if (!control) {
        end->asked.state = NOTHING;
        return JIG_OK;
    }
    if (end->asked.state == ANSWERED)
        return take_answer(end, control, err);
    if (end->lost.code != JIG_OK)
        return fail_lost(end, err);
    return end->asked.state == ASKED ? JIG_AGAIN : begin_control(end, control, err);
}

static void stage_about(const struct jig_port *port, struct jig_port_about *about)
{
    *about = ((const struct end *)port->priv)->about;
}

static int stage_present(struct jig_loop *loop, const struct jig_address *address,
                         struct jig_error *err)
{
    const struct house *house = house_of(loop);
    char name[NAME_CAP];
    int code = read_name(address, name, err);
    if (code < 0)
        return code;
    if (!house || !house->player)
        return jig_fail(err, JIG_EUNSUPPORTED, "stage: nobody plays a device here");
    return house->player->present(house->player->data, name, err);
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
    .control = stage_control,
    .about = stage_about,
    .present = stage_present,
};
