/* jig.secret: bytes that a recipe keeps from being seen (core/secret.h). Nothing here yields. */
#include "bindings/jig.h"

#include "core/secret.h"

#define SECRET "jig.secret"

struct lsecret {
    struct jig_secret *bytes; /* NULL = released */
};

/* The key of the registry's table of those that were exposed: weak, by their userdata. */
static const char exposed_key;

static const struct jig_secret *check_secret(lua_State *L, int arg)
{
    const struct lsecret *s = luaL_checkudata(L, arg, SECRET);
    if (!s->bytes)
        luaL_error(L, "attempt to use a secret that was released");
    return s->bytes;
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
    struct lsecret *s = lua_newuserdatauv(L, sizeof *s, 0);
    s->bytes = NULL;
    luaL_setmetatable(L, SECRET);
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

/*
 * secret:expose() -> its bytes as a string, for a frame or an exchange: the one way to see them.
 * A cassette does not show them.
 */
static int expose(lua_State *L)
{
    const struct jig_secret *secret = check_secret(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &exposed_key);
    lua_pushvalue(L, 1);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
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

/*
 * secret.exposed() -> array of the bytes of those that were exposed and not released: for who
 * writes down what a unit says, and must leave them out. No recipe gets it.
 */
static int exposed(lua_State *L)
{
    lua_Integer n = 0;
    lua_newtable(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &exposed_key);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        const struct lsecret *s = luaL_testudata(L, -2, SECRET);
        if (!s || !s->bytes)
            continue;
        lua_pushlstring(L, (const char *)jig_secret_bytes(s->bytes), jig_secret_size(s->bytes));
        lua_rawseti(L, -5, ++n);
    }
    lua_pop(L, 1);
    return 1;
}

static void add_exposed(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &exposed_key);
}

int luaopen_jig_secret(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"equals", equals}, {"expose", expose}, {"release", release}, {NULL, NULL}};
    static const luaL_Reg meta[] = {
        {"__eq", same},       {"__tostring", refuse_text}, {"__concat", refuse_text},
        {"__close", release}, {"__gc", release},           {NULL, NULL}};
    static const luaL_Reg functions[] = {{"new", secret_new}, {"exposed", exposed}, {NULL, NULL}};
    luaL_newmetatable(L, SECRET);
    luaL_setfuncs(L, meta, 0);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    add_exposed(L);
    luaL_newlib(L, functions);
    return 1;
}
