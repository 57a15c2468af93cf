/* bindings/pattern: string.find, match, gmatch and gsub give what Lua's own give, results and
 * errors; only what Lua's own calls too complex, or what takes too many steps, may differ.
 *
 * The first byte says which function and which kind of replacement, the second how long the pattern
 * is, the third where the search begins; then the pattern, and the subject. */
#include "spec/fuzz/fuzz.h"

#include <lauxlib.h>
#include <lualib.h>
#include <string.h>

#include "bindings/jig.h"
#include "bindings/pattern.h"

/* What a Lua state still holds is no leak: to look for some after each input takes all the time. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}

enum { HEAD = 3, MOST = 40 /* results of gmatch */ };

static struct jig_engine engine; /* without tasks: there is no budget */
static lua_State *state;

/* Lua's own, at the same index as ours. */
static const char *const names[] = {"find", "match", "gmatch", "gsub"};
static const lua_CFunction ours[] = {jigL_find, jigL_match, jigL_gmatch, jigL_gsub};
static int theirs[4];

static void open_state(void)
{
    state = luaL_newstate();
    CLAIM(state);
    jigL_attach(state, &engine);
    luaL_requiref(state, LUA_STRLIBNAME, luaopen_string, 0);
    for (int i = 0; i < 4; i++) {
        lua_getfield(state, 1, names[i]);
        theirs[i] = luaL_ref(state, LUA_REGISTRYINDEX);
    }
    lua_settop(state, 0);
}

static int echo(lua_State *L)
{
    if (lua_gettop(L) % 2) /* false keeps the match */
        lua_pushboolean(L, 0);
    else
        lua_pushvalue(L, 1);
    return 1;
}

/* The replacement: text (a part of the subject, or one with captures), a table, a function. */
static void push_replacement(lua_State *L, unsigned kind, const char *subject, size_t n)
{
    switch (kind % 4) {
    case 0:
        lua_pushlstring(L, subject, n < 6 ? n : 6);
        break;
    case 1:
        lua_pushliteral(L, "<%1%0%%%2>");
        break;
    case 2:
        lua_createtable(L, 0, 1);
        lua_pushlstring(L, subject, n < 2 ? n : 2);
        lua_pushliteral(L, "found");
        lua_settable(L, -3);
        break;
    default:
        lua_pushcfunction(L, echo);
    }
}

/* All that the iterator on the top gives, in its place. */
static int gather(lua_State *L)
{
    int iterator = lua_gettop(L);
    for (int i = 0; i < MOST; i++) {
        int top = lua_gettop(L);
        luaL_checkstack(L, 40, NULL);
        lua_pushvalue(L, iterator);
        lua_call(L, 0, LUA_MULTRET);
        if (lua_gettop(L) == top || lua_isnil(L, top + 1))
            break;
    }
    return lua_gettop(L) - iterator;
}

/* In a protected call: function which kind init pattern subject. */
static int work(lua_State *L)
{
    unsigned which = (unsigned)lua_tointeger(L, 2), kind = (unsigned)lua_tointeger(L, 3);
    lua_Integer init = lua_tointeger(L, 4);
    size_t n;
    const char *subject = lua_tolstring(L, 6, &n);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 6);
    lua_pushvalue(L, 5);
    int arguments = 3;
    if (which == 3) {
        push_replacement(L, kind, subject, n);
        if (kind & 4)
            lua_pushinteger(L, init), arguments++;
    } else {
        lua_pushinteger(L, init);
    }
    if (which == 0)
        lua_pushboolean(L, kind & 1), arguments++;
    lua_call(L, arguments, LUA_MULTRET);
    return which == 2 ? gather(L) : lua_gettop(L) - 6;
}

/* Its results, or its error, above what is on the stack; whether it raised. */
static int call(const uint8_t *bytes, size_t n, int own)
{
    unsigned which = bytes[0] & 3;
    size_t pattern = bytes[1] % (n - HEAD + 1);
    luaL_checkstack(state, 20, NULL);
    lua_pushcfunction(state, work);
    if (own)
        lua_pushcfunction(state, ours[which]);
    else
        lua_rawgeti(state, LUA_REGISTRYINDEX, theirs[which]);
    lua_pushinteger(state, which);
    lua_pushinteger(state, bytes[0] >> 2);
    lua_pushinteger(state, (int8_t)bytes[2] % 16);
    lua_pushlstring(state, (const char *)bytes + HEAD, pattern);
    lua_pushlstring(state, (const char *)bytes + HEAD + pattern, n - HEAD - pattern);
    return lua_pcall(state, 6, LUA_MULTRET, 0) != LUA_OK;
}

/* Whether what the function raised says no more than that it gives up. */
static int gives_up(int index)
{
    const char *text = lua_tostring(state, index);
    CLAIM(text);
    return strstr(text, "too complex") || strstr(text, "more than") || strstr(text, "overflow");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n < HEAD)
        return 0;
    if (!state)
        open_state();
    lua_settop(state, 0);
    int raised = call(bytes, n, 1), count = lua_gettop(state);
    if (raised && gives_up(-1))
        return 0;
    int theirs_raised = call(bytes, n, 0);
    if (theirs_raised && gives_up(-1))
        return 0;
    CLAIM(raised == theirs_raised);
    CLAIM(lua_gettop(state) == 2 * count);
    for (int i = 1; i <= count; i++)
        CLAIM(lua_rawequal(state, i, count + i) &&
              lua_type(state, i) == lua_type(state, count + i));
    return 0;
}
