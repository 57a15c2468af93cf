/* jig.source: the text of files that people write, for scripts of jig that run them. */
#include "bindings/jig.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "core/beneath.h"

/* The bytes that the file has now, `most` at most. */
static size_t size_of(const char *path, size_t most)
{
    struct stat st;
    size_t n = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
    return n < most ? n : most;
}

/*
 * source.read(path, most [, folder]) -> text | nil, message, code. A regular file of `most` bytes
 * at most. With `folder` (which ends in "/", and with which `path` begins) it must be in it or
 * below, wherever links lead. Does not yield.
 */
static int read_source(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    lua_Integer most = luaL_checkinteger(L, 2);
    const char *folder = luaL_optstring(L, 3, NULL);
    luaL_argcheck(L, most >= 0 && most < INT32_MAX, 2, "bytes must be 0 to 2147483646");
    luaL_argcheck(L, !folder || strncmp(path, folder, strlen(folder)) == 0, 3,
                  "the path begins with it");
    size_t room = size_of(path, (size_t)most) + 1;
    char *text = lua_newuserdatauv(L, room, 0);
    struct jig_error err;
    ssize_t n = jig_beneath_read(folder, path, text, room, &err);
    if (n < 0)
        return jigL_fail(L, &err);
    lua_pushlstring(L, text, (size_t)n);
    return 1;
}

int luaopen_jig_source(lua_State *L)
{
    static const luaL_Reg functions[] = {{"read", read_source}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
