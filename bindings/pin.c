/* jig.pin: the PIN of the token, for the whole process (core/secret.h). No script sees it: it is
 * read here, kept by the engine, for which the process leaves no core any more, and handed to the
 * CLI by services that say how (session.service). Nothing here yields. */
#include "bindings/jig.h"

#include <string.h>

#include "core/dumps.h"
#include "core/secret.h"

static int keep(lua_State *L, struct jig_secret *secret, const struct jig_error *err)
{
    struct jig_engine *engine = jigL_engine(L);
    if (!secret)
        return jigL_fail(L, err);
    jig_dumps_off();
    jig_secret_drop(engine->pin);
    engine->pin = secret;
    lua_pushboolean(L, 1);
    return 1;
}

/*
 * pin.read(path [, shared]) -> true: it is kept | nil, message, code. The file holds one line; its
 * owner alone may read it, and his group where it is `shared`. `path` is absolute.
 */
static int read_pin(lua_State *L)
{
    struct jig_error err;
    size_t n;
    const char *path = luaL_checklstring(L, 1, &n);
    luaL_argcheck(L, strlen(path) == n, 1, "no path");
    return keep(L, jig_secret_read(path, lua_toboolean(L, 2), &err), &err);
}

/*
 * pin.ask(prompt) -> true: it is kept | nil, message, code. Asks at the terminal, without showing
 * what is typed, and holds up the process meanwhile.
 */
static int ask(lua_State *L)
{
    struct jig_error err;
    return keep(L, jig_secret_ask(luaL_checkstring(L, 1), &err), &err);
}

/* pin.forget(): clears it, unless a service holds it. */
static int forget(lua_State *L)
{
    struct jig_engine *engine = jigL_engine(L);
    jig_secret_drop(engine->pin);
    engine->pin = NULL;
    return 0;
}

int luaopen_jig_pin(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"read", read_pin}, {"ask", ask}, {"forget", forget}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
