/* jig.sign: Ed25519 signatures and keys (core/sign.h). Nothing here yields. */
#include "bindings/jig.h"

#include <string.h>

#include "core/sign.h"

/*
 * sign.make(private_path, public_path) -> true | nil, message, code. Makes a pair of keys: two PEM
 * files that were not there; the private one is for this user alone (mode 0600).
 */
static int make(lua_State *L)
{
    struct jig_error err;
    if (jig_key_generate(luaL_checkstring(L, 1), luaL_checkstring(L, 2), &err) < 0)
        return jigL_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/*
 * sign.sign(path, bytes) -> signature (64 raw bytes), public key (32 raw bytes) | nil, message,
 * code. `path` is the PEM file of the private key, which must be this user's alone.
 */
static int sign(lua_State *L)
{
    struct jig_key key;
    struct jig_error err;
    size_t n;
    uint8_t signature[JIG_SIGNATURE_SIZE];
    const char *bytes = luaL_checklstring(L, 2, &n);
    if (jig_key_private(&key, luaL_checkstring(L, 1), &err) < 0)
        return jigL_fail(L, &err);
    int rc = jig_key_sign(&key, bytes, n, signature, &err);
    uint8_t public[sizeof key.public];
    memcpy(public, key.public, sizeof public);
    jig_key_release(&key); /* before anything that may raise: it is private */
    if (rc < 0)
        return jigL_fail(L, &err);
    lua_pushlstring(L, (const char *)signature, sizeof signature);
    lua_pushlstring(L, (const char *)public, sizeof public);
    return 2;
}

/*
 * sign.verify(pem, bytes, signature [, name]) -> whether it is right | nil, message, code: `pem`,
 * the text of a file that `name` names, holds no Ed25519 key.
 */
static int verify(lua_State *L)
{
    struct jig_key key;
    struct jig_error err;
    size_t pem_size, n, size;
    const char *pem = luaL_checklstring(L, 1, &pem_size), *bytes = luaL_checklstring(L, 2, &n);
    const char *signature = luaL_checklstring(L, 3, &size);
    if (jig_key_parse(&key, pem, pem_size, luaL_optstring(L, 4, "the key"), &err) < 0)
        return jigL_fail(L, &err);
    lua_pushboolean(L, size == JIG_SIGNATURE_SIZE &&
                           jig_key_verify(&key, bytes, n, (const uint8_t *)signature));
    jig_key_release(&key);
    return 1;
}

int luaopen_jig_sign(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"make", make}, {"sign", sign}, {"verify", verify}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
