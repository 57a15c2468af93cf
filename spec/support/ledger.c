/* spec.ledger: stores, ledgers, facts and signatures for specs. For tests only. World's failures
 * come back as nil, message, code.
 *
 * The module has a SQLite of its own beside jig's: one file must not be open in both at once.
 */
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "core/facts.h"
#include "core/ledger.h"
#include "core/schema.h"
#include "core/sign.h"
#include "core/store.h"

#define STORE  "spec.ledger.store"
#define LEDGER "spec.ledger.ledger"

int luaopen_spec_ledger(lua_State *L);

struct handle {
    struct jig_store *store;
    struct jig_ledger *ledger; /* NULL for a plain store */
};

static int fail(lua_State *L, const struct jig_error *err)
{
    luaL_pushfail(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, jig_err_name(err->code));
    return 3;
}

static int done(lua_State *L, int rc, const struct jig_error *err)
{
    if (rc < 0) {
        if (err->code != (enum jig_err)rc)
            return luaL_error(L, "the error is not the one that was returned");
        return fail(L, err);
    }
    lua_pushboolean(L, 1);
    return 1;
}

static struct handle *check_handle(lua_State *L)
{
    struct handle *h = luaL_testudata(L, 1, LEDGER);
    h = h ? h : luaL_checkudata(L, 1, STORE);
    luaL_argcheck(L, h->store, 1, "it is closed");
    return h;
}

static struct jig_ledger *check_ledger(lua_State *L)
{
    luaL_checkudata(L, 1, LEDGER);
    return check_handle(L)->ledger;
}

static enum jig_store_mode check_mode(lua_State *L, int arg)
{
    static const char *const modes[] = {"write", "read", "memory", "shared", "joined", NULL};
    return (enum jig_store_mode)luaL_checkoption(L, arg, "write", modes);
}

static struct handle *push_handle(lua_State *L, const char *class)
{
    struct handle *h = lua_newuserdatauv(L, sizeof *h, 0);
    *h = (struct handle){0};
    luaL_setmetatable(L, class);
    return h;
}

/* store(path, "write" | "read" | "memory" | "shared" | "joined", patience = 0) */
static int store(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    enum jig_store_mode mode = check_mode(L, 2);
    double patience = luaL_optnumber(L, 3, 0);
    struct handle *h = push_handle(L, STORE);
    struct jig_error err;
    h->store = jig_store_open(path, mode, patience, &err);
    return h->store ? 1 : fail(L, &err);
}

/* ledger(path, mode, patience = 0) */
static int ledger(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    enum jig_store_mode mode = check_mode(L, 2);
    double patience = luaL_optnumber(L, 3, 0);
    struct handle *h = push_handle(L, LEDGER);
    struct jig_error err;
    h->ledger = jig_ledger_open(path, mode, patience, &err);
    if (!h->ledger)
        return fail(L, &err);
    h->store = jig_ledger_store(h->ledger);
    return 1;
}

/* Closed twice is closed. */
static int close_handle(lua_State *L)
{
    struct handle *h = luaL_testudata(L, 1, LEDGER);
    h = h ? h : luaL_checkudata(L, 1, STORE);
    if (h->ledger)
        jig_ledger_close(h->ledger);
    else
        jig_store_close(h->store);
    *h = (struct handle){0};
    return 0;
}

/* s:exec(sql) -> true */
static int store_exec(lua_State *L)
{
    struct jig_error err;
    int rc = jig_store_exec(check_handle(L)->store, luaL_checkstring(L, 2), &err);
    return done(L, rc, &err);
}

/* s:begin() -> true */
static int store_begin(lua_State *L)
{
    struct jig_error err;
    int rc = jig_store_begin(check_handle(L)->store, &err);
    return done(L, rc, &err);
}

/* s:finish(keep) -> true */
static int store_finish(lua_State *L)
{
    struct jig_error err;
    int rc = jig_store_end(check_handle(L)->store, lua_toboolean(L, 2), &err);
    return done(L, rc, &err);
}

/* s:changes() -> integer */
static int store_changes(lua_State *L)
{
    lua_pushinteger(L, jig_store_changes(check_handle(L)->store));
    return 1;
}

/* A table { bytes = "..." } is bound as bytes, a string as text. */
static void bind(lua_State *L, struct jig_query *q, int index, int arg)
{
    size_t n;
    const char *text;
    switch (lua_type(L, arg)) {
    case LUA_TTABLE:
        lua_getfield(L, arg, "bytes");
        text = lua_tolstring(L, -1, &n);
        lua_replace(L, arg); /* keeps it alive */
        jig_query_bind_bytes(q, index, text, n);
        break;
    case LUA_TSTRING:
        text = lua_tolstring(L, arg, &n);
        jig_query_bind_text(q, index, text, n);
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(L, arg))
            jig_query_bind_integer(q, index, lua_tointeger(L, arg));
        else
            jig_query_bind_real(q, index, lua_tonumber(L, arg));
        break;
    default:
        jig_query_bind_null(q, index);
    }
}

/* Sets the column in the row on top and its type in the table below it. */
static void add_column(lua_State *L, struct jig_query *q, int column)
{
    static const char *const types[] = {"null", "integer", "real", "text", "bytes"};
    enum jig_column type = jig_query_type(q, column);
    const char *name = jig_query_name(q, column);
    size_t n;
    if (type == JIG_COLUMN_INTEGER) {
        lua_pushinteger(L, jig_query_integer(q, column));
    } else if (type == JIG_COLUMN_REAL) {
        lua_pushnumber(L, jig_query_real(q, column));
    } else {
        const char *text = jig_query_text(q, column, &n);
        if (text)
            lua_pushlstring(L, text, n);
        else
            lua_pushnil(L);
    }
    lua_setfield(L, -2, name);
    lua_getfield(L, -1, "types");
    lua_pushstring(L, types[type]);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

static void push_row(lua_State *L, struct jig_query *q)
{
    lua_newtable(L);
    lua_newtable(L);
    lua_setfield(L, -2, "types");
    for (int i = 0; i < jig_query_columns(q); i++)
        add_column(L, q, i);
}

/* s:rows(sql, parameter...) -> { { NAME = value, types = { NAME = "text", ... } }, ... } */
static int store_rows(lua_State *L)
{
    struct jig_error err;
    struct jig_query *q =
        jig_query_new(check_handle(L)->store, luaL_checkstring(L, 2), false, &err);
    if (!q)
        return fail(L, &err);
    for (int i = 3; i <= lua_gettop(L); i++)
        bind(L, q, i - 2, i);
    lua_newtable(L);
    int rc;
    while ((rc = jig_query_step(q, &err)) > 0) {
        push_row(L, q);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
    jig_query_free(q);
    return rc < 0 ? fail(L, &err) : 1;
}

/* s:again(sql, value...): runs one lasting query once for each value -> true */
static int store_again(lua_State *L)
{
    struct jig_error err;
    struct jig_query *q = jig_query_new(check_handle(L)->store, luaL_checkstring(L, 2), true, &err);
    int rc = q ? jig_query_parameters(q) - 1 : (int)err.code;
    for (int i = 3; rc == 0 && i <= lua_gettop(L); i++) {
        bind(L, q, 1, i);
        rc = jig_query_run(q, &err);
    }
    jig_query_free(q);
    return done(L, rc, &err);
}

/* ---- ledgers ---- */

static void check_event(lua_State *L, int at, struct jig_event *event)
{
    lua_getfield(L, at, "kind");
    lua_getfield(L, at, "session");
    lua_getfield(L, at, "attempt");
    lua_getfield(L, at, "time");
    lua_getfield(L, at, "facts");
    *event = (struct jig_event){
        .kind = jig_event_of(luaL_checkstring(L, -5)),
        .session = luaL_optstring(L, -4, ""),
        .attempt = (int)luaL_optinteger(L, -3, 1),
        .time = luaL_optinteger(L, -2, 0),
        .facts = luaL_optstring(L, -1, "{}"),
    };
    lua_pop(L, 5); /* the table at `at` keeps the strings alive */
}

/* l:append({ kind =, session =, attempt =, time =, facts = }, ...)
 *     -> { true or { text, code }, ... } */
static int ledger_append(lua_State *L)
{
    struct jig_ledger *l = check_ledger(L);
    int n = lua_gettop(L) - 1;
    struct jig_event *events = lua_newuserdatauv(L, (size_t)n * sizeof *events, 0);
    struct jig_error *results = lua_newuserdatauv(L, (size_t)n * sizeof *results, 0), err;
    for (int i = 0; i < n; i++)
        check_event(L, i + 2, &events[i]);
    if (jig_ledger_append(l, events, (size_t)n, results, &err) < 0)
        return fail(L, &err);
    lua_newtable(L);
    for (int i = 0; i < n; i++) {
        if (results[i].code == JIG_OK) {
            lua_pushboolean(L, 1);
        } else {
            lua_createtable(L, 2, 0);
            lua_pushstring(L, results[i].text);
            lua_rawseti(L, -2, 1);
            lua_pushstring(L, jig_err_name(results[i].code));
            lua_rawseti(L, -2, 2);
        }
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* s:migrate(step, ...) -> true */
static int store_migrate(lua_State *L)
{
    const char *steps[8];
    struct jig_error err;
    int n = lua_gettop(L) - 1;
    luaL_argcheck(L, n <= 8, n, "too many steps");
    for (int i = 0; i < n; i++)
        steps[i] = luaL_checkstring(L, i + 2);
    return done(L, jig_schema_migrate(check_handle(L)->store, steps, n, &err), &err);
}

/* l:verify(key?) -> the report as a table */
static int ledger_verify(lua_State *L)
{
    struct jig_ledger_report report;
    struct jig_error err;
    int rc = jig_ledger_verify(check_ledger(L), luaL_optstring(L, 2, NULL), &report, &err);
    if (rc < 0)
        return fail(L, &err);
    lua_newtable(L);
    lua_pushinteger(L, report.events);
    lua_setfield(L, -2, "events");
    lua_pushinteger(L, report.first);
    lua_setfield(L, -2, "first");
    lua_pushinteger(L, report.last);
    lua_setfield(L, -2, "last");
    lua_pushinteger(L, report.pruned);
    lua_setfield(L, -2, "pruned");
    lua_pushinteger(L, report.signed_through);
    lua_setfield(L, -2, "signed_through");
    lua_pushstring(L, report.hash);
    lua_setfield(L, -2, "hash");
    lua_pushboolean(L, report.sound);
    lua_setfield(L, -2, "sound");
    lua_pushstring(L, report.text);
    lua_setfield(L, -2, "text");
    return 1;
}

/* l:sign(key, copy?) -> true */
static int ledger_sign(lua_State *L)
{
    struct jig_error err;
    int rc =
        jig_ledger_sign(check_ledger(L), luaL_checkstring(L, 2), luaL_optstring(L, 3, NULL), &err);
    return done(L, rc, &err);
}

/* l:prunable(time) -> how many events, the last one's id */
static int ledger_prunable(lua_State *L)
{
    int64_t events, through;
    struct jig_error err;
    int rc = jig_ledger_prunable(check_ledger(L), luaL_checkinteger(L, 2), &events, &through, &err);
    if (rc < 0)
        return done(L, rc, &err);
    lua_pushinteger(L, events);
    lua_pushinteger(L, through);
    return 2;
}

/* l:prune(time) -> how many events */
static int ledger_prune(lua_State *L)
{
    struct jig_error err;
    int64_t removed;
    int rc = jig_ledger_prune(check_ledger(L), luaL_checkinteger(L, 2), &removed, &err);
    if (rc < 0)
        return fail(L, &err);
    lua_pushinteger(L, removed);
    return 1;
}

/* ---- keys ---- */

/* sign(key, message) -> signature, public key: bytes */
static int sign(lua_State *L)
{
    struct jig_key key;
    struct jig_error err;
    size_t n;
    uint8_t signature[JIG_SIGNATURE_SIZE];
    const char *path = luaL_checkstring(L, 1), *message = luaL_checklstring(L, 2, &n);
    int rc = jig_key_private(&key, path, &err);
    if (rc == 0)
        rc = jig_key_sign(&key, message, n, signature, &err);
    lua_pushlstring(L, (const char *)signature, sizeof signature);
    lua_pushlstring(L, (const char *)key.public, sizeof key.public);
    jig_key_release(&key);
    jig_key_release(&key);
    return rc < 0 ? fail(L, &err) : 2;
}

/* check(key, message, signature) -> boolean: by the key's file, or by its 32 bytes */
static int check(lua_State *L)
{
    struct jig_key key;
    struct jig_error err;
    size_t key_n, n, signature_n;
    const char *of = luaL_checklstring(L, 1, &key_n), *message = luaL_checklstring(L, 2, &n),
               *signature = luaL_checklstring(L, 3, &signature_n);
    luaL_argcheck(L, signature_n == JIG_SIGNATURE_SIZE, 3, "64 bytes");
    int rc = key_n == JIG_PUBLIC_KEY_SIZE ? jig_key_of(&key, (const uint8_t *)of, &err)
                                          : jig_key_public(&key, of, &err);
    if (rc < 0)
        return fail(L, &err);
    lua_pushboolean(L, jig_key_verify(&key, message, n, (const uint8_t *)signature));
    jig_key_release(&key);
    return 1;
}

/* ---- facts ---- */

/* facts({ name, value }, ...): text, an integer, or { json } -> JSON; nil when it failed */
static int facts(lua_State *L)
{
    struct jig_facts f = {0};
    for (int i = 1; i <= lua_gettop(L); i++) {
        lua_rawgeti(L, i, 1);
        lua_rawgeti(L, i, 2);
        const char *name = lua_tostring(L, -2);
        if (lua_isinteger(L, -1)) {
            jig_facts_integer(&f, name, lua_tointeger(L, -1));
        } else if (lua_istable(L, -1)) {
            lua_rawgeti(L, -1, 1);
            jig_facts_json(&f, name, lua_tostring(L, -1));
            lua_pop(L, 1);
        } else {
            jig_facts_text_member(&f, name, lua_tostring(L, -1));
        }
        lua_pop(L, 2);
    }
    char *text = jig_facts_take(&f);
    if (f.failed || f.text.bytes)
        return luaL_error(L, "what was taken is not empty");
    lua_pushstring(L, text);
    free(text);
    return 1;
}

static const luaL_Reg store_methods[] = {
    {"close", close_handle},       {"exec", store_exec},
    {"begin", store_begin},        {"finish", store_finish},
    {"changes", store_changes},    {"rows", store_rows},
    {"again", store_again},        {"migrate", store_migrate},
    {"append", ledger_append},     {"verify", ledger_verify},
    {"sign", ledger_sign},         {"prune", ledger_prune},
    {"prunable", ledger_prunable}, {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"store", store}, {"ledger", ledger}, {"facts", facts},
    {"sign", sign},   {"check", check},   {NULL, NULL},
};

static void make_class(lua_State *L, const char *name)
{
    luaL_newmetatable(L, name);
    luaL_newlib(L, store_methods);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, close_handle);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, close_handle);
    lua_setfield(L, -2, "__close");
    lua_pop(L, 1);
}

int luaopen_spec_ledger(lua_State *L)
{
    make_class(L, STORE);
    make_class(L, LEDGER);
    luaL_newlib(L, functions);
    lua_newtable(L);
    for (int kind = 0; kind < JIG_EVENT_KINDS; kind++) {
        lua_pushstring(L, jig_event_name((enum jig_event_kind)kind));
        lua_rawseti(L, -2, kind + 1);
    }
    lua_setfield(L, -2, "kinds");
    lua_pushstring(L, jig_store_version());
    lua_setfield(L, -2, "version");
    return 1;
}
