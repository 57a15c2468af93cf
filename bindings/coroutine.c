/* jig.coroutine: Lua's coroutine.resume and coroutine.close, which here tell the budget whose code
 * runs. For scripts/jig/coroutines.lua.
 */
#include "bindings/jig.h"

static lua_State *to_coroutine(lua_State *L)
{
    lua_State *co = lua_tothread(L, 1);
    luaL_argexpected(L, co, 1, "coroutine");
    return co;
}

static int fail(lua_State *L, const char *message)
{
    lua_pushboolean(L, 0);
    lua_pushstring(L, message);
    return 2;
}

/* Why the coroutine cannot be resumed; NULL = it can. */
static const char *no_resume(lua_State *L, lua_State *co)
{
    lua_Debug frame;
    int status = lua_status(co);
    if (status == LUA_YIELD)
        return NULL;
    if (L == co || (status == LUA_OK && lua_getstack(co, 0, &frame)))
        return "cannot resume non-suspended coroutine";
    return status != LUA_OK || lua_gettop(co) == 0 ? "cannot resume dead coroutine" : NULL;
}

static int resumed(lua_State *L, lua_State *co, int status, int results)
{
    bool forced = status == LUA_YIELD && jigL_budget_forced(jigL_engine(L));
    if (forced) {
        lua_pushboolean(L, 1);
        lua_pushlightuserdata(L, (void *)&jigL_forced);
        return 2;
    }
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_pushboolean(L, 0);
        lua_xmove(co, L, 1);
        return 2;
    }
    if (!lua_checkstack(L, results + 1)) {
        lua_pop(co, results);
        return fail(L, "too many results to resume");
    }
    lua_pushboolean(L, 1);
    lua_xmove(co, L, results);
    return 1 + results;
}

/* Lua takes a coroutine for one that can be suspended wherever it is resumed. A wait of it suspends
 * who resumed it, too: where that cannot be, it cannot wait, as while it is closed. */
static int resume_bound(lua_State *L, lua_State *co, int n, int *results)
{
    struct jig_engine *engine = jigL_engine(L);
    struct jig_budget *budget = engine->current ? jigL_task_budget(engine->current) : NULL;
    bool bound = budget && !lua_isyieldable(L);
    if (bound)
        budget->closing++;
    int status = lua_resume(co, L, n, results);
    if (bound)
        budget->closing--;
    return status;
}

/*
 * coroutine.resume(co, ...) -> true, values... | false, thrown. As Lua's; a yield that the budget's
 * hook made gives true and coroutine.forced.
 */
static int resume(lua_State *L)
{
    lua_State *co = to_coroutine(L);
    int n = lua_gettop(L) - 1, results = 0;
    const char *trouble = no_resume(L, co);
    if (trouble)
        return fail(L, trouble);
    if (!lua_checkstack(co, n))
        return fail(L, "too many arguments to resume");
    lua_xmove(L, co, n);
    struct jig_engine *engine = jigL_engine(L);
    lua_State *outer = jigL_budget_enter(engine, co);
    int status = resume_bound(L, co, n, &results);
    jigL_budget_leave(engine, outer);
    return resumed(L, co, status, results);
}

/*
 * coroutine.close(co) -> true | false, thrown. As Lua's, which is upvalue 1. What it closes cannot
 * wait.
 */
static int close(lua_State *L)
{
    lua_State *co = to_coroutine(L);
    struct jig_engine *engine = jigL_engine(L);
    struct jig_budget *budget = engine->current ? jigL_task_budget(engine->current) : NULL;
    lua_settop(L, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_State *outer = jigL_budget_enter(engine, co);
    if (budget)
        budget->closing++;
    int status = lua_pcall(L, 1, LUA_MULTRET, 0);
    if (budget)
        budget->closing--;
    jigL_budget_leave(engine, outer);
    return status == LUA_OK ? lua_gettop(L) : lua_error(L);
}

int luaopen_jig_coroutine(lua_State *L)
{
    static const luaL_Reg functions[] = {{"resume", resume}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_getglobal(L, "coroutine");
    lua_getfield(L, -1, "close");
    lua_pushcclosure(L, close, 1);
    lua_setfield(L, -3, "close");
    lua_pop(L, 1);
    lua_pushlightuserdata(L, (void *)&jigL_forced);
    lua_setfield(L, -2, "forced");
    return 1;
}
