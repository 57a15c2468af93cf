/* jig.guard: what a station trusts: files that nobody else may change, folders that are read once,
 * and the program that is pinned (core/guard.h, bundle.h, pinned.h). Nothing here yields. */
#include "bindings/jig.h"

#include <stdlib.h>
#include <string.h>

#include "core/bundle.h"
#include "core/guard.h"
#include "core/pinned.h"

#define BUNDLE "jig.guard.bundle"
#define TEXT   "jig.guard.text"

extern char **environ;

/* The user besides root to whom files may belong; by default there is none. */
static uid_t opt_owner(lua_State *L, int arg)
{
    lua_Integer owner = luaL_optinteger(L, arg, 0);
    luaL_argcheck(L, owner >= 0 && owner <= UINT32_MAX, arg, "no user id");
    return (uid_t)owner;
}

/* A path as C takes it. */
static const char *check_path(lua_State *L, int arg)
{
    size_t n;
    const char *path = luaL_checklstring(L, arg, &n);
    luaL_argcheck(L, n > 0 && strlen(path) == n, arg, "no path");
    return path;
}

static int text_gc(lua_State *L)
{
    jig_buf_release(luaL_checkudata(L, 1, TEXT));
    return 0;
}

/*
 * guard.read(path [, owner]) -> the text of a file that none but root, and the user `owner`, may
 * change: neither it nor a folder above it, and no link on the way | nil, message, code. `path` is
 * absolute; at most 1 MiB.
 */
static int read_guarded(lua_State *L)
{
    struct jig_error err;
    const char *path = check_path(L, 1);
    uid_t owner = opt_owner(L, 2);
    struct jig_buf *text = lua_newuserdatauv(L, sizeof *text, 0);
    memset(text, 0, sizeof *text);
    luaL_setmetatable(L, TEXT);
    if (jig_guard_read(path, owner, text, &err) < 0)
        return jigL_fail(L, &err);
    lua_pushlstring(L, (const char *)jig_buf_data(text), jig_buf_len(text));
    jig_buf_release(text);
    return 1;
}

static int bundle_gc(lua_State *L)
{
    jig_bundle_release(luaL_checkudata(L, 1, BUNDLE));
    return 0;
}

static void push_file(lua_State *L, const struct jig_bundle_file *file)
{
    lua_createtable(L, 0, 3);
    lua_pushstring(L, file->path);
    lua_setfield(L, -2, "path");
    lua_pushlstring(L, file->bytes, file->size);
    lua_setfield(L, -2, "text");
    lua_pushlstring(L, (const char *)file->sha256, sizeof file->sha256);
    lua_setfield(L, -2, "sha256");
}

/*
 * guard.bundle(folder) -> array of { path, text, sha256 (32 raw bytes) }: every file of a folder
 * and below, read once, in the order of their paths | nil, message, code. Links, devices and what
 * is over core/bundle.h's caps are refused.
 */
static int read_bundle(lua_State *L)
{
    struct jig_error err;
    const char *folder = check_path(L, 1);
    struct jig_bundle *bundle = lua_newuserdatauv(L, sizeof *bundle, 0);
    memset(bundle, 0, sizeof *bundle);
    luaL_setmetatable(L, BUNDLE);
    if (jig_bundle_read(bundle, folder, &err) < 0)
        return jigL_fail(L, &err);
    lua_createtable(L, (int)bundle->n, 0);
    for (size_t i = 0; i < bundle->n; i++) {
        push_file(L, &bundle->files[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    jig_bundle_release(bundle);
    return 1;
}

/*
 * guard.pin(path [, owner]) -> the SHA-256 of a program (32 raw bytes), guarded as by guard.read |
 * nil, message, code. From now on services that are `pinned` (jig.session) run that file, as it is
 * now, whatever has its name later. Once in a process.
 */
static int pin(lua_State *L)
{
    struct jig_engine *engine = jigL_engine(L);
    struct jig_error err;
    const char *path = check_path(L, 1);
    uid_t owner = opt_owner(L, 2);
    if (engine->pinned)
        return luaL_error(L, "a program is pinned already");
    struct jig_pinned *made = malloc(sizeof *made);
    if (!made)
        return luaL_error(L, "no memory");
    if (jig_pinned_open(made, path, owner, &err) < 0) {
        free(made);
        return jigL_fail(L, &err);
    }
    engine->pinned = made;
    lua_pushlstring(L, (const char *)made->sha256, sizeof made->sha256);
    return 1;
}

/*
 * guard.variables() -> the names of jig's environment, in no order.
 */
static int variables(lua_State *L)
{
    lua_Integer n = 0;
    lua_newtable(L);
    for (char **entry = environ; *entry; entry++) {
        lua_pushlstring(L, *entry, strcspn(*entry, "="));
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

int luaopen_jig_guard(lua_State *L)
{
    static const luaL_Reg functions[] = {{"read", read_guarded},
                                         {"bundle", read_bundle},
                                         {"pin", pin},
                                         {"variables", variables},
                                         {NULL, NULL}};
    luaL_newmetatable(L, BUNDLE);
    lua_pushcfunction(L, bundle_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newmetatable(L, TEXT);
    lua_pushcfunction(L, text_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, functions);
    return 1;
}
