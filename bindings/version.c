/* jig.version: what this program is made of. */
#include "bindings/jig.h"

#include <gnu/libc-version.h>
#include <libserialport.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <uv.h>

#include "core/store.h"

static void add(lua_State *L, const char *name, const char *version)
{
    lua_createtable(L, 0, 2);
    lua_pushstring(L, name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, version);
    lua_setfield(L, -2, "version");
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/*
 * require "jig.version" is an array of { name =, version = }: jig first, then every library, as
 * found at run time where the library can tell.
 */
int luaopen_jig_version(lua_State *L)
{
    char lua[32];
    snprintf(lua, sizeof lua, "%s.%s", LUA_VERSION_MAJOR "." LUA_VERSION_MINOR,
             LUA_VERSION_RELEASE);
    lua_newtable(L);
    add(L, "jig", JIG_VERSION);
    add(L, "lua", lua);
    add(L, "libuv", uv_version_string());
    add(L, "libserialport", sp_get_package_version_string());
    add(L, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
    add(L, "sqlite", jig_store_version());
    add(L, "libc", gnu_get_libc_version());
    return 1;
}
