/* jig.task: the scheduler (engine.c) for scripts.
 */
#include "bindings/jig.h"

#include <math.h>
#include <string.h>

#define TASK  "jig.task"
#define SCOPE "jig.limit"

/* What Lua holds of a task: its outcome outlives it. Results are in user value 1. */
struct handle {
    struct jig_task *task; /* NULL = ended */
    bool ok;
    int results;
    struct jig_wait join;
};

struct scope {
    struct jig_task *task;
    unsigned id; /* 0 = left */
};

static void handle_ended(void *data, lua_State *co, bool ok, int results)
{
    struct handle *h = data;
    h->task = NULL;
    h->ok = ok;
    h->results = results;
    lua_rawgetp(co, LUA_REGISTRYINDEX, h); /* results... handle */
    lua_createtable(co, results, 0);
    for (int i = results; i >= 1; i--) {
        lua_pushvalue(co, -2 - i); /* counted from below: results[i] */
        lua_rawseti(co, -2, results + 1 - i);
    }
    lua_setiuservalue(co, -2, 1);
    lua_pop(co, 1);
    lua_pushnil(co);
    lua_rawsetp(co, LUA_REGISTRYINDEX, h);
    jigL_wake(&h->join);
}

/*
 * task.spawn(fn, ...) -> task. Runs fn(...) as a task of its own; starts at the next wait of the
 * caller. Does not yield.
 *     local t = task.spawn(function() clock.sleep(1) return "done" end)
 */
static int spawn(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TFUNCTION);
    int n = lua_gettop(L) - 1;
    struct handle *h = lua_newuserdatauv(L, sizeof *h, 1);
    memset(h, 0, sizeof *h);
    luaL_setmetatable(L, TASK);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, h); /* kept alive until the task has ended */
    lua_insert(L, 1);
    h->task = jigL_spawn(L, n, handle_ended, h);
    lua_settop(L, 1);
    return 1;
}

static int push_results(lua_State *L, struct handle *h)
{
    lua_pushboolean(L, h->ok);
    lua_getiuservalue(L, 1, 1);
    int list = lua_gettop(L);
    luaL_checkstack(L, h->results, "results of a task");
    for (int i = 1; i <= h->results; i++)
        lua_rawgeti(L, list, i);
    lua_remove(L, list);
    return 1 + h->results;
}

static int join_go_on(lua_State *L, int status, lua_KContext ctx)
{
    struct handle *h = luaL_checkudata(L, 1, TASK);
    (void)ctx;
    for (;;) {
        if (!h->task)
            return push_results(L, h);
        if (status == LUA_YIELD && h->join.outcome != JIG_OK)
            return jigL_fail_wait(L, &h->join, "task:join");
        if (!jigL_block(L, &h->join, "task:join"))
            return jigL_yield(L, 0, join_go_on);
        status = LUA_YIELD;
    }
}

/*
 * task:join([limit]) -> true, results... | false, error | nil, message, code. Waits until the task
 * has ended, `limit` seconds at most (default: for ever). Yields.
 */
static int join(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, TASK);
    jigL_wait_begin(L, &h->join, "join", jigL_opt_seconds(L, 2, HUGE_VAL), false);
    return join_go_on(L, LUA_OK, 0);
}

/*
 * task:interrupt(). Its current wait and each following one fail with code "interrupted", unless it
 * is in a shield. Does not yield; harmless when it has ended.
 */
static int interrupt(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, TASK);
    if (h->task)
        jigL_task_interrupt(h->task);
    return 0;
}

static int handle_gc(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, TASK);
    if (h->task) /* the state is being closed */
        jigL_task_drop(h->task);
    h->task = NULL;
    jigL_wait_drop(&h->join);
    return 0;
}

static int enter(lua_State *L, bool shield)
{
    const char *name = luaL_checkstring(L, 1);
    double seconds = jigL_opt_seconds(L, 2, HUGE_VAL);
    struct scope *scope = lua_newuserdatauv(L, sizeof *scope, 0);
    *scope = (struct scope){jigL_engine(L)->current, 0};
    luaL_setmetatable(L, SCOPE);
    scope->id = jigL_limit_enter(L, name, seconds, shield);
    return 1;
}

/*
 * task.limit(name, seconds) -> a to-be-closed value. Until it is closed every wait of this task
 * ends when the seconds have passed, with code "timeout" and `name` as the limit. Scopes nest and
 * close in order. Does not yield. local unit <close> = task.limit("unit", 60)
 */
static int limit(lua_State *L)
{
    return enter(L, false);
}

/*
 * task.shield(name, seconds) -> a to-be-closed value. Like task.limit; inside, interrupts and the
 * limits outside do not apply: for clean-up, which has a limit of its own. Does not yield.
 */
static int shield(lua_State *L)
{
    return enter(L, true);
}

static int scope_close(lua_State *L)
{
    struct scope *scope = luaL_checkudata(L, 1, SCOPE);
    if (scope->id && scope->task == jigL_engine(L)->current)
        jigL_limit_leave(L, scope->task, scope->id);
    scope->id = 0;
    return 0;
}

/*
 * task.interrupted() -> how often this task was interrupted (0 outside any task), and whether a
 * wait of it failed for that. Does not yield.
 */
static int interrupted(lua_State *L)
{
    const struct jig_task *task = jigL_engine(L)->current;
    lua_pushinteger(L, jigL_task_interrupts(task));
    lua_pushboolean(L, jigL_task_stopped(task));
    return 2;
}

static int turned(lua_State *L, int status, lua_KContext ctx)
{
    (void)L;
    (void)status;
    (void)ctx;
    return 0;
}

/*
 * task.turn(). All others that can go on have their turn, and what has arrived is seen, before it
 * returns: for work that is long, or without end, between two parts of it. No wait: no limit or
 * interrupt ends it, and each part has a new budget. Yields; outside any task it is a round of the
 * loop.
 */
static int turn(lua_State *L)
{
    struct jig_engine *engine = jigL_engine(L);
    jigL_check_wait(L, "task.turn");
    if (engine->current) {
        jigL_task_turn(engine->current);
        return jigL_yield(L, 0, turned);
    }
    jigL_step(engine, 0);
    return engine->leaving ? luaL_error(L, "exit") : 0;
}

/*
 * task.yielded: the value that a waiting coroutine yields; for those who wrap coroutine.resume.
 */
int luaopen_jig_task(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"join", join},
        {"interrupt", interrupt},
        {NULL, NULL},
    };
    static const luaL_Reg functions[] = {
        {"spawn", spawn}, {"limit", limit}, {"shield", shield}, {"interrupted", interrupted},
        {"turn", turn},   {NULL, NULL},
    };
    luaL_newmetatable(L, TASK);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, handle_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newmetatable(L, SCOPE);
    lua_pushcfunction(L, scope_close);
    lua_setfield(L, -2, "__close");
    luaL_newlib(L, functions);
    lua_pushlightuserdata(L, (void *)&jigL_yielded);
    lua_setfield(L, -2, "yielded");
    return 1;
}
