/* jig.port, of devices rather than of wires: which there are, whether one is there, and that some
 * have come or gone. */
#include "bindings/jig.h"

#include <math.h>
#include <string.h>

#include "core/arrival.h"
#include "core/port.h"

#define CHANGE "jig.port.change"

/* ---- listing ---- */

static void set_string(lua_State *L, const char *key, const char *value)
{
    if (!value)
        return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

static void set_id(lua_State *L, const char *key, int value)
{
    if (value < 0)
        return;
    lua_pushinteger(L, value);
    lua_setfield(L, -2, key);
}

/* Adds the field held_by when somebody holds the device. [-0, +0, m] */
static void set_holders(lua_State *L, const struct jig_port_info *info)
{
    if (!info->n_holders)
        return;
    lua_createtable(L, (int)info->n_holders, 0);
    for (size_t i = 0; i < info->n_holders; i++) {
        const struct jig_port_holder *holder = &info->holders[i];
        lua_createtable(L, 0, 2);
        set_id(L, "pid", holder->pid);
        set_string(L, "program", holder->program[0] ? holder->program : NULL);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "held_by");
}

/* Adds the device at index 2, a light userdata, to the list at index 1. In protected mode. */
static int add_info(lua_State *L)
{
    const struct jig_port_info *info = lua_touserdata(L, 2);
    lua_newtable(L);
    set_string(L, "address", info->address);
    set_string(L, "name", info->name);
    set_string(L, "description", info->description);
    set_string(L, "manufacturer", info->manufacturer);
    set_string(L, "product", info->product);
    set_string(L, "serial", info->serial);
    set_id(L, "vid", info->vid);
    set_id(L, "pid", info->pid);
    set_string(L, "path", info->path);
    set_string(L, "driver", info->driver);
    set_holders(L, info);
    lua_rawseti(L, 1, (lua_Integer)lua_rawlen(L, 1) + 1);
    return 0;
}

/* A listing whose list is on top of the stack, or, when it has failed, the error above it. */
struct listing {
    lua_State *L;
    int status;
};

/* A transport holds what it looks at meanwhile: an error waits until it has given that back. */
static void take_info(void *data, const struct jig_port_info *info)
{
    struct listing *listing = data;
    lua_State *L = listing->L;
    if (listing->status != LUA_OK)
        return;
    lua_pushcfunction(L, add_info);
    lua_pushvalue(L, -2);
    lua_pushlightuserdata(L, (void *)info);
    listing->status = lua_pcall(L, 2, 0, 0);
}

/*
 * port.list() -> array of { address, name, description?, manufacturer?, product?, serial?, vid?,
 * pid?, path?, driver?, held_by? = array of { pid, program? } } of the devices that could be opened
 * now | nil, message, code. Does not yield.
 */
static int port_list(lua_State *L)
{
    struct listing listing = {L, LUA_OK};
    struct jig_error err;
    luaL_checkstack(L, 4, NULL); /* the list, and a call of add_info */
    lua_newtable(L);
    for (const struct jig_transport *const *t = jig_transports; *t; t++) {
        int code = (*t)->list ? (*t)->list(take_info, &listing, &err) : JIG_OK;
        if (listing.status != LUA_OK)
            return lua_error(L);
        if (code < 0)
            return jigL_fail(L, &err);
    }
    return 1;
}

/*
 * port.present(address) -> true or false: whether the device is there now, without opening it |
 * nil, message, code ("unsupported": only opening it can tell). Does not yield. port.present
 * "tty:/dev/ttyUSB0"
 */
static int port_present(lua_State *L)
{
    struct jig_address address;
    struct jig_error err;
    size_t n;
    const char *text = luaL_checklstring(L, 1, &n);
    int code = jig_address_parse(&address, text, n, &err);
    if (code == JIG_OK) {
        code = jig_port_present(jigL_engine(L)->loop, &address, &err);
        jig_address_release(&address);
    }
    if (code < 0)
        return jigL_fail(L, &err);
    lua_pushboolean(L, code);
    return 1;
}

/*
 * port.schemes() -> array of { scheme, summary }, one for each transport.
 */
static int port_schemes(lua_State *L)
{
    lua_Integer i = 1;
    lua_newtable(L);
    for (const struct jig_transport *const *t = jig_transports; *t; t++) {
        lua_newtable(L);
        set_string(L, "scheme", (*t)->scheme);
        set_string(L, "summary", (*t)->summary);
        lua_rawseti(L, -2, i++);
    }
    return 1;
}

/* ---- arrival ---- */

struct change {
    struct jig_wait wait;
    struct jig_arrival_waiter waiter;
};

static int change_gc(lua_State *L)
{
    struct change *change = luaL_checkudata(L, 1, CHANGE);
    jig_arrival_unwait(jigL_engine(L)->loop, &change->waiter);
    jigL_wait_drop(&change->wait);
    return 0;
}

static void told(void *data)
{
    jigL_wake(data);
}

static lua_Integer count(lua_State *L)
{
    struct jig_engine *engine = jigL_engine(L);
    return (lua_Integer)jig_arrival_count(engine->loop, &engine->log);
}

/* The change is at index 3. Its own limit, which has no name, is no failure. */
static int changed(lua_State *L, int status, lua_KContext ctx)
{
    struct change *change = lua_touserdata(L, 3);
    const struct jig_wait *wait = &change->wait;
    (void)status;
    (void)ctx;
    jig_arrival_unwait(jigL_engine(L)->loop, &change->waiter);
    if (wait->outcome != JIG_OK && (wait->outcome != JIG_ETIMEOUT || wait->limit[0] != '\0'))
        return jigL_fail_wait(L, wait, "port.change");
    lua_pushinteger(L, count(L));
    return 1;
}

/*
 * port.change([limit [, since]]) -> count | nil, message, code ("interrupted", or "timeout" of a
 * limit outside). Yields until a serial or USB device was plugged in or unplugged, anywhere on this
 * machine, or `limit` seconds have passed (default: none).
 *   since  what an earlier call gave: what has changed after it counts, also while nobody waited
 * The count is `since` when nothing has changed. It says nothing of which device it was, and may
 * grow without a cause: look again at what is so.
 *     local seen = port.change(0)
 *     while not port.present(address) do seen = port.change(2, seen) end
 */
static int port_change(lua_State *L)
{
    struct jig_engine *engine = jigL_engine(L);
    struct jig_error err;
    double limit = jigL_opt_seconds(L, 1, HUGE_VAL);
    lua_Integer now = count(L), since = luaL_optinteger(L, 2, now);
    lua_settop(L, 2);
    jigL_check_wait(L, "port.change");
    if (now != since)
        limit = 0;
    struct change *change = lua_newuserdatauv(L, sizeof *change, 0);
    memset(change, 0, sizeof *change);
    luaL_setmetatable(L, CHANGE);
    change->waiter.fn = told;
    change->waiter.data = &change->wait;
    jigL_wait_begin(L, &change->wait, "", limit, false);
    if (limit > 0 && jig_arrival_wait(engine->loop, &engine->log, &change->waiter, &err) < 0)
        return jigL_fail(L, &err);
    if (!jigL_block(L, &change->wait, "port.change"))
        return jigL_yield(L, 0, changed);
    return changed(L, LUA_OK, 0);
}

void jigL_add_devices(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"list", port_list},
        {"present", port_present},
        {"schemes", port_schemes},
        {"change", port_change},
        {NULL, NULL},
    };
    luaL_newmetatable(L, CHANGE);
    lua_pushcfunction(L, change_gc);
    lua_setfield(L, -2, "__gc");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
