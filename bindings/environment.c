/* The environment of child processes, from a Lua table. */
#include "bindings/jig.h"

#include <string.h>

extern char **environ;

static bool overridden(lua_State *L, int table, const char *entry)
{
    const char *equals = strchr(entry, '=');
    if (!equals)
        return true;
    lua_pushlstring(L, entry, (size_t)(equals - entry));
    bool found = lua_rawget(L, table) != LUA_TNIL;
    lua_pop(L, 1);
    return found;
}

static size_t count_entries(lua_State *L, int table)
{
    size_t n = 0;
    while (environ[n])
        n++;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        n++;
    return n;
}

/* The name stands under the value on the top of the stack. */
static void check_name(lua_State *L)
{
    size_t n;
    const char *name = lua_tolstring(L, -2, &n);
    if (n == 0 || strlen(name) != n || strchr(name, '='))
        luaL_error(L, "env: '%s' is no name of a variable", name);
}

/* The texts are kept alive by the user value of the block that points to them. */
const char *const *jigL_environment(lua_State *L, bool bare)
{
    luaL_checktype(L, -1, LUA_TTABLE);
    int table = lua_gettop(L);
    size_t used = 0;
    const char **list =
        lua_newuserdatauv(L, (count_entries(L, table) + 1) * sizeof(char *), 1); // table list
    lua_newtable(L);                                                             // table list texts
    for (char **entry = environ; *entry && !bare; entry++)
        if (!overridden(L, table, *entry))
            list[used++] = *entry;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) { // table list texts name value
        if (lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "env: names must be strings");
        check_name(L);
        if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
            continue;
        if (lua_type(L, -1) != LUA_TSTRING)
            luaL_error(L, "env: the value of '%s' must be a string or false", lua_tostring(L, -2));
        if (strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1))
            luaL_error(L, "env: the value of '%s' holds a NUL", lua_tostring(L, -2));
        lua_pushfstring(L, "%s=%s", lua_tostring(L, -2), lua_tostring(L, -1));
        list[used++] = lua_tostring(L, -1);
        lua_rawseti(L, table + 2, (lua_Integer)used);
    }
    list[used] = NULL;
    lua_setiuservalue(L, -2, 1); // table list
    lua_replace(L, table);
    return list;
}
