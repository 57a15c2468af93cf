/* See bounded.h. Written anew rather than laid around Lua's own, whose errors would then name no
 * line of the recipe. Unlike those they take tables alone.
 */
#include "bindings/bounded.h"

#include <lauxlib.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bindings/budget.h"
#include "bindings/pattern.h"

enum { CHECKED = 1024 }; /* copies of a text from one check of the budget to the next */

/* Raises when there are more than `most` elements from first to last. */
static void check_range(lua_State *L, lua_Integer first, lua_Integer last, int most,
                        const char *what)
{
    if (first <= last && (lua_Unsigned)last - (lua_Unsigned)first >= (lua_Unsigned)most)
        luaL_error(L, "%s goes over %d elements at most", what, most);
}

/* The length of the table at 1, whose __len may say anything. */
static lua_Integer length(lua_State *L)
{
    jigL_budget_check(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    return luaL_len(L, 1);
}

/*
 * string.rep(s, n [, sep])
 */
static int rep(lua_State *L)
{
    jigL_budget_check(L);
    size_t n, separator_n;
    const char *s = luaL_checklstring(L, 1, &n);
    lua_Integer times = luaL_checkinteger(L, 2);
    const char *separator = luaL_optlstring(L, 3, "", &separator_n);
    if (times <= 0 || n + separator_n == 0) { /* nothing is nothing, however often */
        lua_pushliteral(L, "");
        return 1;
    }
    if (n + separator_n > (size_t)PTRDIFF_MAX / (size_t)times)
        return luaL_error(L, "resulting string too large");
    luaL_Buffer b;
    size_t total = (size_t)times * n + (size_t)(times - 1) * separator_n;
    char *to = luaL_buffinitsize(L, &b, total);
    while (times-- > 0) {
        if (times % CHECKED == 0)
            jigL_budget_check(L);
        memcpy(to, s, n);
        if (times > 0)
            memcpy(to + n, separator, separator_n);
        to += n + separator_n;
    }
    luaL_pushresultsize(&b, total);
    return 1;
}

static void add_element(lua_State *L, luaL_Buffer *b, lua_Integer i)
{
    jigL_budget_check(L);
    if (lua_geti(L, 1, i) != LUA_TSTRING && !lua_isstring(L, -1))
        luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1),
                   (LUAI_UACINT)i);
    luaL_addvalue(b);
}

/*
 * table.concat(list [, sep [, i [, j]]])
 */
static int concat(lua_State *L)
{
    size_t separator_n;
    lua_Integer last = length(L);
    const char *separator = luaL_optlstring(L, 2, "", &separator_n);
    lua_Integer i = luaL_optinteger(L, 3, 1);
    last = luaL_optinteger(L, 4, last);
    check_range(L, i, last, JIG_BOUNDED_ELEMENTS, "table.concat");
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    while (i < last) {
        add_element(L, &b, i++);
        luaL_addlstring(&b, separator, separator_n);
    }
    if (i == last)
        add_element(L, &b, i);
    luaL_pushresult(&b);
    return 1;
}

/*
 * table.insert(list, [pos,] value)
 */
static int insert(lua_State *L)
{
    lua_Integer end = (lua_Integer)((lua_Unsigned)length(L) + 1), at = end;
    if (lua_gettop(L) == 3) {
        at = luaL_checkinteger(L, 2);
        luaL_argcheck(L, (lua_Unsigned)at - 1U < (lua_Unsigned)end, 2, "position out of bounds");
        check_range(L, at, end, JIG_BOUNDED_ELEMENTS, "table.insert");
        for (lua_Integer i = end; i > at; i--) {
            jigL_budget_check(L);
            lua_geti(L, 1, i - 1);
            lua_seti(L, 1, i);
        }
    } else if (lua_gettop(L) != 2) {
        return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_seti(L, 1, at);
    return 0;
}

/*
 * table.remove(list [, pos])
 */
static int remove_element(lua_State *L)
{
    lua_Integer n = length(L), at = luaL_optinteger(L, 2, n);
    if (at != n) /* the place behind the last one is one, too */
        luaL_argcheck(L, (lua_Unsigned)at - 1U <= (lua_Unsigned)n, 2, "position out of bounds");
    check_range(L, at, n, JIG_BOUNDED_ELEMENTS, "table.remove");
    lua_geti(L, 1, at);
    for (; at < n; at++) {
        jigL_budget_check(L);
        lua_geti(L, 1, at + 1);
        lua_seti(L, 1, at);
    }
    lua_pushnil(L);
    lua_seti(L, 1, at);
    return 1;
}

/*
 * table.move(a1, f, e, t [, a2])
 */
static int move(lua_State *L)
{
    int to = lua_isnoneornil(L, 5) ? 1 : 5;
    jigL_budget_check(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checktype(L, to, LUA_TTABLE);
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3);
    lua_Integer at = luaL_checkinteger(L, 4), n = last - first;
    lua_settop(L, 5);
    if (first <= last) {
        check_range(L, first, last, JIG_BOUNDED_ELEMENTS, "table.move");
        luaL_argcheck(L, at <= LUA_MAXINTEGER - n, 4, "destination wrap around");
        int up = at <= first || at > last || (to == 5 && !lua_compare(L, 1, 5, LUA_OPEQ));
        for (lua_Integer k = 0; k <= n; k++) {
            lua_Integer i = up ? k : n - k;
            jigL_budget_check(L);
            lua_geti(L, 1, first + i);
            lua_seti(L, to, at + i);
        }
    }
    lua_pushvalue(L, to);
    return 1;
}

/*
 * table.unpack(list [, i [, j]]): of anything that has elements, as Lua's.
 */
static int unpack(lua_State *L)
{
    jigL_budget_check(L);
    lua_Integer first = luaL_optinteger(L, 2, 1);
    lua_Integer last = lua_isnoneornil(L, 3) ? luaL_len(L, 1) : luaL_checkinteger(L, 3);
    if (first > last)
        return 0;
    lua_Unsigned n = (lua_Unsigned)last - (lua_Unsigned)first;
    if (n >= INT_MAX || !lua_checkstack(L, (int)n + 1))
        return luaL_error(L, "too many results to unpack");
    for (lua_Unsigned k = 0; k <= n; k++) {
        jigL_budget_check(L);
        lua_geti(L, 1, first + (lua_Integer)k);
    }
    return (int)n + 1;
}

/* Without a function for it comparing is C's work: long texts, or one text many times, take it as
 * long as they are. */
static void check_texts(lua_State *L, lua_Integer n)
{
    size_t total = 0;
    for (lua_Integer i = 1; i <= n; i++) {
        if (lua_rawgeti(L, 1, i) == LUA_TSTRING)
            total += lua_rawlen(L, -1);
        lua_pop(L, 1);
    }
    if (total > JIG_BOUNDED_TEXT)
        luaL_error(L, "table.sort compares %d bytes of text at most", JIG_BOUNDED_TEXT);
}

/* A comparison by the function of C that is upvalue 1. */
static int compare(lua_State *L)
{
    jigL_budget_check(L);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, 1);
    return 1;
}

/*
 * table.sort(list [, comp]): Lua's own, upvalue 1.
 */
static int sort(lua_State *L)
{
    lua_Integer n = length(L);
    check_range(L, 1, n, JIG_BOUNDED_SORT, "table.sort");
    if (lua_isnoneornil(L, 2))
        check_texts(L, n);
    else
        luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    if (lua_iscfunction(L, 2))
        lua_pushcclosure(L, compare, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, 0);
    return 0;
}

/*
 * setmetatable(table, metatable). No __gc: finalizers run where no hook is called.
 */
int jigL_set_metatable(lua_State *L)
{
    int type = lua_type(L, 2);
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "cannot change a protected metatable");
    lua_settop(L, 2);
    if (type == LUA_TTABLE) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "__gc is not for recipes: use __close and local x <close>");
        lua_pop(L, 1);
    }
    lua_setmetatable(L, 1);
    return 1;
}

/* Bytecode is for scripts of jig alone. They have it from the debug library: a recipe, which has
 * the methods of strings, would find it in string. */
static void move_dump(lua_State *L)
{
    lua_getglobal(L, "debug");
    lua_getglobal(L, "string");
    lua_getfield(L, -1, "dump"); // debug string dump
    lua_setfield(L, -3, "dump");
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    lua_pop(L, 2);
}

void jigL_bound_libraries(lua_State *L)
{
    static const luaL_Reg string[] = {
        {"rep", rep},        {"find", jigL_find}, {"match", jigL_match}, {"gmatch", jigL_gmatch},
        {"gsub", jigL_gsub}, {NULL, NULL},
    };
    static const luaL_Reg table[] = {
        {"concat", concat}, {"insert", insert}, {"remove", remove_element},
        {"move", move},     {"unpack", unpack}, {NULL, NULL},
    };
    move_dump(L);
    lua_register(L, "setmetatable", jigL_set_metatable);
    lua_getglobal(L, "string");
    luaL_setfuncs(L, string, 0);
    lua_getglobal(L, "table"); // string table
    luaL_setfuncs(L, table, 0);
    lua_getfield(L, -1, "sort");
    lua_pushcclosure(L, sort, 1);
    lua_setfield(L, -2, "sort");
    lua_pop(L, 2);
}
