/* jig.source: the text of files that people write, for scripts of jig that run them. */
#include "bindings/jig.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "core/beneath.h"

enum { UNSTATED = 65536 }; /* bytes tried first for a file that states none, as those of /proc */

static size_t stated_size(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (size_t)st.st_size : 0;
}

/* A path, of which C would see no more than what stands before a NUL. */
static const char *check_path(lua_State *L, int index)
{
    size_t n;
    const char *path = luaL_checklstring(L, index, &n);
    luaL_argcheck(L, strlen(path) == n, index, "string contains zeros");
    return path;
}

/* Pushes a block of `most` bytes and one more, and reads into it. */
static ssize_t read_up_to(lua_State *L, size_t most, const char *folder, const char *path,
                          struct jig_error *err)
{
    char *text = lua_newuserdatauv(L, most + 1, 0);
    return jig_beneath_read(folder, path, text, most + 1, err);
}

/*
 * source.read(path, most [, folder]) -> text | nil, message, code. A regular file of `most` bytes
 * at most. With `folder` (which ends in "/", and with which `path` begins) it must be in it or
 * below, wherever links lead. "busy": it grew meanwhile, or the host's files are renamed all the
 * time. Does not yield.
 */
static int read_source(lua_State *L)
{
    const char *path = check_path(L, 1);
    lua_Integer most = luaL_checkinteger(L, 2);
    const char *folder = lua_isnoneornil(L, 3) ? NULL : check_path(L, 3);
    luaL_argcheck(L, most >= 0 && most < INT32_MAX, 2, "bytes must be 0 to 2147483646");
    luaL_argcheck(L, !folder || strncmp(path, folder, strlen(folder)) == 0, 3,
                  "the path begins with it");
    struct jig_error err;
    size_t cap = (size_t)most, stated = stated_size(path), first = stated ? stated : UNSTATED;
    first = first < cap ? first : cap;
    ssize_t n = read_up_to(L, first, folder, path, &err);
    if (n == JIG_ELIMIT && first < cap && stated)
        n = jig_fail(&err, JIG_EBUSY, "%s: it changed while it was read: try again", path);
    else if (n == JIG_ELIMIT && first < cap)
        n = read_up_to(L, cap, folder, path, &err);
    if (n < 0)
        return jigL_fail(L, &err);
    lua_pushlstring(L, lua_touserdata(L, -1), (size_t)n);
    return 1;
}

int luaopen_jig_source(lua_State *L)
{
    static const luaL_Reg functions[] = {{"read", read_source}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
