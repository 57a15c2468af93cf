/* jig.hex: hexadecimal text and bytes. Nothing here yields. */
#include "bindings/jig.h"

#include "core/hex.h"

/* Turns bytes into lower-case hex text, two digits a byte.
 *
 *     hex.encode(bytes: string) -> string
 *
 *     hex.encode("\x01\x81\0\0")  --> "01810000"
 */
static int encode(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    size_t n;
    const char *bytes = lua_tolstring(L, 1, &n);
    luaL_Buffer b;
    char *text = luaL_buffinitsize(L, &b, 2 * n);
    jig_hex_encode(text, bytes, n);
    luaL_pushresultsize(&b, 2 * n);
    return 1;
}

/* Turns hex text, upper or lower case, into bytes; the empty text into none.
 *
 *     hex.decode(text: string) -> bytes: string
 *                               | nil, message: string, "invalid", position: integer
 *
 * `position` counts characters from 1: the first that is no hex digit, or one past the end when the
 * number of digits is odd.
 *
 *     local bytes = assert(hex.decode("01810000"))
 */
static int decode(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    size_t n, offset;
    const char *text = lua_tolstring(L, 1, &n);
    struct jig_error err;
    luaL_Buffer b;
    char *bytes = luaL_buffinitsize(L, &b, n / 2);
    if (jig_hex_decode(bytes, text, n, &offset, &err) < 0) {
        int results = jigL_fail(L, &err);
        lua_pushinteger(L, (lua_Integer)offset + 1);
        return results + 1;
    }
    luaL_pushresultsize(&b, n / 2);
    return 1;
}

/* The next run of at least `least` digits in a text, as long as it goes, and where it ends. With
 * `between` up to two of its characters may stand between two digits, and "0x" before any; the run
 * is the digits alone.
 *
 *     hex.find(text: string, least: integer [, init: integer [, between: string]])
 *         -> run: string, last: integer | nil
 *
 *     hex.find("sha256 01ab77 of 3 bytes", 6)     --> "01ab77", 13
 *     hex.find("got 0x61, 0x6e", 4, 1, ", ")      --> "616e", 14
 */
static int find(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    size_t n, end;
    const char *text = lua_tolstring(L, 1, &n);
    lua_Integer least = luaL_checkinteger(L, 2);
    lua_Integer init = luaL_optinteger(L, 3, 1);
    luaL_argcheck(L, least >= 1, 2, "a run has one digit at least");
    luaL_argcheck(L, init >= 1, 3, "characters count from 1");
    size_t from = (size_t)init - 1 < n ? (size_t)init - 1 : n;
    const char *between = luaL_optstring(L, 4, NULL);
    luaL_Buffer b;
    char *digits = luaL_buffinitsize(L, &b, n - from + 1);
    size_t count = jig_hex_find(text + from, n - from, (size_t)least, between, digits, &end);
    luaL_pushresultsize(&b, count);
    lua_pushinteger(L, (lua_Integer)from + (lua_Integer)end);
    return count ? 2 : 0;
}

static const luaL_Reg functions[] = {
    {"encode", encode},
    {"decode", decode},
    {"find", find},
    {NULL, NULL},
};

int luaopen_jig_hex(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
