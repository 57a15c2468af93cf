/* jig.digest: SHA-256 and SHA-1, and the words that stand for bytes in logs. Nothing here yields.
 */
#include "bindings/jig.h"

#include "core/digest.h"

static int push_sum(lua_State *L, enum jig_digest_kind kind)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    size_t n;
    const char *bytes = lua_tolstring(L, 1, &n);
    uint8_t digest[JIG_DIGEST_SIZE_MAX];
    jig_digest_sum(kind, digest, bytes, n);
    lua_pushlstring(L, (const char *)digest, jig_digest_size(kind));
    return 1;
}

/* The SHA-256 of bytes, 32 raw bytes.
 *
 *     digest.sha256(bytes: string) -> string
 *
 *     hex.encode(digest.sha256(payload))
 */
static int sha256(lua_State *L)
{
    return push_sum(L, JIG_SHA256);
}

/* The SHA-1 of bytes, 20 raw bytes: for certificate fingerprints, not for anything new.
 *
 *     digest.sha1(bytes: string) -> string
 *
 *     hex.encode(digest.sha1(certificate)) == fingerprint
 */
static int sha1(lua_State *L)
{
    return push_sum(L, JIG_SHA1);
}

/* What may be shown of bytes that nobody may see: their number and the first 8 hex digits of their
 * SHA-256.
 *
 *     digest.brief(bytes: string) -> string
 *
 *     digest.brief("")  --> "0 bytes sha256:e3b0c442"
 */
static int brief(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TSTRING);
    size_t n;
    const char *bytes = lua_tolstring(L, 1, &n);
    char text[JIG_DIGEST_BRIEF_SIZE];
    lua_pushstring(L, jig_digest_brief(text, sizeof text, bytes, n));
    return 1;
}

static const luaL_Reg functions[] = {
    {"sha256", sha256},
    {"sha1", sha1},
    {"brief", brief},
    {NULL, NULL},
};

int luaopen_jig_digest(lua_State *L)
{
    luaL_newlib(L, functions);
    return 1;
}
