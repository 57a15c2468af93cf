/* jig.port: open wires. Reads and writes try first and wait only when they would block.
 *
 * Bytes that arrived stay in the port's buffer until they are handed out, so a read that fails
 * leaves the stream as it was. Limits are in seconds; the default is to wait for ever, since the
 * task's own limits (task.limit) still hold.
 */
#include "bindings/jig.h"

#include <math.h>
#include <string.h>

#include "core/port.h"

#define PORT "jig.port"

enum { DEFAULT_MAX = 65536, DRAIN_POLL_MS = 1 };

struct lport {
    struct jig_port *port; /* NULL = closed */
    struct jig_wait wait[JIG_DIRECTIONS];
    struct jig_buf dropped; /* on its way from the port to Lua */
    struct jig_control
        control; /* the request under way; its bytes are values on the waiting stack */
};

static struct lport *to_lport(lua_State *L)
{
    return luaL_checkudata(L, 1, PORT);
}

static struct lport *to_open(lua_State *L)
{
    struct lport *p = to_lport(L);
    if (!p->port)
        luaL_error(L, "attempt to use a closed port");
    return p;
}

static void told(void *data)
{
    jigL_wake(data);
}

/* Blocks for a direction after JIG_AGAIN. 0: go on; 1: yield now; 2: failure, *err is filled. */
enum { GO_ON, YIELD_NOW, FAILED };

static int block_for(lua_State *L, struct lport *p, enum jig_direction direction, const char *what,
                     struct jig_error *err)
{
    struct jig_wait *wait = &p->wait[direction];
    jig_port_unwait(p->port, direction); /* what a wait that raised has left behind */
    if (jig_port_wait(p->port, direction, told, wait, err) < 0)
        return FAILED;
    if (!jigL_block(L, wait, what))
        return YIELD_NOW;
    return GO_ON;
}

static bool failed_wait(struct lport *p, enum jig_direction direction)
{
    if (p->wait[direction].outcome == JIG_OK)
        return false;
    if (p->port)
        jig_port_unwait(p->port, direction);
    return true;
}

static void close_port(struct lport *p)
{
    struct jig_port *port = p->port;
    p->port = NULL;
    if (!port)
        return;
    jig_port_free(port);
    for (int i = 0; i < JIG_DIRECTIONS; i++)
        jigL_wake_with(&p->wait[i], JIG_ECLOSED);
}

/* ---- open ---- */

static int opened(lua_State *L, int status, lua_KContext ctx)
{
    struct lport *p = lua_touserdata(L, (int)ctx);
    struct jig_error err;
    for (;;) {
        if (status == LUA_YIELD && failed_wait(p, JIG_OUTPUT)) {
            close_port(p);
            return jigL_fail_wait(L, &p->wait[JIG_OUTPUT], "port.open");
        }
        int rc = jig_port_open(p->port, &err);
        if (rc == JIG_OK) {
            lua_pushvalue(L, (int)ctx);
            return 1;
        }
        int next = rc == JIG_AGAIN ? block_for(L, p, JIG_OUTPUT, "port.open", &err) : FAILED;
        if (next == YIELD_NOW)
            return jigL_yield(L, ctx, opened);
        if (next == FAILED) {
            close_port(p);
            return jigL_fail(L, &err);
        }
        status = LUA_YIELD;
    }
}

static lua_Integer int_option(lua_State *L, const char *name, lua_Integer fallback)
{
    lua_getfield(L, 2, name);
    lua_Integer value = luaL_optinteger(L, -1, fallback);
    lua_pop(L, 1);
    return value;
}

static double number_option(lua_State *L, const char *name, double fallback)
{
    lua_getfield(L, 2, name);
    double value = luaL_optnumber(L, -1, fallback);
    lua_pop(L, 1);
    return value;
}

/*
 * port.open(address [, options]) -> port | nil, message, code. Yields.
 *   address  a URI: "serial:/dev/ttyUSB0?baud=921600", "tcp:host:7777", "exec:program arg", ...
 *   options  limit  seconds until it must be open (default: no limit of its own)
 *            name   what messages and traces call it (default: the address)
 *            chunk  bytes in one write, gap  seconds of silence after each (default: unpaced)
 *     local wire <close> = assert(port.open("tcp:10.0.0.7:7777", { limit = 5 }))
 */
static int port_open(lua_State *L)
{
    static const char *const known[] = {"limit", "name", "chunk", "gap", NULL};
    struct jig_engine *engine = jigL_engine(L);
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) {
        lua_newtable(L);
        lua_replace(L, 2);
    }
    jigL_check_keys(L, 2, "port.open", known);
    double limit = number_option(L, "limit", HUGE_VAL);
    lua_Integer chunk = int_option(L, "chunk", 0);
    double gap = number_option(L, "gap", 0);
    luaL_argcheck(L, limit >= 0 && gap >= 0 && chunk >= 0, 2,
                  "limit, chunk, gap must be 0 or more");
    lua_getfield(L, 2, "name");
    const char *name = luaL_optstring(L, 3, text);

    struct lport *p = lua_newuserdatauv(L, sizeof *p, 0);
    memset(p, 0, sizeof *p);
    luaL_setmetatable(L, PORT);
    struct jig_address address;
    struct jig_error err;
    if (jig_address_parse(&address, text, length, &err) < 0)
        return jigL_fail(L, &err);
    p->port = jig_port_new(engine->loop, &engine->log, &address, name, &err);
    if (!p->port)
        return jigL_fail(L, &err);
    p->port->chunk = (size_t)chunk;
    p->port->gap = jig_clock_after(0, gap);
    jigL_wait_begin(L, &p->wait[JIG_OUTPUT], "open", limit, false);
    return opened(L, LUA_OK, 4);
}

/* ---- reading ---- */

/* How many bytes can be handed out, 0 for "not yet", or a failure. Reads look at p->port->in only.
 */
typedef int ready_fn(lua_State *L, struct lport *p, struct jig_error *err);

static int push_bytes(lua_State *L, struct lport *p, size_t n)
{
    lua_pushlstring(L, (const char *)jig_buf_data(&p->port->in), n);
    jig_buf_consume(&p->port->in, n);
    return 1;
}

/* The shared body of all reads: fills the buffer until `ready` is satisfied. */
static int read_on(lua_State *L, int status, ready_fn *ready, const char *what, lua_KFunction self)
{
    struct lport *p = to_lport(L);
    struct jig_error err;
    for (;;) {
        if (!p->port)
            return jigL_fail_wait(L, &p->wait[JIG_INPUT], what);
        int n = ready(L, p, &err);
        if (n > 0)
            return push_bytes(L, p, (size_t)n);
        if (n < 0)
            return jigL_fail(L, &err);
        if (status == LUA_YIELD && failed_wait(p, JIG_INPUT))
            return jigL_fail_wait(L, &p->wait[JIG_INPUT], what);
        int rc = jig_port_fill(p->port, &err);
        if (rc > 0) {
            status = LUA_OK;
            continue;
        }
        int next = rc == JIG_AGAIN ? block_for(L, p, JIG_INPUT, what, &err) : FAILED;
        if (next == YIELD_NOW)
            return jigL_yield(L, 0, self);
        if (next == FAILED)
            return jigL_fail(L, &err);
        status = LUA_YIELD;
    }
}

static int begin_read(lua_State *L, struct lport *p, int limit_arg, lua_KFunction self)
{
    jigL_wait_begin(L, &p->wait[JIG_INPUT], "read", jigL_opt_seconds(L, limit_arg, HUGE_VAL),
                    false);
    return self(L, LUA_OK, 0);
}

static int ready_exact(lua_State *L, struct lport *p, struct jig_error *err)
{
    (void)err;
    size_t want = (size_t)lua_tointeger(L, 2);
    return jig_buf_len(&p->port->in) >= want ? (int)want : 0;
}

static int read_exact_on(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    return read_on(L, status, ready_exact, "port:read", read_exact_on);
}

/*
 * port:read(n [, limit]) -> exactly n bytes | nil, message, code [, limit's name]. What had arrived
 * stays in the port on failure. Yields.
 */
static int port_read(lua_State *L)
{
    struct lport *p = to_open(L);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_argcheck(L, n >= 0 && n <= JIG_PORT_INPUT_CAP, 2, "bytes must be 0 to 1048576");
    if (n == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    return begin_read(L, p, 3, read_exact_on);
}

static int ready_some(lua_State *L, struct lport *p, struct jig_error *err)
{
    (void)err;
    size_t max = (size_t)luaL_optinteger(L, 3, DEFAULT_MAX);
    size_t have = jig_buf_len(&p->port->in);
    return (int)(have < max ? have : max);
}

static int read_some_on(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    return read_on(L, status, ready_some, "port:read_some", read_some_on);
}

/*
 * port:read_some([limit [, max]]) -> the bytes that are there, one at least, `max` at most (default
 * 65536) | nil, message, code [, limit's name]. Yields.
 */
static int port_read_some(lua_State *L)
{
    struct lport *p = to_open(L);
    luaL_argcheck(L, luaL_optinteger(L, 3, DEFAULT_MAX) > 0, 3, "max must be 1 or more");
    return begin_read(L, p, 2, read_some_on);
}

static int ready_until(lua_State *L, struct lport *p, struct jig_error *err)
{
    size_t length, have = jig_buf_len(&p->port->in);
    const char *delimiter = lua_tolstring(L, 2, &length);
    const uint8_t *bytes = jig_buf_data(&p->port->in);
    const uint8_t *found = memmem(bytes, have, delimiter, length);
    size_t max = (size_t)luaL_optinteger(L, 4, DEFAULT_MAX);
    if (found)
        return (int)((size_t)(found - bytes) + length);
    if (have > max)
        return jig_fail(err, JIG_ELIMIT, "port:read_until: no delimiter in the first %zu bytes",
                        max);
    return 0;
}

static int read_until_on(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    return read_on(L, status, ready_until, "port:read_until", read_until_on);
}

/*
 * port:read_until(delimiter [, limit [, max]]) -> bytes up to and with the delimiter (a plain
 * string) | nil, message, code [, limit's name]. Code "limit" when more than `max` bytes (default
 * 65536) came without one. Yields.
 */
static int port_read_until(lua_State *L)
{
    struct lport *p = to_open(L);
    size_t length;
    luaL_checklstring(L, 2, &length);
    luaL_argcheck(L, length > 0, 2, "the delimiter is empty");
    luaL_argcheck(L, luaL_optinteger(L, 4, DEFAULT_MAX) > 0, 4, "max must be 1 or more");
    return begin_read(L, p, 3, read_until_on);
}

/*
 * port:unread(bytes) -> true | nil, message, code. Puts bytes back in front of what waits to be
 * read.
 */
static int port_unread(lua_State *L)
{
    struct lport *p = to_open(L);
    size_t n;
    const char *bytes = luaL_checklstring(L, 2, &n);
    if (jig_buf_unread(&p->port->in, bytes, n) < 0) {
        struct jig_error err;
        jig_fail(&err, JIG_ELIMIT, "port:unread: the input buffer is full");
        return jigL_fail(L, &err);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static void keep_dropped(void *data, const void *bytes, size_t n)
{
    jig_buf_append(data, bytes, n);
}

/*
 * port:discard() -> the bytes that were waiting and are now dropped | nil, message, code. Does not
 * yield.
 */
static int port_discard(lua_State *L)
{
    struct lport *p = to_open(L);
    struct jig_error err;
    p->dropped.cap = JIG_PORT_INPUT_CAP;
    if (jig_port_discard(p->port, keep_dropped, &p->dropped, &err) < 0)
        return jigL_fail(L, &err);
    size_t n = jig_buf_len(&p->dropped);
    lua_pushlstring(L, (const char *)jig_buf_data(&p->dropped), n);
    jig_buf_consume(&p->dropped, n);
    return 1;
}

/* ---- writing ---- */

/* The bytes are argument 2; ctx counts those that were accepted. */
static int write_on(lua_State *L, int status, lua_KContext ctx)
{
    struct lport *p = to_lport(L);
    struct jig_error err;
    size_t n, done = (size_t)ctx;
    const char *bytes = lua_tolstring(L, 2, &n);
    while (done < n) {
        if (!p->port || (status == LUA_YIELD && failed_wait(p, JIG_OUTPUT)))
            return jigL_fail_wait(L, &p->wait[JIG_OUTPUT], "port:write");
        int rc = jig_port_write(p->port, bytes + done, n - done, &err);
        if (rc > 0) {
            done += (size_t)rc;
            status = LUA_OK;
            continue;
        }
        int next = rc == JIG_AGAIN ? block_for(L, p, JIG_OUTPUT, "port:write", &err) : FAILED;
        if (next == YIELD_NOW)
            return jigL_yield(L, (lua_KContext)done, write_on);
        if (next == FAILED)
            return jigL_fail(L, &err);
        status = LUA_YIELD;
    }
    lua_pushboolean(L, 1);
    return 1;
}

/*
 * port:write(bytes [, limit]) -> true | nil, message, code [, limit's name]. True means that the
 * system accepted all of them, not that they have left it: see drain. Yields.
 */
static int port_write(lua_State *L)
{
    struct lport *p = to_open(L);
    luaL_checkstring(L, 2);
    jigL_wait_begin(L, &p->wait[JIG_OUTPUT], "write", jigL_opt_seconds(L, 3, HUGE_VAL), false);
    return write_on(L, LUA_OK, 0);
}

static void drain_poll(struct jig_timer *timer)
{
    jigL_wake(timer->data);
}

/* The system does not tell when its output is empty: asked again each millisecond, by the timer at
 * index 3. */
static int drain_on(lua_State *L, int status, lua_KContext ctx)
{
    struct lport *p = to_lport(L);
    struct jig_timer *poll = lua_touserdata(L, 3);
    struct jig_error err;
    (void)ctx;
    for (;;) {
        if (!p->port || (status == LUA_YIELD && p->wait[JIG_OUTPUT].outcome != JIG_OK)) {
            jig_timer_stop(jigL_engine(L)->loop, poll);
            return jigL_fail_wait(L, &p->wait[JIG_OUTPUT], "port:drain");
        }
        int rc = jig_port_drain(p->port, &err);
        if (rc == JIG_OK) {
            lua_pushboolean(L, 1);
            return 1;
        }
        if (rc != JIG_AGAIN)
            return jigL_fail(L, &err);
        int64_t soon = jig_loop_now(jigL_engine(L)->loop) + (int64_t)DRAIN_POLL_MS * JIG_MS;
        poll->fire = drain_poll;
        poll->data = &p->wait[JIG_OUTPUT];
        jig_timer_start(jigL_engine(L)->loop, poll, soon);
        if (!jigL_block(L, &p->wait[JIG_OUTPUT], "port:drain"))
            return jigL_yield(L, 0, drain_on);
        status = LUA_YIELD;
    }
}

#define POLL "jig.port.poll"

static int poll_gc(lua_State *L)
{
    jig_timer_stop(jigL_engine(L)->loop, luaL_checkudata(L, 1, POLL));
    return 0;
}

/*
 * port:drain([limit]) -> true | nil, message, code [, limit's name]. Waits until what was written
 * has left this machine, as far as the transport can tell. Yields.
 */
static int port_drain(lua_State *L)
{
    struct lport *p = to_open(L);
    double limit = jigL_opt_seconds(L, 2, HUGE_VAL);
    lua_settop(L, 2);
    memset(lua_newuserdatauv(L, sizeof(struct jig_timer), 0), 0, sizeof(struct jig_timer));
    luaL_setmetatable(L, POLL);
    jigL_wait_begin(L, &p->wait[JIG_OUTPUT], "drain", limit, false);
    return drain_on(L, LUA_OK, 0);
}

/* ---- control requests ---- */

static lua_Integer byte_field(lua_State *L, const char *name, lua_Integer most, bool required)
{
    int kind = lua_getfield(L, 2, name);
    lua_Integer value = kind == LUA_TNIL && !required ? 0 : luaL_checkinteger(L, -1);
    if (value < 0 || value > most)
        luaL_error(L, "port:control: %s must be 0 to %I", name, (LUAI_UACINT)most);
    lua_pop(L, 1);
    return value;
}

/* The bytes that go with the request, which stay at index 3: those to send, or room for those that
 * are asked for. */
static void read_bytes(lua_State *L, struct jig_control *control)
{
    bool asks = control->request_type & 0x80;
    size_t n = 0;
    lua_settop(L, 2);
    int kind = lua_getfield(L, 2, asks ? "data" : "length");
    luaL_argcheck(L, kind == LUA_TNIL, 2,
                  asks ? "bit 7 of request_type is set: the device answers, so give length"
                       : "bit 7 of request_type is not set: the device answers nothing, give data");
    lua_settop(L, 2);
    if (asks) {
        n = (size_t)byte_field(L, "length", JIG_CONTROL_CAP, false);
        control->answer = lua_newuserdatauv(L, n, 0);
    } else if (lua_getfield(L, 2, "data") != LUA_TNIL) {
        control->data = (const uint8_t *)luaL_checklstring(L, 3, &n);
        luaL_argcheck(L, n <= JIG_CONTROL_CAP, 2, "data must have 4096 bytes at most");
    }
    control->length = (uint16_t)n;
}

static int push_answer(lua_State *L, struct lport *p, int n)
{
    if (!p->control.answer) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushlstring(L, (const char *)p->control.answer, (size_t)n);
    explicit_bzero(p->control.answer, p->control.length);
    return 1;
}

static int control_on(lua_State *L, int status, lua_KContext ctx)
{
    struct lport *p = to_lport(L);
    struct jig_error err;
    (void)ctx;
    for (;;) {
        if (!p->port || (status == LUA_YIELD && failed_wait(p, JIG_ANSWER))) {
            if (p->port)
                jig_port_control(p->port, NULL, NULL);
            return jigL_fail_wait(L, &p->wait[JIG_ANSWER], "port:control");
        }
        int rc = jig_port_control(p->port, &p->control, &err);
        if (rc >= 0)
            return push_answer(L, p, rc);
        int next = rc == JIG_AGAIN ? block_for(L, p, JIG_ANSWER, "port:control", &err) : FAILED;
        if (next == YIELD_NOW)
            return jigL_yield(L, 0, control_on);
        if (next == FAILED)
            return jigL_fail(L, &err);
        status = LUA_YIELD;
    }
}

/*
 * port:control(request) -> the bytes that the device answered, or true when it was only told
 * something | nil, message, code [, limit's name]. Code "refused": the device does not do that;
 * "unsupported": the wire has no control requests. Yields.
 *   request  request_type, request  the two bytes that say what it is
 *            value, index           default 0
 *            length                 how many bytes are asked for at most (bit 7 of request_type
 * set) data                   the bytes to send (not set); 4096 are the most, either way limit
 * seconds assert(wire:control { request_type = 0xC0, request = 0x42, length = 4 })
 */
static int port_control(lua_State *L)
{
    static const char *const known[] = {"request_type", "request", "value", "index",
                                        "data",         "length",  "limit", NULL};
    struct lport *p = to_open(L);
    struct jig_control control = {0};
    luaL_checktype(L, 2, LUA_TTABLE);
    jigL_check_keys(L, 2, "port:control", known);
    jigL_check_wait(L, "port:control");
    double limit = number_option(L, "limit", HUGE_VAL);
    luaL_argcheck(L, limit >= 0, 2, "limit must be 0 or more");
    control.request_type = (uint8_t)byte_field(L, "request_type", 0xff, true);
    control.request = (uint8_t)byte_field(L, "request", 0xff, true);
    control.value = (uint16_t)byte_field(L, "value", 0xffff, false);
    control.index = (uint16_t)byte_field(L, "index", 0xffff, false);
    read_bytes(L, &control);
    jigL_wait_begin(L, &p->wait[JIG_ANSWER], "control", limit, false);
    jig_port_control(p->port, NULL, NULL); /* what a wait that raised has left behind */
    p->control = control;
    return control_on(L, LUA_OK, 0);
}

/* ---- the rest ---- */

/*
 * port:set(name, value) -> true | nil, message, code ("unsupported"). name: "dtr", "rts", "break"
 * with a boolean, "baud" with a number, and what the transport's section in transports/README.md
 * lists.
 */
static int port_set(lua_State *L)
{
    struct lport *p = to_open(L);
    struct jig_setting setting = {.name = luaL_checkstring(L, 2)};
    struct jig_error err;
    if (lua_isboolean(L, 3))
        setting.number = lua_toboolean(L, 3);
    else
        setting.number = luaL_checkinteger(L, 3);
    if (jig_port_set(p->port, &setting, &err) < 0)
        return jigL_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

static void set_known(lua_State *L, const char *key, const char *value)
{
    if (!value[0])
        return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

/*
 * port:about() -> { serial?, path? }: what the system knows of the device behind the port: its
 * serial number, and where it is plugged in. An empty table where the wire does not know.
 */
static int port_about(lua_State *L)
{
    struct lport *p = to_open(L);
    struct jig_port_about about;
    jig_port_about(p->port, &about);
    lua_newtable(L);
    set_known(L, "serial", about.serial);
    set_known(L, "path", about.path);
    return 1;
}

/*
 * port:counts() -> bytes received, bytes sent, since it was opened.
 */
static int port_counts(lua_State *L)
{
    struct lport *p = to_open(L);
    lua_pushinteger(L, (lua_Integer)p->port->received);
    lua_pushinteger(L, (lua_Integer)p->port->sent);
    return 2;
}

/*
 * port:close(). Twice is harmless; whoever waits on it is told "closed". Does not yield.
 */
static int port_close(lua_State *L)
{
    close_port(to_lport(L));
    return 0;
}

static int port_gc(lua_State *L)
{
    struct lport *p = to_lport(L);
    close_port(p);
    jig_buf_release(&p->dropped);
    for (int i = 0; i < JIG_DIRECTIONS; i++)
        jigL_wait_drop(&p->wait[i]);
    return 0;
}

static int port_tostring(lua_State *L)
{
    struct lport *p = to_lport(L);
    if (p->port)
        lua_pushfstring(L, "port (%s)", p->port->name);
    else
        lua_pushliteral(L, "port (closed)");
    return 1;
}

int luaopen_jig_port(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"read", port_read},
        {"read_some", port_read_some},
        {"read_until", port_read_until},
        {"unread", port_unread},
        {"discard", port_discard},
        {"write", port_write},
        {"drain", port_drain},
        {"set", port_set},
        {"control", port_control},
        {"about", port_about},
        {"counts", port_counts},
        {"close", port_close},
        {NULL, NULL},
    };
    static const luaL_Reg meta[] = {
        {"__gc", port_gc},
        {"__close", port_gc},
        {"__tostring", port_tostring},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {{"open", port_open}, {NULL, NULL}};
    luaL_newmetatable(L, POLL);
    lua_pushcfunction(L, poll_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newmetatable(L, PORT);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    jigL_add_devices(L);
    return 1;
}
