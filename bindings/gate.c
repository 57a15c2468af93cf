/* jig.gate: who waits at the gate of the token (core/gate.h).
 */
#include "bindings/jig.h"

#include "core/gate.h"

/* [-0, +0, m] on the table at the top. A slot that waits twice stands where it is next. */
static void add_place(void *data, const char *name, size_t place)
{
    lua_State *L = data;
    if (lua_getfield(L, -1, name) == LUA_TNIL || lua_tointeger(L, -1) > (lua_Integer)place) {
        lua_pushinteger(L, (lua_Integer)place);
        lua_setfield(L, -3, name);
    }
    lua_pop(L, 1);
}

/*
 * gate.places() -> table slot name -> place in the queue, 1 = next, of all sessions of this process
 * that wait. Does not yield.
 */
static int places(lua_State *L)
{
    lua_newtable(L);
    jig_gate_each(jigL_engine(L)->loop, add_place, L);
    return 1;
}

/*
 * gate.shut([why]) -> why the CLI is not called any more in this process (a PIN was refused, or it
 * was shut) | nil. With `why`, shuts it: calls fail as interrupted from now on, reports included.
 * Does not yield.
 */
static int shut(lua_State *L)
{
    if (!lua_isnoneornil(L, 1))
        jig_gate_shut(jigL_engine(L)->loop, JIG_ECANCELLED, luaL_checkstring(L, 1));
    lua_pushstring(L, jig_gate_is_shut(jigL_engine(L)->loop));
    return 1;
}

int luaopen_jig_gate(lua_State *L)
{
    static const luaL_Reg functions[] = {{"places", places}, {"shut", shut}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
