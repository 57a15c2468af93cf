/* jig.crc: cyclic redundancy checks by catalogue name or by parameters. Nothing here yields. */
#include "bindings/jig.h"

#include <stdio.h>

#include "core/crc.h"

#define TYPE "jig.crc"

static struct jig_crc *check_crc(lua_State *L)
{
    return luaL_checkudata(L, 1, TYPE);
}

/* The number at `key` of the table at 1. */
static uint32_t number(lua_State *L, const char *key)
{
    int fits;
    lua_getfield(L, 1, key);
    lua_Integer value = lua_tointegerx(L, -1, &fits);
    if (lua_type(L, -1) != LUA_TNUMBER || !fits || value < 0 || value > UINT32_MAX)
        luaL_error(L, "crc: %s is %s, must be an integer from 0 to 0xffffffff", key,
                   luaL_tolstring(L, -1, NULL));
    lua_pop(L, 1);
    return (uint32_t)value;
}

static bool present(lua_State *L, const char *key)
{
    bool is_present = lua_getfield(L, 1, key) != LUA_TNIL;
    lua_pop(L, 1);
    return is_present;
}

static uint32_t optional_number(lua_State *L, const char *key)
{
    return present(L, key) ? number(L, key) : 0;
}

static bool optional_boolean(lua_State *L, const char *key, bool otherwise)
{
    int type = lua_getfield(L, 1, key);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
        luaL_error(L, "crc: %s is %s, must be true or false", key, luaL_tolstring(L, -1, NULL));
    bool value = type == LUA_TNIL ? otherwise : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

static struct jig_crc_model model_from_table(lua_State *L)
{
    static const char *const keys[] = {"width",  "poly",   "init",  "refin",
                                       "refout", "xorout", "check", NULL};
    jigL_check_keys(L, 1, "crc", keys);
    struct jig_crc_model m = {
        .width = number(L, "width"),
        .poly = number(L, "poly"),
        .init = optional_number(L, "init"),
        .refin = optional_boolean(L, "refin", false),
        .xorout = optional_number(L, "xorout"),
    };
    m.refout = optional_boolean(L, "refout", m.refin);
    return m;
}

/* Raises unless the sum of "123456789" is the one that the table at 1 promises. */
static void compare_check(lua_State *L, const struct jig_crc *c)
{
    uint32_t promised = number(L, "check");
    uint32_t made = jig_crc_sum(c, "123456789", 9);
    char text[80];
    if (made == promised)
        return;
    snprintf(text, sizeof text, "crc: check is 0x%x, but these parameters make 0x%x", promised,
             made);
    luaL_error(L, "%s", text);
}

/* Those of the catalogue are made once for each state: nothing can change one, and a recipe that
 * runs again for each unit would spend a sixteenth of jig's instructions on their tables. */
static const char kept_key;

/* The one that was made under the name at 1. [-0, +1, m] when there is one, else [-0, +0, m] */
static bool push_kept(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_key) == LUA_TTABLE &&
        lua_getfield(L, -1, name) != LUA_TNIL)
        return true;
    lua_settop(L, 1);
    return false;
}

/* Keeps the value on the top under the name at 1. [-0, +0, m] */
static void keep(lua_State *L)
{
    lua_pushvalue(L, -1);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_key) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_key);
    }
    lua_insert(L, -2);
    lua_setfield(L, -2, lua_tostring(L, 1)); // crc table
    lua_pop(L, 1);
}

/* Makes a CRC from its catalogue name, or from the parameters of the Rocksoft model.
 *
 *     crc.new(name: string) -> jig.crc
 *     crc.new { width = , poly = , init = 0, refin = false, refout = refin, xorout = 0, check = nil
 * }
 *         -> jig.crc
 *
 * `width` is 8 to 32 bits. Numbers are most significant bit first, also where refin is true.
 * `check`, when given, is compared with the sum of "123456789". Raises on an unknown name, an
 * unknown key, parameters that make no CRC, or another check. Making one costs about a microsecond.
 *
 *     local sum = crc.new "CRC-16/IBM-3740"
 *     local own = crc.new { width = 16, poly = 0x1021, init = 0x1d0f, check = 0xe5cc }
 */
static int new (lua_State *L)
{
    lua_settop(L, 1);
    bool is_table = lua_istable(L, 1);
    if (!is_table && push_kept(L))
        return 1;
    struct jig_crc_model own = {.name = NULL};
    const struct jig_crc_model *model = &own;
    if (is_table)
        own = model_from_table(L);
    else
        model = jig_crc_find(luaL_checkstring(L, 1));
    if (!model)
        return luaL_error(L, "crc: no model is named '%s' (jig.crc.names() lists them)",
                          lua_tostring(L, 1));
    struct jig_crc *c = lua_newuserdatauv(L, sizeof *c, 0);
    luaL_setmetatable(L, TYPE);
    struct jig_error err;
    if (jig_crc_init(c, model, &err) < 0)
        return luaL_error(L, "crc: %s", err.text);
    if (is_table && present(L, "check"))
        compare_check(L, c);
    if (!is_table)
        keep(L);
    return 1;
}

/* The names that crc.new knows.
 *
 *     crc.names() -> { string, ... }
 *
 *     print(table.concat(crc.names(), "\n"))
 */
static int names(lua_State *L)
{
    lua_newtable(L);
    for (lua_Integer i = 0; jig_crc_models[i].name; i++) {
        lua_pushstring(L, jig_crc_models[i].name);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* The index that a position means, as in string.sub: negative ones count from the end. */
static size_t position(lua_Integer at, size_t n)
{
    if (at >= 0)
        return (size_t)at;
    return (size_t) - (at + 1) >= n ? 0 : n - (size_t) - (at + 1);
}

/* The sum of bytes, or of the part from `first` to `last`, positions as in string.sub. The CRC may
 * be called like a function instead.
 *
 *     c:sum(bytes: string, first: integer = 1, last: integer = -1) -> integer
 *     c(bytes: string, first: integer = 1, last: integer = -1) -> integer
 *
 *     crc.new("CRC-16/ARC")("123456789")  --> 0xbb3d
 */
static int sum(lua_State *L)
{
    const struct jig_crc *c = check_crc(L);
    luaL_checktype(L, 2, LUA_TSTRING);
    size_t n;
    const char *bytes = lua_tolstring(L, 2, &n);
    size_t first = position(luaL_optinteger(L, 3, 1), n);
    size_t last = position(luaL_optinteger(L, 4, -1), n);
    if (first < 1)
        first = 1;
    if (last > n)
        last = n;
    size_t count = first <= last ? last - first + 1 : 0;
    lua_pushinteger(L, jig_crc_sum(c, count ? bytes + first - 1 : bytes, count));
    return 1;
}

/* Begins a sum in pieces: a state for update and finish, of no use otherwise.
 *
 *     c:start() -> integer
 *
 *     local state = c:start()
 *     for part in parts do state = c:update(state, part) end
 *     return c:finish(state)
 */
static int start(lua_State *L)
{
    lua_pushinteger(L, jig_crc_start(check_crc(L)));
    return 1;
}

static uint32_t check_state(lua_State *L)
{
    lua_Integer state = luaL_checkinteger(L, 2);
    luaL_argcheck(L, state >= 0 && state <= UINT32_MAX, 2, "not a state of a CRC");
    return (uint32_t)state;
}

/* The state after further bytes. See start.
 *
 *     c:update(state: integer, bytes: string) -> integer
 */
static int update(lua_State *L)
{
    const struct jig_crc *c = check_crc(L);
    uint32_t state = check_state(L);
    luaL_checktype(L, 3, LUA_TSTRING);
    size_t n;
    const char *bytes = lua_tolstring(L, 3, &n);
    lua_pushinteger(L, jig_crc_update(c, state, bytes, n));
    return 1;
}

/* The sum that a state stands for. See start.
 *
 *     c:finish(state: integer) -> integer
 */
static int finish(lua_State *L)
{
    const struct jig_crc *c = check_crc(L);
    lua_pushinteger(L, jig_crc_finish(c, check_state(L)));
    return 1;
}

/* How many bits the sum has.
 *
 *     c:width() -> integer
 *
 *     string.pack(">I" .. c:width() // 8, c(bytes))
 */
static int width(lua_State *L)
{
    lua_pushinteger(L, check_crc(L)->width);
    return 1;
}

static const luaL_Reg functions[] = {
    {"new", new},
    {"names", names},
    {NULL, NULL},
};

static const luaL_Reg methods[] = {
    {"sum", sum},       {"start", start}, {"update", update},
    {"finish", finish}, {"width", width}, {NULL, NULL},
};

int luaopen_jig_crc(lua_State *L)
{
    luaL_newmetatable(L, TYPE);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, sum);
    lua_setfield(L, -2, "__call");
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
