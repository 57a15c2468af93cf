/* jig.clock: the time that limits are counted on. */
#include "bindings/jig.h"

#include <math.h>

static struct jig_wait *nap_of(lua_State *L)
{
    struct jig_engine *engine = jigL_engine(L);
    return engine->current ? jigL_task_nap(engine->current) : engine->nap;
}

/*
 * clock.now() -> seconds, monotonic, from an arbitrary start. Does not yield.
 */
static int now(lua_State *L)
{
    lua_pushnumber(L, (double)jig_loop_now(jigL_engine(L)->loop) / JIG_SECOND);
    return 1;
}

static int slept(lua_State *L, int status, lua_KContext ctx)
{
    const struct jig_wait *nap = nap_of(L);
    (void)status;
    (void)ctx;
    if (nap->outcome == JIG_ETIMEOUT && nap->limit[0] == '\0') {
        lua_pushboolean(L, 1);
        return 1;
    }
    return jigL_fail_wait(L, nap, "clock.sleep");
}

/*
 * clock.sleep(seconds) -> true | nil, message, code ("interrupted", or "timeout" of a limit
 * outside). Yields. clock.sleep(0.05)
 */
static int clock_sleep(lua_State *L)
{
    struct jig_wait *nap = nap_of(L);
    jigL_wait_begin(L, nap, "", jigL_opt_seconds(L, 1, 0), false);
    if (!jigL_block(L, nap, "clock.sleep"))
        return jigL_yield(L, 0, slept);
    return slept(L, LUA_OK, 0);
}

/*
 * clock.simulated() -> whether time is simulated. Does not yield.
 */
static int simulated(lua_State *L)
{
    lua_pushboolean(L, jig_loop_clock(jigL_engine(L)->loop)->simulated);
    return 1;
}

/*
 * clock.simulate(). From now on time stands still while anything can happen and then jumps to the
 * next deadline: a wait of an hour takes no time. For specs; there is no way back. Does not yield.
 */
static int simulate(lua_State *L)
{
    struct jig_clock *clock = jig_loop_clock(jigL_engine(L)->loop);
    int64_t at = jig_clock_now(clock);
    clock->simulated = true;
    clock->at = at;
    return 0;
}

int luaopen_jig_clock(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"now", now}, {"sleep", clock_sleep}, {"simulate", simulate}, {"simulated", simulated},
        {NULL, NULL},
    };
    luaL_newlib(L, functions);
    return 1;
}
