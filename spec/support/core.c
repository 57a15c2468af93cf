/* spec.core: lets specs reach the parts of core/ that no binding shows. For tests only, a shared
 * module of its own. World's failures come back as nil, message, code, as from any binding.
 *
 * Input is copied into blocks of exactly its size, so that a sanitizer sees a read past its end,
 * which the NUL behind every Lua string would hide.
 */
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <lauxlib.h>
#include <lua.h>

#include "core/address.h"
#include "core/buf.h"
#include "core/digest.h"
#include "core/dumps.h"
#include "core/factory_cli.h"

#define BUF "spec.core.buf"

int luaopen_spec_core(lua_State *L);

static int fail(lua_State *L, const struct jig_error *err)
{
    luaL_pushfail(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, jig_err_name(err->code));
    return 3;
}

/* A copy of the string argument that ends where the string does. [-0, +1, e] */
static void *push_copy(lua_State *L, int arg, size_t *n)
{
    const char *text = luaL_checklstring(L, arg, n);
    void *copy = lua_newuserdatauv(L, *n, 0);
    if (*n)
        memcpy(copy, text, *n);
    return copy;
}

/* ---- address ---- */

static int push_address(lua_State *L, const struct jig_address *a)
{
    lua_createtable(L, 0, 4);
    lua_pushstring(L, a->scheme);
    lua_setfield(L, -2, "scheme");
    lua_pushstring(L, a->inner);
    lua_setfield(L, -2, "inner");
    lua_newtable(L);
    for (size_t i = 0; i < a->n_words; i++) {
        lua_pushstring(L, a->words[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "words");
    lua_newtable(L);
    for (size_t i = 0; i < a->n_options; i++) {
        lua_pushstring(L, a->options[i].value);
        lua_setfield(L, -2, a->options[i].key);
    }
    lua_setfield(L, -2, "options");
    return 1;
}

/* address(text) -> { scheme, inner, words = {}, options = {} } */
static int address(lua_State *L)
{
    size_t n;
    const char *text = push_copy(L, 1, &n);
    struct jig_address a;
    struct jig_error err;
    if (jig_address_parse(&a, text, n, &err) < 0)
        return fail(L, &err);
    if (a.words[a.n_words])
        return luaL_error(L, "words are not ended by NULL");
    push_address(L, &a);
    jig_address_release(&a);
    return 1;
}

static void check_address(lua_State *L, struct jig_address *a)
{
    size_t n;
    const char *text = push_copy(L, 1, &n);
    struct jig_error err;
    if (jig_address_parse(a, text, n, &err) < 0)
        luaL_error(L, "%s", err.text);
}

/* address_number(text, key, low, high) -> integer, -1 when the option is not there */
static int address_number(lua_State *L)
{
    const char *key = luaL_checkstring(L, 2);
    int64_t low = luaL_checkinteger(L, 3), high = luaL_checkinteger(L, 4), number = -1;
    struct jig_address a;
    struct jig_error err;
    check_address(L, &a);
    int rc = jig_address_number(&a, key, low, high, &number, &err);
    jig_address_release(&a);
    if (rc < 0)
        return fail(L, &err);
    lua_pushinteger(L, number);
    return 1;
}

/* address_check_options(text, known) -> true: `known` is one option's name */
static int address_check_options(lua_State *L)
{
    const char *const known[] = {luaL_checkstring(L, 2), NULL};
    struct jig_address a;
    struct jig_error err;
    check_address(L, &a);
    int rc = jig_address_check_options(&a, known, &err);
    jig_address_release(&a);
    if (rc < 0)
        return fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/* address_endpoint(text) -> host, port */
static int address_endpoint(lua_State *L)
{
    struct jig_address a;
    struct jig_endpoint endpoint;
    struct jig_error err;
    check_address(L, &a);
    int rc = jig_address_endpoint(&a, &endpoint, &err);
    jig_address_release(&a);
    if (rc < 0)
        return fail(L, &err);
    lua_pushstring(L, endpoint.host);
    lua_pushinteger(L, endpoint.port);
    return 2;
}

/* ---- factory_cli ---- */

static enum jig_factory_command check_command(lua_State *L, const char *name)
{
    int command = JIG_NEW_DEVICE;
    while (strcmp(jig_factory_command_name((enum jig_factory_command)command), name) != 0) {
        if (command++ == JIG_REPORT_ERROR)
            luaL_error(L, "no command is named '%s'", name);
    }
    return (enum jig_factory_command)command;
}

/* The string at `key` of the table at `arg`, "" when absent; left on the stack. [-0, +1, e] */
static const char *field(lua_State *L, int arg, const char *key, size_t *n)
{
    if (lua_getfield(L, arg, key) == LUA_TNIL)
        lua_pushliteral(L, "");
    return luaL_checklstring(L, -1, n);
}

enum { ARGUMENTS_MAX = 16 };

/* argv({ program, argument... }, { command =, session =, response =, code =, reason = })
 *     -> { program, ... } */
static int argv(lua_State *L)
{
    const char *arguments[ARGUMENTS_MAX + 2] = {NULL};
    for (int i = 0; i <= ARGUMENTS_MAX; i++) {
        lua_rawgeti(L, 1, i + 1);
        arguments[i] = lua_tostring(L, -1);
    }
    struct jig_factory_cli cli = {.program = arguments[0],
                                  .arguments = arguments[1] ? arguments + 1 : NULL};
    size_t n;
    struct jig_factory_call call = {.command = check_command(L, field(L, 2, "command", &n))};
    call.session = field(L, 2, "session", &call.session_len);
    call.response = field(L, 2, "response", &call.response_len);
    call.reason = field(L, 2, "reason", &call.reason_len);
    lua_getfield(L, 2, "code");
    call.code = (int32_t)lua_tointeger(L, -1);
    struct jig_factory_argv built;
    struct jig_error err;
    if (jig_factory_cli_argv(&built, &cli, &call, &err) < 0)
        return fail(L, &err);
    lua_newtable(L);
    for (int i = 0; built.words[i]; i++) {
        lua_pushstring(L, built.words[i]);
        lua_rawseti(L, -2, i + 1);
    }
    jig_factory_argv_release(&built);
    return 1;
}

/* parse(command, output) -> { scp = integer?, payload = string?, fingerprint = string? } */
static int parse(lua_State *L)
{
    enum jig_factory_command command = check_command(L, luaL_checkstring(L, 1));
    size_t n;
    const char *output = push_copy(L, 2, &n);
    struct jig_factory_answer answer;
    struct jig_error err;
    if (jig_factory_cli_parse(command, output, n, &answer, &err) < 0) {
        if (answer.has_scp || answer.payload || answer.fingerprint[0])
            return luaL_error(L, "a failed parse left something behind");
        return fail(L, &err);
    }
    lua_newtable(L);
    if (answer.has_scp) {
        lua_pushinteger(L, answer.scp);
        lua_setfield(L, -2, "scp");
    }
    if (answer.payload) {
        lua_pushlstring(L, (const char *)answer.payload, answer.payload_len);
        lua_setfield(L, -2, "payload");
    }
    if (answer.fingerprint[0]) {
        lua_pushstring(L, answer.fingerprint);
        lua_setfield(L, -2, "fingerprint");
    }
    jig_factory_answer_release(&answer);
    return 1;
}

/* ---- digest ---- */

/* digest("sha256" | "sha1", piece...) -> string */
static int digest(lua_State *L)
{
    static const char *const kinds[] = {"sha256", "sha1", NULL};
    enum jig_digest_kind kind = luaL_checkoption(L, 1, NULL, kinds) ? JIG_SHA1 : JIG_SHA256;
    int top = lua_gettop(L);
    for (int i = 2; i <= top; i++)
        luaL_checktype(L, i, LUA_TSTRING);
    struct jig_digest d;
    uint8_t sum[JIG_DIGEST_SIZE_MAX];
    jig_digest_init(&d, kind);
    for (int i = 2; i <= top; i++) {
        size_t n;
        const char *piece = lua_tolstring(L, i, &n);
        jig_digest_update(&d, piece, n);
    }
    jig_digest_finish(&d, sum);
    lua_pushlstring(L, (const char *)sum, jig_digest_size(kind));
    return 1;
}

/* digest_file("sha256" | "sha1", path) -> string; nothing but the digest may be written */
static int digest_file(lua_State *L)
{
    static const char *const kinds[] = {"sha256", "sha1", NULL};
    enum jig_digest_kind kind = luaL_checkoption(L, 1, NULL, kinds) ? JIG_SHA1 : JIG_SHA256;
    size_t n = jig_digest_size(kind);
    uint8_t *sum = lua_newuserdatauv(L, n, 0);
    struct jig_error err;
    if (jig_digest_file(kind, sum, luaL_checkstring(L, 2), &err) < 0)
        return fail(L, &err);
    lua_pushlstring(L, (const char *)sum, n);
    return 1;
}

/* ---- buf ---- */

static struct jig_buf *check_buf(lua_State *L)
{
    return luaL_checkudata(L, 1, BUF);
}

/* buf(cap = 0) -> a jig_buf */
static int buf(lua_State *L)
{
    size_t cap = (size_t)luaL_optinteger(L, 1, 0);
    struct jig_buf *b = lua_newuserdatauv(L, sizeof *b, 0);
    *b = (struct jig_buf){.cap = cap};
    luaL_setmetatable(L, BUF);
    return 1;
}

/* b:append(bytes) -> boolean */
static int buf_append(lua_State *L)
{
    size_t n;
    const void *bytes = push_copy(L, 2, &n);
    lua_pushboolean(L, jig_buf_append(check_buf(L), bytes, n) == 0);
    return 1;
}

/* b:reserve(n, bytes) -> boolean: reserves n, then adds the bytes, of which there are at most n */
static int buf_reserve(lua_State *L)
{
    struct jig_buf *b = check_buf(L);
    size_t want = (size_t)luaL_checkinteger(L, 2), n;
    const char *bytes = luaL_checklstring(L, 3, &n);
    uint8_t *at = jig_buf_reserve(b, want);
    if (at) {
        if (jig_buf_room(b) < want)
            return luaL_error(L, "less room than was reserved");
        memcpy(at, bytes, n);
        jig_buf_added(b, n);
    }
    lua_pushboolean(L, at != NULL);
    return 1;
}

/* b:consume(n) */
static int buf_consume(lua_State *L)
{
    jig_buf_consume(check_buf(L), (size_t)luaL_checkinteger(L, 2));
    return 0;
}

/* b:unread(bytes) -> boolean */
static int buf_unread(lua_State *L)
{
    size_t n;
    const void *bytes = push_copy(L, 2, &n);
    lua_pushboolean(L, jig_buf_unread(check_buf(L), bytes, n) == 0);
    return 1;
}

/* b:data() -> string */
static int buf_data(lua_State *L)
{
    struct jig_buf *b = check_buf(L);
    lua_pushlstring(L, (const char *)jig_buf_data(b), jig_buf_len(b));
    return 1;
}

/* b:outside() -> string: what its memory holds before the head and behind the tail */
static int buf_outside(lua_State *L)
{
    struct jig_buf *b = check_buf(L);
    lua_pushlstring(L, (const char *)b->bytes, b->head);
    lua_pushlstring(L, b->bytes ? (const char *)b->bytes + b->tail : "", jig_buf_room(b));
    lua_concat(L, 2);
    return 1;
}

/* b:size() -> integer: bytes of memory held */
static int buf_size(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)check_buf(L)->size);
    return 1;
}

static int buf_release(lua_State *L)
{
    jig_buf_release(check_buf(L));
    return 0;
}

static const luaL_Reg buf_methods[] = {
    {"append", buf_append}, {"reserve", buf_reserve}, {"consume", buf_consume},
    {"unread", buf_unread}, {"data", buf_data},       {"outside", buf_outside},
    {"size", buf_size},     {"release", buf_release}, {NULL, NULL},
};

/* dumps_off() */
static int dumps_off(lua_State *L)
{
    (void)L;
    jig_dumps_off();
    return 0;
}

/* dumps() -> whether this process may be dumped, and its soft and hard limit for a core; -1: none
 */
static int dumps(lua_State *L)
{
    struct rlimit limit = {0};
    getrlimit(RLIMIT_CORE, &limit);
    lua_pushboolean(L, prctl(PR_GET_DUMPABLE) == 1);
    lua_pushinteger(L, (lua_Integer)limit.rlim_cur);
    lua_pushinteger(L, (lua_Integer)limit.rlim_max);
    return 3;
}

static const luaL_Reg functions[] = {
    {"address", address},
    {"address_number", address_number},
    {"address_check_options", address_check_options},
    {"address_endpoint", address_endpoint},
    {"argv", argv},
    {"parse", parse},
    {"digest", digest},
    {"digest_file", digest_file},
    {"dumps", dumps},
    {"dumps_off", dumps_off},
    {"buf", buf},
    {NULL, NULL},
};

int luaopen_spec_core(lua_State *L)
{
    luaL_newmetatable(L, BUF);
    luaL_newlib(L, buf_methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, buf_release);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, functions);
    return 1;
}
