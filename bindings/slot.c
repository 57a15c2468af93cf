/* jig.slot: a Lua state of its own for each slot, and the messages between it and the main state.
 *
 * Nothing is shared: what passes is copied, and only plain values pass (nil, boolean, number,
 * string, tables of them). In the main state the module makes slots; in a slot's state it emits
 * messages.
 */
#include "bindings/slot.h"

#include <lualib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/state.h"
#include "bindings/watchdog.h"
#include "bindings/world.h"
#include "core/factory_cli.h"

#define SLOT "jig.slot"

enum {
    DEFAULT_MEMORY = 16 << 20, /* bytes */
    COPY_DEPTH = 16,
    USUAL_FIELDS = 8, /* of a table in a message, so that its copy need not grow */
    FEW = 8,          /* slots that need not save memory */
    SLOT_NAME = 32,
    STACK_CLEARED = 65536, /* bytes */
    QUEUE = 1,             /* user values: the messages that wait, from `first` to `last`; */
    OWNER = 2,             /* and what must not be collected before it */
};

/* When a state's collector works. */
struct pace {
    int first; /* KiB until the first time */
    int pause; /* per cent of what was in use after the last time, until the next */
    int speed; /* per cent of what is allocated meanwhile; 0 = Lua's */
};

struct jig_slot {
    lua_State *L; /* NULL = closed */
    lua_State *main;
    struct jig_engine *engine; /* its state's; while that is open */
    struct jig_slot *next, **link;
    bool working;
    bool untidy; /* slot.forget was called, and nothing is collected yet */
    int self;    /* reference to the userdata in the main state while the worker runs, in the
                    program's engine: nobody else may hold it */
    int queue;   /* reference to the messages there, while it is open */
    struct jig_memory memory;
    struct jig_task *task; /* NULL = not started, or ended */
    struct jig_wait wait;
    char name[SLOT_NAME];
    char session[JIG_CLI_SESSION_CAP + 1]; /* the last one that was noted; "" = none */
    lua_Integer first, last;               /* indices into the queue; empty when last < first */
    /* messages to the worker: in its state's registry, under inbox_key */
    struct jig_wait inbox;
    lua_Integer in_first, in_last;
};

static const char slot_key;  /* registry of a slot's state: its struct jig_slot */
static const char inbox_key; /* and the messages to its worker */

/* Raises for a value that cannot pass. */
static void check(lua_State *L, int index, int depth)
{
    index = lua_absindex(L, index);
    int type = lua_type(L, index);
    if (type > LUA_TTABLE || type == LUA_TLIGHTUSERDATA)
        luaL_error(L, "a %s cannot pass between slots: only plain values can",
                   luaL_typename(L, index));
    if (type != LUA_TTABLE)
        return;
    if (depth >= COPY_DEPTH)
        luaL_error(L, "a message is nested too deeply (at most %d)", COPY_DEPTH);
    luaL_checkstack(L, 4, "message");
    lua_pushnil(L);
    while (lua_next(L, index)) {
        check(L, -2, depth + 1);
        check(L, -1, depth + 1);
        lua_pop(L, 1);
    }
}

void jigL_slot_copy(lua_State *from, int index, lua_State *to)
{
    size_t length;
    const char *string;
    luaL_checkstack(to, 4, "message");
    switch (lua_type(from, index)) {
    case LUA_TNIL:
        lua_pushnil(to);
        return;
    case LUA_TBOOLEAN:
        lua_pushboolean(to, lua_toboolean(from, index));
        return;
    case LUA_TNUMBER:
        if (lua_isinteger(from, index))
            lua_pushinteger(to, lua_tointeger(from, index));
        else
            lua_pushnumber(to, lua_tonumber(from, index));
        return;
    case LUA_TSTRING:
        string = lua_tolstring(from, index, &length);
        lua_pushlstring(to, string, length);
        return;
    default:
        break;
    }
    int elements = (int)lua_rawlen(from, index);
    lua_createtable(to, elements, elements ? 0 : USUAL_FIELDS);
    index = lua_absindex(from, index);
    lua_pushnil(from);
    while (lua_next(from, index)) {
        jigL_slot_copy(from, -2, to);
        jigL_slot_copy(from, -1, to);
        lua_rawset(to, -3);
        lua_pop(from, 1);
    }
}

/* ---- in a slot's state ---- */

/* Between the two the message is pushed onto the main thread's stack. */
static int begin_message(struct jig_slot *slot)
{
    lua_State *main = slot->main;
    int top = lua_gettop(main);
    luaL_checkstack(main, 8, "messages");
    lua_rawgeti(main, LUA_REGISTRYINDEX, slot->queue);
    return top;
}

static void end_message(struct jig_slot *slot, int top)
{
    lua_rawseti(slot->main, -2, ++slot->last);
    lua_settop(slot->main, top);
}

/*
 * slot.emit(message). Hands a table of plain values to whoever called slot:next(). Does not yield.
 */
static int emit(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    check(L, 1, 0);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &slot_key);
    struct jig_slot *slot = lua_touserdata(L, -1);
    lua_State *main = slot->main;
    if (slot->engine->world && jigL_world_hears(slot->engine->world, L, 1))
        return 0;
    int top = begin_message(slot);
    jigL_slot_copy(L, 1, main);
    end_message(slot, top);
    jigL_wake(&slot->wait);
    return 0;
}

void jigL_slot_mark(lua_State *S, struct jig_slot *slot)
{
    lua_pushlightuserdata(S, slot);
    lua_rawsetp(S, LUA_REGISTRYINDEX, &slot_key);
}

static struct jig_slot *own_slot(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &slot_key);
    struct jig_slot *slot = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return slot;
}

static int receive_on(lua_State *L, int status, lua_KContext ctx)
{
    struct jig_slot *slot = own_slot(L);
    (void)ctx;
    for (;;) {
        if (slot->in_first <= slot->in_last) {
            lua_rawgetp(L, LUA_REGISTRYINDEX, &inbox_key);
            lua_rawgeti(L, -1, slot->in_first);
            lua_pushnil(L); // inbox message nil
            lua_rawseti(L, -3, slot->in_first++);
            return 1;
        }
        if (status == LUA_YIELD && slot->inbox.outcome != JIG_OK)
            return jigL_fail_wait(L, &slot->inbox, "slot.receive");
        if (!jigL_block(L, &slot->inbox, "slot.receive"))
            return jigL_yield(L, 0, receive_on);
        status = LUA_YIELD;
    }
}

/*
 * slot.receive([limit]) -> the next message that the main state sent by slot:send | nil, message,
 * code. One task may wait. Yields.
 */
static int receive(lua_State *L)
{
    struct jig_slot *slot = own_slot(L);
    jigL_wait_begin(L, &slot->inbox, "receive", jigL_opt_seconds(L, 1, HUGE_VAL), false);
    return receive_on(L, LUA_OK, 0);
}

/* What calls that are over have left on the stack of C: buffers of Lua's libraries and of ours. It
 * is deep enough for what usually runs in a slot; a recipe that calls itself within callbacks of
 * the library may have been deeper. */
__attribute__((noinline)) static void clear_stack(void)
{
    char below[STACK_CLEARED];
    explicit_bzero(below, sizeof below);
}

static void set_untidy(struct jig_slot *slot, bool untidy)
{
    if (untidy && !slot->untidy)
        slot->engine->untidy++;
    if (!untidy && slot->untidy)
        slot->engine->untidy--;
    slot->untidy = untidy;
}

void jigL_slots_tidy(struct jig_engine *engine)
{
    struct jig_slot *slot = engine->open_slots;
    while (slot && !slot->untidy)
        slot = slot->next;
    if (!slot)
        return;
    lua_gc(slot->L, LUA_GCCOLLECT);
    clear_stack();
    set_untidy(slot, false);
}

/*
 * slot.forget(). Before jig waits for anything, what the worker no longer refers to is collected,
 * all of it, and so cleared (memory.h), and what calls have left on the stack of C is cleared.
 * Between two units, so that no byte of the last one's messages is in memory while none is made;
 * and the next one need not wait for that: the CLI is started first. Does not yield.
 */
static int forget(lua_State *L)
{
    struct jig_slot *slot = own_slot(L);
    if (slot->untidy) /* there was no wait since */
        lua_gc(L, LUA_GCCOLLECT);
    set_untidy(slot, true);
    return 0;
}

static void emit_crash(struct jig_slot *slot, lua_State *co)
{
    lua_State *main = slot->main;
    int top = begin_message(slot);
    lua_createtable(main, 0, 2);
    lua_pushliteral(main, "crashed");
    lua_setfield(main, -2, "event");
    lua_pushstring(main, lua_type(co, -1) == LUA_TSTRING ? lua_tostring(co, -1) : "unknown error");
    lua_setfield(main, -2, "message");
    end_message(slot, top);
}

static void worker_ended(void *data, lua_State *co, bool ok, int results)
{
    struct jig_slot *slot = data;
    (void)results;
    slot->task = NULL;
    if (!ok)
        emit_crash(slot, co);
    jigL_wake(&slot->wait);
    slot->working = false;
    luaL_unref(slot->main, LUA_REGISTRYINDEX, slot->self);
    slot->self = LUA_NOREF;
}

/* ---- in the main state ---- */

static struct jig_slot *to_slot(lua_State *L)
{
    struct jig_slot *slot = luaL_checkudata(L, 1, SLOT);
    if (!slot->L)
        luaL_error(L, "attempt to use a closed slot");
    return slot;
}

static lua_State *main_thread(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_State *main = lua_tothread(L, -1);
    lua_pop(L, 1);
    return main;
}

/* In the slot's state, protected: what math.random gives follows from the seed, too. */
static int seed_random(lua_State *S)
{
    lua_getglobal(S, LUA_MATHLIBNAME);
    lua_getfield(S, -1, "randomseed");
    uint64_t seed = jigL_engine(S)->chance + jigL_engine(S)->slots;
    lua_pushinteger(S, (lua_Integer)seed);
    lua_call(S, 1, 0);
    return 0;
}

static void open_slot(struct jig_slot *slot, struct jig_engine *engine)
{
    if (engine->world && engine->seeded) /* else random numbers would come again */
        slot->L = jigL_ahead_state(jigL_engine(slot->main), engine, &slot->memory);
    if (!slot->L)
        slot->L = jigL_slot_state(engine, &slot->memory);
    if (!slot->L)
        return;
    slot->engine = engine;
    slot->link = &engine->open_slots;
    slot->next = engine->open_slots;
    if (slot->next)
        slot->next->link = &slot->next;
    engine->open_slots = slot;
    engine->slots++;
    if (engine->seeded) {
        lua_pushcfunction(slot->L, seed_random);
        if (lua_pcall(slot->L, 0, 0, 0) != LUA_OK)
            lua_pop(slot->L, 1);
    }
}

void jigL_slot_push(lua_State *L, struct jig_engine *engine, int arg)
{
    lua_Integer memory = luaL_optinteger(L, arg, DEFAULT_MEMORY);
    luaL_argcheck(L, memory > 0, arg, "memory must be more than 0 bytes");
    struct jig_slot *slot = lua_newuserdatauv(L, sizeof *slot, 2);
    memset(slot, 0, sizeof *slot);
    slot->self = slot->queue = LUA_NOREF;
    slot->memory.cap = (size_t)memory;
    slot->main = main_thread(L);
    slot->first = 1;
    luaL_setmetatable(L, SLOT);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    slot->queue = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_setiuservalue(L, -2, QUEUE);
    open_slot(slot, engine);
    if (!slot->L)
        luaL_error(L, "no memory for a slot's state");
}

void jigL_slot_keep(lua_State *L, int slot)
{
    lua_setiuservalue(L, slot, OWNER);
}

/*
 * slot.new([memory]) -> slot. A new Lua state that may take `memory` bytes (default 16 MiB).
 */
static int slot_new(lua_State *L)
{
    jigL_slot_push(L, jigL_engine(L), 1);
    return 1;
}

/* The collector begins when the state has grown by so much (a negative step is a debt that is not
 * yet due): what was loaded at first is not garbage, and collecting more often took a tenth of
 * jig's instructions. Among many slots it is memory that counts: a state's first unit still passes
 * without it, and from then on garbage is a small part of what is kept. The cap on the memory holds
 * in any case: at the cap Lua collects everything before an allocation fails. */
static void start_collector(lua_State *S)
{
    static const struct pace few = {256, 300, 0}, many = {96, 115, 400};
    const struct pace *pace = jigL_engine(S)->slots > FEW ? &many : &few;
    lua_gc(S, LUA_GCINC, pace->pause, pace->speed, 0);
    lua_gc(S, LUA_GCRESTART);
    lua_gc(S, LUA_GCSTEP, -pace->first);
}

/* In the slot's state, protected: loads the module and makes it a task with a copy of the argument,
 * which stands at index 3 of the caller's stack. */
static int start_worker(lua_State *S)
{
    struct jig_slot *slot = lua_touserdata(S, 1);
    lua_State *from = lua_touserdata(S, 2);
    jigL_slot_mark(S, slot);
    lua_newtable(S);
    lua_rawsetp(S, LUA_REGISTRYINDEX, &inbox_key);
    slot->in_first = 1;
    slot->in_last = 0;
    lua_getglobal(S, "require");
    lua_pushstring(S, lua_tostring(from, 2));
    lua_call(S, 1, 1);
    jigL_slot_copy(from, 3, S); // slot from module argument
    start_collector(S);
    slot->task = jigL_spawn(S, 1, worker_ended, slot);
    jigL_task_budget(slot->task)->name = slot->name;
    return 0;
}

/* What the argument calls the slot, or nothing. */
static void set_name(lua_State *L, struct jig_slot *slot)
{
    slot->name[0] = '\0';
    if (lua_istable(L, 3) && lua_getfield(L, 3, "slot") == LUA_TSTRING)
        snprintf(slot->name, sizeof slot->name, "%s", lua_tostring(L, -1));
    lua_settop(L, 3);
}

/* With the first slot the meter and the watchdog start; simulated time has no use for a watchdog.
 */
static void start_watching(lua_State *L, struct jig_engine *engine)
{
    struct jig_error err;
    if (jigL_meter_start(engine, &err) < 0)
        luaL_error(L, "%s", err.text);
    if (engine->watchdog || jig_loop_clock(engine->loop)->simulated)
        return;
    unsigned seconds = engine->patience ? engine->patience : JIG_WATCHDOG_SECONDS;
    engine->watchdog = jig_watchdog_new(&engine->meter, seconds, &err);
    if (!engine->watchdog)
        luaL_error(L, "%s", err.text);
}

/*
 * slot.patience(seconds). How long a slot may hold up all others before the process ends (default
 * 10); before the first slot is started. Does not yield.
 */
static int patience(lua_State *L)
{
    lua_Integer seconds = luaL_checkinteger(L, 1);
    luaL_argcheck(L, seconds >= 1 && seconds <= 3600, 1, "seconds from 1 to 3600");
    jigL_engine(L)->patience = (unsigned)seconds;
    return 0;
}

/*
 * slot:start(module, argument). Runs the function that `module` returns, as a task of the slot's
 * state with a budget, and with a copy of the argument, whose field `slot` is its name. Raises when
 * the module cannot be loaded. Does not yield.
 */
static int slot_start(lua_State *L)
{
    struct jig_slot *slot = to_slot(L);
    luaL_checkstring(L, 2);
    luaL_argcheck(L, !slot->working, 1, "the slot already works");
    lua_settop(L, 3);
    check(L, 3, 0);
    set_name(L, slot);
    start_watching(L, slot->engine);
    lua_settop(slot->L, 0);
    lua_pushcfunction(slot->L, start_worker);
    lua_pushlightuserdata(slot->L, slot);
    lua_pushlightuserdata(slot->L, L);
    if (!slot->engine->world) {
        lua_pushvalue(L, 1);
        slot->self = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    slot->working = true;
    if (lua_pcall(slot->L, 2, 0, 0) != LUA_OK) {
        slot->working = false;
        luaL_unref(L, LUA_REGISTRYINDEX, slot->self);
        slot->self = LUA_NOREF;
        const char *message = lua_tostring(slot->L, -1);
        return luaL_error(L, "%s", message ? message : "the module threw no message");
    }
    return 0;
}

static int take_message(lua_State *L, struct jig_slot *slot)
{
    lua_getiuservalue(L, 1, QUEUE);
    lua_rawgeti(L, -1, slot->first);
    lua_pushnil(L); // queue message nil
    lua_rawseti(L, -3, slot->first++);
    if (slot->first > slot->last) {
        slot->first = 1;
        slot->last = 0;
    }
    return 1;
}

/* In a world nobody but world:run makes messages come. */
static int fail_empty(lua_State *L, bool ended)
{
    struct jig_error err;
    jig_fail(&err, ended ? JIG_ECLOSED : JIG_AGAIN, "slot:next: %s",
             ended ? "the worker has ended" : "there is no message now");
    return jigL_fail(L, &err);
}

static int next_on(lua_State *L, int status, lua_KContext ctx)
{
    struct jig_slot *slot = luaL_checkudata(L, 1, SLOT);
    (void)ctx;
    lua_settop(L, 2);
    for (;;) {
        if (slot->first <= slot->last)
            return take_message(L, slot);
        if (status == LUA_YIELD && slot->wait.outcome != JIG_OK)
            return jigL_fail_wait(L, &slot->wait, "slot:next");
        if (!slot->L || !slot->working || slot->engine->world)
            return fail_empty(L, !slot->L || !slot->working);
        if (!jigL_block(L, &slot->wait, "slot:next"))
            return jigL_yield(L, 0, next_on);
        status = LUA_YIELD;
    }
}

/*
 * slot:next([limit]) -> the next message | nil, message, code ("closed": the worker has ended and
 * all messages were read). A worker that died of an error leaves { event = "crashed", message = …
 * }. Yields; the slot of a world (world.c) never waits: "again" where there is no message yet.
 */
static int slot_next(lua_State *L)
{
    struct jig_slot *slot = luaL_checkudata(L, 1, SLOT);
    jigL_wait_begin(L, &slot->wait, "next", jigL_opt_seconds(L, 2, HUGE_VAL), false);
    return next_on(L, LUA_OK, 0);
}

/*
 * slot:interrupt(). As task:interrupt, for its worker. Does not yield.
 */
static int slot_interrupt(lua_State *L)
{
    struct jig_slot *slot = to_slot(L);
    if (slot->task)
        jigL_task_interrupt(slot->task);
    return 0;
}

/* In the slot's state, protected. */
static int put_message(lua_State *S)
{
    struct jig_slot *slot = lua_touserdata(S, 1);
    lua_State *from = lua_touserdata(S, 2);
    lua_rawgetp(S, LUA_REGISTRYINDEX, &inbox_key);
    jigL_slot_copy(from, 2, S); // slot from inbox message
    lua_rawseti(S, -2, slot->in_last + 1);
    slot->in_last++;
    return 0;
}

/*
 * slot:send(message). Hands a plain value to the worker's slot.receive. Raises when the slot's
 * memory has no room for it. Does not yield; harmless when the worker has ended.
 */
static int slot_send(lua_State *L)
{
    struct jig_slot *slot = to_slot(L);
    luaL_checkany(L, 2);
    lua_settop(L, 2);
    check(L, 2, 0);
    if (!slot->task)
        return 0;
    lua_pushcfunction(slot->L, put_message);
    lua_pushlightuserdata(slot->L, slot);
    lua_pushlightuserdata(slot->L, L);
    if (lua_pcall(slot->L, 2, 0, 0) != LUA_OK) {
        lua_pop(slot->L, 1);
        return luaL_error(L, "no memory for a message to a slot");
    }
    jigL_wake(&slot->inbox);
    return 0;
}

/*
 * slot:memory() -> bytes in use now, and the cap.
 */
static int slot_memory(lua_State *L)
{
    struct jig_slot *slot = to_slot(L);
    lua_pushinteger(L, (lua_Integer)slot->memory.used);
    lua_pushinteger(L, (lua_Integer)slot->memory.cap);
    return 2;
}

static void close_state(lua_State *L, struct jig_slot *slot)
{
    struct jig_engine *engine = slot->engine;
    lua_State *caller = engine->caller;
    engine->caller = L;
    jigL_close_state(slot->L);
    clear_stack();
    engine->caller = caller;
    set_untidy(slot, false);
    engine->slots--;
    *slot->link = slot->next;
    if (slot->next)
        slot->next->link = slot->link;
    slot->L = NULL;
    slot->engine = NULL;
}

static void close_slot(lua_State *L, struct jig_slot *slot)
{
    if (slot->task)
        jigL_task_drop(slot->task);
    slot->task = NULL;
    if (slot->L)
        close_state(L, slot);
    slot->working = false;
    jigL_wait_drop(&slot->inbox);
    jigL_wake_with(&slot->wait, JIG_ECLOSED);
    luaL_unref(L, LUA_REGISTRYINDEX, slot->self);
    luaL_unref(L, LUA_REGISTRYINDEX, slot->queue);
    slot->self = slot->queue = LUA_NOREF;
}

/*
 * slot:close(). Ends its state and all that it holds; a session that is still owed a report is
 * reported by the engine. Twice is harmless. Does not yield.
 */
static int slot_close(lua_State *L)
{
    struct jig_slot *slot = luaL_checkudata(L, 1, SLOT);
    if (slot->L && slot->engine->world && jigL_world_is_inside(slot->engine->world))
        return luaL_error(L, "a slot cannot be closed from within what happens in its world");
    close_slot(L, slot);
    return 0;
}

static int slot_gc(lua_State *L)
{
    struct jig_slot *slot = luaL_checkudata(L, 1, SLOT);
    jigL_wait_drop(&slot->wait);
    close_slot(L, slot);
    return 0;
}

/* ---- for worlds ---- */

bool jigL_slots_work(const struct jig_engine *engine)
{
    const struct jig_slot *slot = engine->open_slots;
    while (slot && !slot->working)
        slot = slot->next;
    return slot;
}

/* What a task spawns bears the name of its slot, too. */
void jigL_slots_note(const struct jig_engine *engine, const char *session)
{
    const char *name = engine->current ? jigL_task_budget(engine->current)->name : NULL;
    for (struct jig_slot *slot = engine->open_slots; name && slot; slot = slot->next)
        if (slot->name == name && *session)
            snprintf(slot->session, sizeof slot->session, "%s", session);
}

struct jig_task *jigL_slots_worker(const struct jig_engine *engine, const char *session)
{
    const struct jig_slot *slot = engine->open_slots;
    if (slot && !slot->next)
        return slot->task;
    while (slot && session && strcmp(slot->session, session) != 0)
        slot = slot->next;
    return slot && session && *session ? slot->task : NULL;
}

void jigL_slots_interrupt(const struct jig_engine *engine)
{
    for (const struct jig_slot *slot = engine->open_slots; slot; slot = slot->next)
        if (slot->task)
            jigL_task_interrupt(slot->task);
}

void jigL_slots_close(lua_State *L, struct jig_engine *engine)
{
    while (engine->open_slots)
        close_slot(L, engine->open_slots);
}

int luaopen_jig_slot(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"start", slot_start},
        {"next", slot_next},
        {"interrupt", slot_interrupt},
        {"memory", slot_memory},
        {"send", slot_send},
        {"close", slot_close},
        {NULL, NULL},
    };
    static const luaL_Reg in_slot[] = {
        {"emit", emit}, {"receive", receive}, {"forget", forget}, {NULL, NULL}};
    static const luaL_Reg in_main[] = {{"new", slot_new}, {"patience", patience}, {NULL, NULL}};
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &slot_key) != LUA_TNIL) {
        luaL_newlib(L, in_slot);
        return 1;
    }
    luaL_newmetatable(L, SLOT);
    lua_pushcfunction(L, slot_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, slot_close);
    lua_setfield(L, -2, "__close");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, in_main);
    return 1;
}
