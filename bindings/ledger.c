/* jig.ledger: a journal's file as commands read it (core/ledger.h). Nothing here yields: it waits
 * for the disk, so only commands use it, never what runs beside units. */
#include "bindings/jig.h"

#include <math.h>
#include <string.h>

#include "core/ledger.h"

#define LEDGER "jig.ledger"
#define ROWS   "jig.ledger.rows"

enum {
    OWNER = 1, /* user value of rows: their ledger, which must outlive them */
    PATIENCE = 10,
};

struct lledger {
    struct jig_ledger *ledger; /* NULL = closed */
    struct jig_query *kept; /* the last that came to its end, for when it is asked again; or NULL */
};

struct lrows {
    struct jig_query *query; /* NULL = at the end */
    struct lledger *from;
};

static struct jig_ledger *to_ledger(lua_State *L)
{
    struct lledger *l = luaL_checkudata(L, 1, LEDGER);
    if (!l->ledger)
        luaL_error(L, "attempt to use a closed ledger");
    return l->ledger;
}

/*
 * ledger.open(path [, mode]) -> ledger | nil, message, code. `mode`: "read" (default; the file must
 * exist and is not changed), "write", or "shared": that of a world's record, in memory ("not_found"
 * when there is none under this path).
 *     local l <close> = assert(ledger.open("/var/lib/jig/journal.db"))
 */
static int ledger_open(lua_State *L)
{
    static const char *const names[] = {"read", "write", "shared", NULL};
    static const enum jig_store_mode modes[] = {JIG_STORE_READ, JIG_STORE_WRITE, JIG_STORE_JOINED};
    const char *path = luaL_checkstring(L, 1);
    int mode = luaL_checkoption(L, 2, "read", names);
    struct jig_error err;
    struct lledger *l = lua_newuserdatauv(L, sizeof *l, 0);
    l->ledger = NULL;
    l->kept = NULL;
    luaL_setmetatable(L, LEDGER);
    l->ledger = jig_ledger_open(path, modes[mode], PATIENCE, &err);
    return l->ledger ? 1 : jigL_fail(L, &err);
}

/* ---- rows ---- */

static void bind(lua_State *L, struct jig_query *query, int arg, int place)
{
    size_t n;
    const char *text;
    switch (lua_type(L, arg)) {
    case LUA_TNIL:
        jig_query_bind_null(query, place);
        return;
    case LUA_TNUMBER:
        if (lua_isinteger(L, arg))
            jig_query_bind_integer(query, place, lua_tointeger(L, arg));
        else
            jig_query_bind_real(query, place, lua_tonumber(L, arg));
        return;
    case LUA_TBOOLEAN:
        jig_query_bind_integer(query, place, lua_toboolean(L, arg));
        return;
    default:
        text = luaL_checklstring(L, arg, &n);
        jig_query_bind_text(query, place, text, n);
    }
}

static void push_column(lua_State *L, struct jig_query *query, int column)
{
    size_t n;
    const char *text;
    switch (jig_query_type(query, column)) {
    case JIG_COLUMN_INTEGER:
        lua_pushinteger(L, jig_query_integer(query, column));
        return;
    case JIG_COLUMN_REAL:
        lua_pushnumber(L, jig_query_real(query, column));
        return;
    case JIG_COLUMN_NULL:
        lua_pushnil(L);
        return;
    default:
        text = jig_query_text(query, column, &n);
        lua_pushlstring(L, text ? text : "", n);
    }
}

/* Preparing a query takes longer than most queries do. */
static struct jig_query *prepare(struct lledger *l, const char *sql, struct jig_error *err)
{
    struct jig_query *query = l->kept;
    if (query && strcmp(jig_query_sql(query), sql) == 0) {
        l->kept = NULL;
        return query;
    }
    return jig_query_new(jig_ledger_store(l->ledger), sql, false, err);
}

static int rows_close(lua_State *L)
{
    struct lrows *rows = luaL_checkudata(L, 1, ROWS);
    if (rows->query && rows->from->ledger) {
        jig_query_free(rows->from->kept);
        jig_query_reset(rows->query);
        rows->from->kept = rows->query;
    } else {
        jig_query_free(rows->query); /* also after its ledger was closed */
    }
    rows->query = NULL;
    return 0;
}

/* The next row as a table by column name; nil at the end. */
static int rows_next(lua_State *L)
{
    struct lrows *rows = luaL_checkudata(L, 1, ROWS);
    struct jig_error err;
    if (!rows->query || !rows->from->ledger)
        return 0;
    int rc = jig_query_step(rows->query, &err);
    if (rc < 0)
        return luaL_error(L, "%s", err.text);
    if (rc == 0)
        return rows_close(L);
    int columns = jig_query_columns(rows->query);
    lua_createtable(L, 0, columns);
    for (int i = 0; i < columns; i++) {
        push_column(L, rows->query, i);
        lua_setfield(L, -2, jig_query_name(rows->query, i));
    }
    return 1;
}

/*
 * ledger:rows(sql, ...) -> an iterator over the rows of a query, each a table by column name (NULL
 * = absent), with the rest of the arguments for its ?1, ?2, ... For use in a generic `for`. Raises
 * for a mistake in the SQL and when the file cannot be read.
 *     for row in l:rows("SELECT id, state FROM session WHERE slot = ?1", "A") do ... end
 */
static int ledger_rows(lua_State *L)
{
    to_ledger(L);
    size_t n;
    const char *sql = luaL_checklstring(L, 2, &n);
    int given = lua_gettop(L) - 2;
    luaL_argcheck(L, strlen(sql) == n, 2, "a query holds no NUL");
    struct jig_error err;
    struct lrows *rows = lua_newuserdatauv(L, sizeof *rows, 2);
    rows->query = NULL;
    rows->from = lua_touserdata(L, 1);
    luaL_setmetatable(L, ROWS);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, OWNER);
    rows->query = prepare(rows->from, sql, &err);
    if (!rows->query)
        return luaL_error(L, "%s", err.text);
    if (jig_query_parameters(rows->query) != given)
        return luaL_error(L, "the query has %d parameters, %d were given",
                          jig_query_parameters(rows->query), given);
    lua_createtable(L, given, 0); /* what is bound must live as long as the rows */
    for (int i = 1; i <= given; i++) {
        bind(L, rows->query, i + 2, i);
        lua_pushvalue(L, i + 2);
        lua_rawseti(L, -2, i);
    }
    lua_setiuservalue(L, -2, OWNER + 1);
    lua_pushcfunction(L, rows_next);
    lua_insert(L, -2);
    lua_pushnil(L);
    lua_pushvalue(L, -2); /* the generic for closes it, also after break */
    return 4;
}

/* ---- what the ledger does ---- */

/*
 * ledger:verify([key]) -> { sound, text, events, first, last, pruned, signed_through, hash } | nil,
 * message, code. `key`: PEM file of the Ed25519 key that signed its heads. May take minutes.
 */
static int ledger_verify(lua_State *L)
{
    struct jig_ledger *ledger = to_ledger(L);
    struct jig_ledger_report report;
    struct jig_error err;
    if (jig_ledger_verify(ledger, luaL_optstring(L, 2, NULL), &report, &err) < 0)
        return jigL_fail(L, &err);
    lua_createtable(L, 0, 8);
    lua_pushboolean(L, report.sound);
    lua_setfield(L, -2, "sound");
    lua_pushstring(L, report.text);
    lua_setfield(L, -2, "text");
    lua_pushstring(L, report.hash);
    lua_setfield(L, -2, "hash");
    const struct {
        const char *name;
        int64_t value;
    } numbers[] = {{"events", report.events},
                   {"first", report.first},
                   {"last", report.last},
                   {"pruned", report.pruned},
                   {"signed_through", report.signed_through}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        lua_pushinteger(L, numbers[i].value);
        lua_setfield(L, -2, numbers[i].name);
    }
    return 1;
}

/*
 * ledger:sign(key [, copy]) -> true | nil, message, code. Signs the last event with the private key
 * in the PEM file, and writes the signed head to the file `copy` too.
 */
static int ledger_sign(lua_State *L)
{
    struct jig_ledger *ledger = to_ledger(L);
    struct jig_error err;
    if (jig_ledger_sign(ledger, luaL_checkstring(L, 2), luaL_optstring(L, 3, NULL), &err) < 0)
        return jigL_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/*
 * ledger:prune(time) -> how many events were removed | nil, message, code. `time` in microseconds
 * of UTC; see core/ledger.h for what goes and what stays.
 */
static int ledger_prune(lua_State *L)
{
    struct jig_ledger *ledger = to_ledger(L);
    int64_t removed;
    struct jig_error err;
    if (jig_ledger_prune(ledger, luaL_checkinteger(L, 2), &removed, &err) < 0)
        return jigL_fail(L, &err);
    lua_pushinteger(L, removed);
    return 1;
}

/*
 * ledger:prunable(time) -> how many events prune would remove, the last one's id | nil, message,
 * code. Changes nothing.
 */
static int ledger_prunable(lua_State *L)
{
    struct jig_ledger *ledger = to_ledger(L);
    int64_t events, through;
    struct jig_error err;
    if (jig_ledger_prunable(ledger, luaL_checkinteger(L, 2), &events, &through, &err) < 0)
        return jigL_fail(L, &err);
    lua_pushinteger(L, events);
    lua_pushinteger(L, through);
    return 2;
}

/*
 * ledger:close(). Twice is harmless.
 */
static int ledger_close(lua_State *L)
{
    struct lledger *l = luaL_checkudata(L, 1, LEDGER);
    jig_query_free(l->kept);
    l->kept = NULL;
    jig_ledger_close(l->ledger);
    l->ledger = NULL;
    return 0;
}

static void new_type(lua_State *L, const char *name, lua_CFunction close)
{
    luaL_newmetatable(L, name);
    lua_pushcfunction(L, close);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, close);
    lua_setfield(L, -2, "__close");
}

int luaopen_jig_ledger(lua_State *L)
{
    static const luaL_Reg functions[] = {{"open", ledger_open}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"rows", ledger_rows},
        {"verify", ledger_verify},
        {"sign", ledger_sign},
        {"prune", ledger_prune},
        {"prunable", ledger_prunable},
        {"close", ledger_close},
        {NULL, NULL},
    };
    new_type(L, ROWS, rows_close);
    new_type(L, LEDGER, ledger_close);
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
