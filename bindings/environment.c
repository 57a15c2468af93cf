/* The environment of child processes, from a Lua table. */
#include "bindings/jig.h"

#include <stdlib.h>
#include <string.h>

#include "core/environment.h"

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

static size_t count_entries(lua_State *L, int table, const char *const *below)
{
    size_t n = 0;
    while (below[n])
        n++;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
        n++;
    return n;
}

/* The name stands under the value on the top of the stack. */
static void check_name(lua_State *L)
{
    size_t n;
    if (lua_type(L, -2) != LUA_TSTRING)
        luaL_error(L, "env: names must be strings");
    const char *name = lua_tolstring(L, -2, &n);
    if (n == 0 || strlen(name) != n || strchr(name, '='))
        luaL_error(L, "env: '%s' is no name of a variable", name);
}

/* The value of the pair `name value` on the top of the stack; NULL = the child has no such
 * variable. */
static const char *read_value(lua_State *L, enum jigL_base base)
{
    const char *name = lua_tostring(L, -2);
    if (lua_isboolean(L, -1) && !lua_toboolean(L, -1))
        return NULL;
    if (lua_isboolean(L, -1) && base == JIGL_FEW)
        return getenv(name);
    if (lua_type(L, -1) != LUA_TSTRING)
        luaL_error(L, "env: the value of '%s' must be a string%s or false", name,
                   base == JIGL_FEW ? ", true" : "");
    if (strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1))
        luaL_error(L, "env: the value of '%s' holds a NUL", name);
    return lua_tostring(L, -1);
}

/* The texts are kept alive by the user value of the block that points to them. */
const char *const *jigL_environment(lua_State *L, enum jigL_base base)
{
    const char *few[JIG_ENVIRONMENT_MAX + 1] = {NULL};
    const char *const *below = few;
    if (base == JIGL_WHOLE)
        below = (const char *const *)environ;
    else if (base == JIGL_FEW)
        jig_environment(few);
    luaL_checktype(L, -1, LUA_TTABLE);
    int table = lua_gettop(L);
    size_t used = 0;
    const char **list = lua_newuserdatauv(L, (count_entries(L, table, below) + 1) * sizeof(char *),
                                          1); // table list
    lua_newtable(L);                          // table list texts
    for (; *below; below++)
        if (!overridden(L, table, *below))
            list[used++] = *below;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) { // table list texts name value
        check_name(L);
        const char *value = read_value(L, base);
        if (!value)
            continue;
        lua_pushfstring(L, "%s=%s", lua_tostring(L, -2), value);
        list[used++] = lua_tostring(L, -1);
        lua_rawseti(L, table + 2, (lua_Integer)used);
    }
    list[used] = NULL;
    lua_setiuservalue(L, -2, 1); // table list
    lua_replace(L, table);
    return list;
}
