/* jig.world: worlds, see world.h. In the main state alone.
 */
#include "bindings/world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/slot.h"
#include "core/child.h"
#include "core/gate.h"
#include "core/player.h"
#include "core/port.h"
#include "core/session.h"

#define WORLD "jig.world"
#define AFTER "jig.world.after"

/* How long the close of a world waits for what is left of it. */
enum { LAST_STEPS = 100000, LAST_SECONDS = 10, SPINNING = 100000 };

struct jig_after {
    struct jig_world *world; /* NULL = it was called, or will not be */
    struct jig_after *next;
    int64_t when;
};

/* What Lua holds. */
struct handle {
    struct jig_world *world; /* NULL = closed */
};

static const char worlds_key; /* registry: table with weak values, address -> userdata */

void jigL_world_push(lua_State *L, const struct jig_world *world)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &worlds_key);
    lua_rawgetp(L, -1, world);
    lua_remove(L, -2);
}

static struct jig_world *to_world(lua_State *L)
{
    const struct handle *handle = luaL_checkudata(L, 1, WORLD);
    if (!handle->world)
        luaL_error(L, "attempt to use a closed world");
    return handle->world;
}

/* The table of what lives as long as the world at index 1. [-0, +1, -] */
static void push_kept(lua_State *L)
{
    lua_getiuservalue(L, 1, JIG_WORLD_KEPT);
}

static int add_results(lua_State *L, int rc)
{
    lua_pushboolean(L, rc == JIG_OK);
    return 1;
}

/* ---- making one ---- */

static void read_hooks(lua_State *L, struct jig_world *world)
{
    jigL_check_keys(L, 1, "world.new hooks", jigL_hook_names);
    for (int i = 0; i < JIG_HOOKS; i++) {
        int type = lua_getfield(L, 1, jigL_hook_names[i]);
        if (type != LUA_TNIL && type != LUA_TFUNCTION)
            luaL_error(L, "world.new: the hook '%s' must be a function", jigL_hook_names[i]);
        world->has[i] = type != LUA_TNIL;
        lua_pop(L, 1);
    }
}

/* Options at index 2, for the world at 3. */
static void read_options(lua_State *L, struct jig_world *world, bool *simulated)
{
    static const char *const known[] = {"simulated", "seed", "record", NULL};
    *simulated = true;
    if (lua_isnil(L, 2))
        return;
    jigL_check_keys(L, 2, "world.new", known);
    if (lua_getfield(L, 2, "simulated") != LUA_TNIL)
        *simulated = lua_toboolean(L, -1);
    if (lua_getfield(L, 2, "seed") != LUA_TNIL) {
        if (!lua_isinteger(L, -1))
            luaL_error(L, "world.new: 'seed' must be an integer");
        world->engine.chance = (uint64_t)lua_tointeger(L, -1);
        world->engine.seeded = true;
    }
    if (lua_getfield(L, 2, "record") != LUA_TNIL) {
        world->record = jigL_record_lend(L, -1);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 3, JIG_WORLD_RECORD);
    }
    lua_settop(L, 3);
}

static void fire_afters(struct jig_timer *timer);
static void run_afters(struct jig_deferred *deferred);

static int open_journal(struct jig_world *world, struct jig_error *err)
{
    struct jig_journal_options options = {
        .scribe = jigL_record_scribe(world->record),
        .rules = jigL_world_rules,
        .data = world,
        .log = &world->engine.log,
    };
    world->engine.journal = jig_journal_open(world->engine.loop, &options, err);
    return world->engine.journal ? JIG_OK : (int)err->code;
}

static int open_world(struct jig_world *world, bool simulated, struct jig_error *err)
{
    struct jig_engine *engine = &world->engine;
    struct jig_engine wanted = {.seeded = engine->seeded, .chance = engine->chance};
    int rc = jigL_engine_open(engine, err);
    if (rc < 0)
        return rc;
    engine->world = world;
    engine->seeded = wanted.seeded;
    engine->chance = wanted.chance;
    if (simulated)
        *jig_loop_clock(engine->loop) = (struct jig_clock){.simulated = true};
    engine->log.start = jig_loop_now(engine->loop);
    engine->log.data = world;
    engine->log.sink = world->has[JIG_HOOK_LOG] ? jigL_world_log : NULL;
    world->next_after = (struct jig_timer){.fire = fire_afters, .data = world};
    world->due_now = (struct jig_deferred){.run = run_afters, .data = world};
    if (jigL_world_play(world) < 0)
        return jig_fail(err, JIG_ENOMEM, "no memory for a world");
    return world->record ? open_journal(world, err) : JIG_OK;
}

static struct jig_world *allocate(lua_State *L)
{
    struct jig_world *world = calloc(1, sizeof *world);
    if (!world)
        luaL_error(L, "no memory for a world");
    return world;
}

/* Of the hooks at index 1 and the options at 2. Its engine is not open yet. [-0, +1, v] */
static struct jig_world *push_world(lua_State *L, bool *simulated)
{
    struct handle *handle = lua_newuserdatauv(L, sizeof *handle, JIG_WORLD_RECORD);
    handle->world = NULL;
    luaL_setmetatable(L, WORLD);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 3, JIG_WORLD_HOOKS);
    lua_newtable(L);
    lua_setiuservalue(L, 3, JIG_WORLD_KEPT);
    handle->world = allocate(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &worlds_key);
    lua_pushvalue(L, 3);
    lua_rawsetp(L, 4, handle->world);
    lua_settop(L, 3);
    read_hooks(L, handle->world);
    read_options(L, handle->world, simulated);
    return handle->world;
}

/*
 * world.new([hooks [, options]]) -> world | nil, message, code. Options: simulated (default true:
 * time begins at 0 and jumps), seed (an integer, from which the random bytes of its slots follow),
 * record (of world.record: the journal of its sessions). Hooks, all of them optional:
 *   start(argv, limit) -> nil = the real program is started | what is played in its place:
 *       { missing = true } | { error = code, message = } | { after = seconds, exit = | signal =,
 *       out =, err =, deaf = true }
 *   open(name) -> true [, serial number] | "later" | nil, message, code       of a port
 *       `stage:NAME`, whose options follow the name behind a question mark
 *   present(name) -> whether it is there
 *   write(name, bytes) -> number of bytes taken, 0 = none now | nil, message = lost
 *   set(name, key, number) -> true | nil, message, code
 *   control(name, request, number) -> true: world:answered follows | nil, message, code; request
 *       has request_type, request, value, index, length and, for what is sent, data
 *   close(name)
 *   record(kind, session, attempt, facts) -> nil | "refuse" | "die"
 *   wait(what, limit, seconds, around) -> nil | "limit"
 *   log(line)
 *   event(message)        what a slot emits, at once; slot:next does not give it then
 * One that returns nothing is as one that is not there. They may not yield; one that raises ends
 * the world, and world:run raises the same. Does not yield.
 */
static int world_new(lua_State *L)
{
    bool simulated;
    struct jig_error err;
    lua_settop(L, 2);
    if (lua_isnil(L, 1)) {
        lua_newtable(L);
        lua_replace(L, 1);
    }
    struct jig_world *world = push_world(L, &simulated);
    if (open_world(world, simulated, &err) < 0)
        return jigL_fail(L, &err);
    return 1;
}

/*
 * world:slot([memory]) -> slot (see jig.slot) whose state belongs to this world. Does not yield.
 */
static int world_slot(lua_State *L)
{
    struct jig_world *world = to_world(L);
    lua_settop(L, 2);
    push_kept(L); // world memory kept
    jigL_slot_push(L, &world->engine, 2);
    lua_pushvalue(L, 1);
    jigL_slot_keep(L, 4);
    lua_pushvalue(L, 4);
    lua_pushboolean(L, 1);
    lua_rawset(L, 3);
    return 1;
}

/* ---- what happens in it ---- */

bool jigL_world_is_inside(const struct jig_world *world)
{
    return world->inside;
}

void jigL_world_die(struct jig_world *world)
{
    static const char why[] = "the world has ended";
    if (world->dead)
        return;
    world->dead = true;
    jigL_record_leave(world->record);
    jig_gate_shut(world->engine.loop, JIG_ECANCELLED, why);
    jig_stage_cut(world->engine.loop, why);
    jig_played_kill(world->engine.loop);
    jigL_slots_interrupt(&world->engine);
}

static size_t programs(const struct jig_world *world)
{
    return jig_child_count(world->engine.loop) + jig_played_count(world->engine.loop);
}

static size_t appends(const struct jig_world *world)
{
    return world->engine.journal ? jig_journal_busy(world->engine.journal) : 0;
}

static bool has_ended(const struct jig_world *world)
{
    return !jigL_slots_work(&world->engine) && !jig_session_busy(world->engine.loop) &&
           !programs(world) && !appends(world);
}

/* Counts steps in which no simulated time passed: whoever is told again and again and does nothing
 * about it would never let it pass. */
static bool spins(struct jig_world *world, int64_t *last, unsigned *steps)
{
    struct jig_loop *loop = world->engine.loop;
    int64_t now = jig_loop_now(loop);
    *steps = now == *last ? *steps + 1 : 0;
    *last = now;
    return *steps > SPINNING && jig_loop_clock(loop)->simulated;
}

/* Why it does not go on. */
static const char *go_on(struct jig_world *world, int64_t deadline)
{
    struct jig_engine *engine = &world->engine;
    int64_t last = -1;
    unsigned steps = 0;
    for (;;) {
        if (spins(world, &last, &steps))
            return "busy";
        if (has_ended(world))
            return "ended";
        if (jig_loop_now(engine->loop) >= deadline)
            return "limit";
        if (!engine->ready && !jig_loop_pending(engine->loop))
            return "stuck";
        jigL_step(engine, deadline);
    }
}

/* Raises what a hook threw, once. */
static void raise_failure(lua_State *L, struct jig_world *world)
{
    if (!world->failed)
        return;
    world->failed = false;
    lua_getiuservalue(L, 1, JIG_WORLD_FAILURE);
    lua_error(L);
}

/*
 * world:run([seconds]) -> "ended" (every worker has, no session is reported in the background, no
 * program runs, nothing is on its way to the journal) | "limit" (so much of the world's time has
 * passed) | "stuck" (neither, and nothing is left that could ever happen) | "busy" (100,000 steps
 * of the loop in which no simulated time passed: something is told and does not react). Raises what
 * a hook threw. Does not yield: the outer engine stands still meanwhile.
 */
static int world_run(lua_State *L)
{
    struct jig_world *world = to_world(L);
    struct jig_engine *engine = &world->engine, *outer = jigL_engine(L);
    double seconds = jigL_opt_seconds(L, 2, HUGE_VAL);
    if (outer->playing)
        return luaL_error(L, "a world already runs: hooks cannot run one");
    lua_State *caller = engine->caller;
    outer->playing = world->inside = true;
    engine->caller = L;
    const char *why = go_on(world, jig_clock_after(jig_loop_now(engine->loop), seconds));
    engine->caller = caller;
    outer->playing = world->inside = false;
    raise_failure(L, world);
    lua_pushstring(L, why);
    return 1;
}

/*
 * world:now() -> seconds of its clock, from 0 when simulated.
 */
static int world_now(lua_State *L)
{
    lua_pushnumber(L, (double)jig_loop_now(to_world(L)->engine.loop) / JIG_SECOND);
    return 1;
}

/*
 * world:die(). As if the process had been killed here: nothing reaches the world any more.
 */
static int world_die(lua_State *L)
{
    jigL_world_die(to_world(L));
    return 0;
}

/*
 * world:dead() -> whether it died.
 */
static int world_dead(lua_State *L)
{
    lua_pushboolean(L, to_world(L)->dead);
    return 1;
}

/* ---- later ---- */

/* What is due at once is called in the next pass: one that asks for another of no length must not
 * keep the loop in this one. */
static void arm(struct jig_world *world)
{
    struct jig_loop *loop = world->engine.loop;
    int64_t when = world->afters ? world->afters->when : JIG_FOREVER;
    bool now = when <= jig_loop_now(loop);
    if (now)
        jig_defer(loop, &world->due_now);
    else
        jig_defer_cancel(loop, &world->due_now);
    jig_timer_start(loop, &world->next_after, now ? JIG_FOREVER : when);
}

/* The handle, whose user value is the function, is kept by the world while it waits. */
static int call_after(lua_State *L)
{
    struct jig_after *after = lua_touserdata(L, 1);
    jigL_world_push(L, after->world);
    after->world = NULL;
    lua_getiuservalue(L, -1, JIG_WORLD_KEPT);
    lua_rawgetp(L, -1, after); // after world kept handle
    lua_pushnil(L);
    lua_rawsetp(L, -3, after);
    lua_getiuservalue(L, -1, 1);
    lua_call(L, 0, 0);
    return 0;
}

/* Those that are due, but none that one of them asks for. */
static void call_due(struct jig_world *world)
{
    int64_t now = jig_loop_now(world->engine.loop);
    unsigned due = 0;
    for (const struct jig_after *after = world->afters; after && after->when <= now;)
        due++, after = after->next;
    for (; due && world->afters && world->afters->when <= now && !world->dead; due--) {
        struct jig_after *after = world->afters;
        world->afters = after->next;
        jigL_world_call(world, call_after, after);
    }
    if (!world->dead)
        arm(world);
}

static void fire_afters(struct jig_timer *timer)
{
    call_due(timer->data);
}

static void run_afters(struct jig_deferred *deferred)
{
    call_due(deferred->data);
}

static void insert(struct jig_world *world, struct jig_after *after)
{
    struct jig_after **link = &world->afters;
    while (*link && (*link)->when <= after->when)
        link = &(*link)->next;
    after->next = *link;
    *link = after;
    arm(world);
}

/*
 * world:after(seconds, f) -> handle. f() is called then, as a hook is; those of one time in the
 * order in which they were made.
 */
static int world_after(lua_State *L)
{
    struct jig_world *world = to_world(L);
    double seconds = luaL_checknumber(L, 2);
    luaL_argcheck(L, seconds >= 0, 2, "seconds must be 0 or more");
    luaL_checktype(L, 3, LUA_TFUNCTION);
    lua_settop(L, 3);
    push_kept(L); // world seconds f kept
    struct jig_after *after = lua_newuserdatauv(L, sizeof *after, 1);
    *after = (struct jig_after){.world = NULL};
    luaL_setmetatable(L, AFTER);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, 5, 1);
    lua_pushvalue(L, 5);
    lua_rawsetp(L, 4, after);
    after->world = world;
    after->when = jig_clock_after(jig_loop_now(world->engine.loop), seconds);
    insert(world, after);
    return 1;
}

/*
 * handle:cancel(). It will not be called; harmless when it was.
 */
static int after_cancel(lua_State *L)
{
    struct jig_after *after = luaL_checkudata(L, 1, AFTER);
    struct jig_world *world = after->world;
    if (!world)
        return 0;
    struct jig_after **link = &world->afters;
    while (*link && *link != after)
        link = &(*link)->next;
    if (*link)
        *link = after->next;
    after->world = NULL;
    arm(world);
    jigL_world_push(L, world);
    lua_getiuservalue(L, -1, JIG_WORLD_KEPT);
    lua_pushnil(L);
    lua_rawsetp(L, -2, after);
    return 0;
}

/* ---- ports ---- */

static const char *check_name(lua_State *L)
{
    size_t n;
    const char *name = luaL_checklstring(L, 2, &n);
    luaL_argcheck(L, strlen(name) == n, 2, "no name of a port");
    return name;
}

/*
 * world:feed(name, bytes) -> whether a port of that name is open, or being opened: bytes arrive
 * there.
 */
static int world_feed(lua_State *L)
{
    struct jig_world *world = to_world(L);
    size_t n;
    const char *name = check_name(L), *bytes = luaL_checklstring(L, 3, &n);
    int rc = jig_stage_feed(world->engine.loop, name, bytes, n);
    if (rc == JIG_ELIMIT)
        return luaL_error(L, "%s: more than %d bytes wait to be read", name, JIG_STAGE_CAP);
    return add_results(L, rc);
}

/*
 * world:lose(name [, message]) -> whether it is open. It is lost: reads say so after what has
 * arrived, writes at once.
 */
static int world_lose(lua_State *L)
{
    struct jig_world *world = to_world(L);
    const char *name = check_name(L), *why = luaL_optstring(L, 3, "the device is gone");
    return add_results(L, jig_stage_lose(world->engine.loop, name, why));
}

/*
 * world:writable(name) -> whether it is open. A write that took nothing is tried again.
 */
static int world_writable(lua_State *L)
{
    struct jig_world *world = to_world(L);
    return add_results(L, jig_stage_writable(world->engine.loop, check_name(L)));
}

/*
 * world:opened(name [, message, code]) -> whether it was being opened. What the hook called "later"
 * has come, or has failed.
 */
static int world_opened(lua_State *L)
{
    struct jig_world *world = to_world(L);
    struct jig_error err;
    const char *name = check_name(L), *message = luaL_optstring(L, 3, NULL);
    enum jig_err code = jig_err_of(luaL_optstring(L, 4, jig_err_name(JIG_ENOTFOUND)));
    luaL_argcheck(L, code != JIG_OK, 4, "no failure has this code");
    if (message)
        jig_fail(&err, code, "%s", message);
    return add_results(L, jig_stage_opened(world->engine.loop, name, message ? &err : NULL));
}

/*
 * world:answered(name, number, bytes or true), or (name, number, nil, message [, code]) -> whether
 * somebody waits for it. What the device answers to the control request of that number; the code
 * is "refused" unless it is given.
 */
static int world_answered(lua_State *L)
{
    struct jig_world *world = to_world(L);
    struct jig_error err;
    const char *name = check_name(L);
    unsigned number = (unsigned)luaL_checkinteger(L, 3);
    size_t n = 0;
    const char *bytes = NULL;
    if (lua_isnoneornil(L, 4)) {
        enum jig_err code = jig_err_of(luaL_optstring(L, 6, jig_err_name(JIG_EREFUSED)));
        luaL_argcheck(L, code != JIG_OK, 6, "no failure has this code");
        jig_fail(&err, code, "%s", luaL_checkstring(L, 5));
        return add_results(L, jig_stage_answered(world->engine.loop, name, number, NULL, 0, &err));
    }
    if (!lua_isboolean(L, 4))
        bytes = luaL_checklstring(L, 4, &n);
    luaL_argcheck(L, n <= JIG_CONTROL_CAP, 4, "a control request has 4096 bytes at most");
    return add_results(L, jig_stage_answered(world->engine.loop, name, number, bytes, n, NULL));
}

/* ---- looking at it ---- */

static bool find_line(const struct jig_world *world, const char *folder, lua_Debug *frame)
{
    const struct jig_task *task = world->engine.current;
    if (!task)
        task = world->cause;
    if (!task)
        task = jigL_slots_worker(&world->engine, NULL);
    return (world->from && jigL_find_line(world->from, folder, frame)) ||
           (task && (jigL_find_line(jigL_task_thread(task), folder, frame) ||
                     jigL_find_line(jigL_task_first(task), folder, frame)));
}

/*
 * world:line(folder) -> "file:line" of the innermost call of a function from a file in the folder,
 * in the slot in whose name the hook is called; nil when there is none, or it is not known which
 * slot that is.
 */
static int world_line(lua_State *L)
{
    const struct jig_world *world = to_world(L);
    lua_Debug frame;
    if (world->inside && find_line(world, luaL_checkstring(L, 2), &frame))
        lua_pushfstring(L, "%s:%d", frame.source + 1, frame.currentline);
    else
        luaL_pushfail(L);
    return 1;
}

static void set_count(lua_State *L, const char *key, size_t count)
{
    lua_pushinteger(L, (lua_Integer)count);
    lua_setfield(L, -2, key);
}

/*
 * world:held() -> { ports, programs, timers, tasks, sessions, appends, descriptors }: how many of
 * each are there now.
 */
static int world_held(lua_State *L)
{
    const struct jig_world *world = to_world(L);
    struct jig_loop *loop = world->engine.loop;
    size_t busy = jig_session_busy(loop), kept = jig_session_kept(loop);
    lua_createtable(L, 0, 7);
    set_count(L, "ports", jig_port_count(loop));
    set_count(L, "programs", programs(world));
    set_count(L, "timers", jig_loop_timers(loop));
    set_count(L, "tasks", world->engine.tasks);
    set_count(L, "sessions", busy > kept ? busy : kept);
    set_count(L, "appends", appends(world));
    set_count(L, "descriptors", jig_loop_watches(loop));
    return 1;
}

/*
 * world:unreported() -> sessions that owed a report which nobody accepted.
 */
static int world_unreported(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)jig_session_unreported(to_world(L)->engine.loop));
    return 1;
}

/* ---- the end ---- */

static bool is_kept(const struct jig_world *world)
{
    struct jig_loop *loop = world->engine.loop;
    return jig_session_busy(loop) || jig_session_kept(loop) || programs(world) || appends(world);
}

/* What is dead ends soon. */
static void let_end(struct jig_world *world)
{
    struct jig_engine *engine = &world->engine;
    int64_t end = jig_clock_after(jig_clock_now(&(struct jig_clock){0}), LAST_SECONDS);
    bool simulated = jig_loop_clock(engine->loop)->simulated;
    jig_child_kill_all(engine->loop);
    for (int i = 0; is_kept(world) && i < LAST_STEPS; i++)
        if (!jigL_step(engine, simulated ? JIG_FOREVER : end) ||
            jig_clock_now(&(struct jig_clock){0}) > end)
            break;
}

static void forget_afters(struct jig_world *world)
{
    for (struct jig_after *after = world->afters; after; after = after->next)
        after->world = NULL;
    world->afters = NULL;
    jig_timer_stop(world->engine.loop, &world->next_after);
    jig_defer_cancel(world->engine.loop, &world->due_now);
}

/* Only its own code may stop it from going, by keeping a session: then its memory is left. */
static bool end_world(lua_State *L, struct jig_world *world)
{
    struct jig_engine *engine = &world->engine;
    if (engine->loop) {
        engine->caller = L;
        jigL_world_die(world);
        jigL_slots_close(L, engine);
        forget_afters(world);
        let_end(world);
        if (is_kept(world))
            return false;
        jig_journal_close(engine->journal, false, NULL);
        jigL_engine_close(engine);
    }
    if (!world->dead)
        jigL_record_leave(world->record);
    jigL_record_return(world->record);
    free(world);
    return true;
}

/*
 * world:close(). Ends all that is left of it: it dies, its slots are closed. Raises what a hook
 * threw that world:run has not raised. Twice is harmless. Does not yield.
 */
static int world_close(lua_State *L)
{
    struct handle *handle = luaL_checkudata(L, 1, WORLD);
    struct jig_world *world = handle->world;
    if (!world)
        return 0;
    if (world->inside)
        return luaL_error(L, "a world cannot be closed from within what happens in it");
    bool failed = world->failed && lua_isnoneornil(L, 2); /* the error that closes it goes first */
    handle->world = NULL;
    if (!end_world(L, world))
        return luaL_error(L, "a world could not be closed: something of it does not end");
    lua_pushnil(L);
    lua_setiuservalue(L, 1, JIG_WORLD_KEPT);
    if (failed) {
        lua_getiuservalue(L, 1, JIG_WORLD_FAILURE);
        return lua_error(L);
    }
    return 0;
}

static int world_gc(lua_State *L)
{
    struct handle *handle = luaL_checkudata(L, 1, WORLD);
    struct jig_world *world = handle->world;
    handle->world = NULL;
    if (!world)
        return 0;
    memset(world->has, 0, sizeof world->has); /* nobody can be asked any more */
    end_world(L, world);
    return 0;
}

static void make_worlds(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &worlds_key);
}

int luaopen_jig_world(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"slot", world_slot},         {"run", world_run},
        {"now", world_now},           {"after", world_after},
        {"feed", world_feed},         {"lose", world_lose},
        {"writable", world_writable}, {"opened", world_opened},
        {"answered", world_answered}, {"die", world_die},
        {"dead", world_dead},         {"line", world_line},
        {"held", world_held},         {"unreported", world_unreported},
        {"close", world_close},       {NULL, NULL},
    };
    static const luaL_Reg of_after[] = {{"cancel", after_cancel}, {NULL, NULL}};
    luaL_requiref(L, "jig.slot", luaopen_jig_slot, 0); /* whose metatable is needed */
    make_worlds(L);
    luaL_newmetatable(L, AFTER);
    luaL_newlib(L, of_after);
    lua_setfield(L, -2, "__index");
    luaL_newmetatable(L, WORLD);
    lua_pushcfunction(L, world_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, world_close);
    lua_setfield(L, -2, "__close");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, world_new);
    lua_setfield(L, -2, "new");
    jigL_record_open(L);
    lua_setfield(L, -2, "record");
    return 1;
}
