/* jig.secret: bytes that a recipe keeps from being seen (core/secret.h). Nothing here yields. */
#include "bindings/jig.h"

#include <string.h>

#include "core/secret.h"

#define SECRET "jig.secret"

struct lsecret {
    struct jig_secret *bytes; /* NULL = released */
};

/* Those that were exposed last, which are remembered until secret.forget(). */
enum { REMEMBERED = 64 };

/* The key of the registry's table of them: userdata of their own, so that a released one is still
 * known while what was done with it is written down. Its field n counts all that ever were. */
static const char exposed_key;

static const struct jig_secret *check_secret(lua_State *L, int arg)
{
    const struct lsecret *s = luaL_checkudata(L, arg, SECRET);
    if (!s->bytes)
        luaL_error(L, "attempt to use a secret that was released");
    return s->bytes;
}

enum { PAGE = 4096 };

/* A closed one on the top of the stack, for n bytes: its block is larger than it has to be, so that
 * their pages count against the memory that a slot may take. [-0, +1, m] */
static struct lsecret *push_secret(lua_State *L, size_t n)
{
    struct lsecret *s = lua_newuserdatauv(L, sizeof *s + PAGE + n, 0);
    *s = (struct lsecret){0};
    luaL_setmetatable(L, SECRET);
    return s;
}

/*
 * secret.new(bytes) -> secret of 1 to 4,096 bytes. The string that it is made of lasts until the
 * collector finds it: keep no other copy.
 *     local key = secret.new(unit:exchange { command = "get key" }.payload)
 */
static int secret_new(lua_State *L)
{
    size_t n;
    const char *bytes = luaL_checklstring(L, 1, &n);
    luaL_argcheck(L, n >= 1 && n <= JIG_SECRET_CAP, 1, "a secret has 1 to 4096 bytes");
    struct lsecret *s = push_secret(L, n);
    s->bytes = jig_secret_new(bytes, n);
    return s->bytes ? 1 : luaL_error(L, "no memory for a secret");
}

/*
 * secret:equals(bytes) -> whether it is these, in a time that does not tell how much of them is
 * right. Two secrets are compared by ==, the same way.
 */
static int equals(lua_State *L)
{
    const struct jig_secret *secret = check_secret(L, 1);
    size_t n;
    const char *bytes = luaL_checklstring(L, 2, &n);
    lua_pushboolean(L, jig_secret_is(secret, bytes, n));
    return 1;
}

/* Lua asks only where both are userdata; one may be another's. */
static int same(lua_State *L)
{
    const struct lsecret *a = luaL_testudata(L, 1, SECRET), *b = luaL_testudata(L, 2, SECRET);
    bool both = a && b && a->bytes && b->bytes;
    lua_pushboolean(
        L, both && jig_secret_is(a->bytes, jig_secret_bytes(b->bytes), jig_secret_size(b->bytes)));
    return 1;
}

/* The table of those that were exposed, and how many were. [-0, +1, -] */
static lua_Integer push_exposed(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, &exposed_key);
    lua_getfield(L, -1, "n");
    lua_Integer n = lua_tointeger(L, -1);
    lua_pop(L, 1);
    return n;
}

/* In the table on the top of the stack, of which n ever were. [-0, +0, -] */
static bool is_remembered(lua_State *L, lua_Integer n, const struct jig_secret *secret)
{
    bool found = false;
    for (lua_Integer i = 1; i <= n && i <= REMEMBERED && !found; i++) {
        lua_rawgeti(L, -1, i);
        const struct lsecret *s = lua_touserdata(L, -1);
        found = s->bytes == secret;
        lua_pop(L, 1);
    }
    return found;
}

static void remember(lua_State *L, struct jig_secret *secret)
{
    lua_Integer n = push_exposed(L);
    if (is_remembered(L, n, secret)) {
        lua_pop(L, 1);
        return;
    }
    push_secret(L, jig_secret_size(secret))->bytes = jig_secret_hold(secret);
    lua_rawseti(L, -2, n % REMEMBERED + 1);
    lua_pushinteger(L, n + 1);
    lua_setfield(L, -2, "n");
    lua_pop(L, 1);
}

/*
 * secret:expose() -> its bytes as a string, for a frame or an exchange: the one way to see them.
 * Where they stand in a log, a reason or a cassette of that unit, they are hidden.
 */
static int expose(lua_State *L)
{
    const struct jig_secret *secret = check_secret(L, 1);
    const struct lsecret *s = lua_touserdata(L, 1);
    remember(L, s->bytes);
    lua_pushlstring(L, (const char *)jig_secret_bytes(secret), jig_secret_size(secret));
    return 1;
}

/*
 * secret:release(): clears it. Also what <close> and the collector do. Twice is harmless.
 */
static int release(lua_State *L)
{
    struct lsecret *s = luaL_checkudata(L, 1, SECRET);
    jig_secret_drop(s->bytes);
    s->bytes = NULL;
    return 0;
}

static int refuse_text(lua_State *L)
{
    return luaL_error(L, "a secret is not shown: secret:expose() gives its bytes, for a frame or "
                         "an exchange");
}

/* ---- for the engine: no recipe gets these ---- */

/*
 * secret.exposed() -> array of the bytes of those that were exposed since secret.forget(), the last
 * 64 of them: for who writes down what a unit says, and must leave them out.
 */
static int exposed(lua_State *L)
{
    lua_Integer n = push_exposed(L);
    lua_newtable(L);
    for (lua_Integer i = 1; i <= n && i <= REMEMBERED; i++) {
        lua_rawgeti(L, -2, i);
        const struct jig_secret *secret = check_secret(L, -1);
        lua_pushlstring(L, (const char *)jig_secret_bytes(secret), jig_secret_size(secret));
        lua_rawseti(L, -3, i);
        lua_pop(L, 1);
    }
    return 1;
}

/*
 * secret.hide(text) -> the text with a '*' for each byte of those.
 */
static int hide(lua_State *L)
{
    size_t size;
    const char *text = luaL_checklstring(L, 1, &size);
    luaL_Buffer b;
    lua_settop(L, 1);
    lua_Integer n = push_exposed(L);
    if (n == 0) {
        lua_pushvalue(L, 1);
        return 1;
    }
    char *copy = luaL_buffinitsize(L, &b, size);
    memcpy(copy, text, size);
    for (lua_Integer i = 1; i <= n && i <= REMEMBERED; i++) {
        lua_rawgeti(L, 2, i);
        jig_secret_hide(check_secret(L, -1), text, copy, size);
        lua_pop(L, 1);
    }
    luaL_pushresultsize(&b, size);
    return 1;
}

/*
 * secret.forget(): those that were exposed are no more remembered. The unit is written down.
 */
static int forget(lua_State *L)
{
    lua_createtable(L, 0, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &exposed_key);
    return 0;
}

int luaopen_jig_secret(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"equals", equals}, {"expose", expose}, {"release", release}, {NULL, NULL}};
    static const luaL_Reg meta[] = {
        {"__eq", same},       {"__tostring", refuse_text}, {"__concat", refuse_text},
        {"__close", release}, {"__gc", release},           {NULL, NULL}};
    static const luaL_Reg functions[] = {{"new", secret_new},
                                         {"exposed", exposed},
                                         {"hide", hide},
                                         {"forget", forget},
                                         {NULL, NULL}};
    luaL_newmetatable(L, SECRET);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    forget(L);
    luaL_newlib(L, functions);
    return 1;
}
