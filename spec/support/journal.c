/* spec.journal: owners, emergency files and the journal on a loop of its own, for specs. For tests
 * only. World's failures come back as nil, message, code.
 *
 * The module has core/ and a SQLite of its own beside jig's: one file must not be open in both at
 * once. What SQLite does with files can be recorded and made to fail: see faultvfs.c.
 *
 *     local j = journal.open { path = folder.path .. "/journal" }
 *     local n = j:append { kind = "started", facts = "{}" }
 *     while not j:outcome(n) do j:step() end
 *     j:close()
 */
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/emergency.h"
#include "core/folder.h"
#include "core/journal.h"
#include "core/owner.h"
#include "spec/support/faultvfs.h"

#define OWNER     "spec.journal.owner"
#define EMERGENCY "spec.journal.emergency"
#define JOURNAL   "spec.journal.journal"

static int fail(lua_State *L, const struct jig_error *err)
{
    luaL_pushfail(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, jig_err_name(err->code));
    return 3;
}

static int done(lua_State *L, int rc, const struct jig_error *err)
{
    if (rc < 0)
        return fail(L, err);
    lua_pushboolean(L, 1);
    return 1;
}

static const char *text_field(lua_State *L, int table, const char *key, const char *fallback)
{
    lua_getfield(L, table, key);
    return luaL_optstring(L, -1, fallback); /* stays on the stack */
}

static bool flag(lua_State *L, int table, const char *key)
{
    lua_getfield(L, table, key);
    bool value = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

static enum jig_event_kind check_kind(lua_State *L, const char *name)
{
    enum jig_event_kind kind = jig_event_of(name);
    if (kind == JIG_EVENT_KINDS)
        luaL_error(L, "no event is called '%s'", name);
    return kind;
}

/* ---- folders and owners ---- */

/* folder(path) -> true */
static int folder(lua_State *L)
{
    struct jig_error err;
    return done(L, jig_folder_make(luaL_checkstring(L, 1), &err), &err);
}

/* owner(folder, id = a new one) -> owner */
static int owner(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1), *id = luaL_optstring(L, 2, NULL);
    struct jig_owner *o = lua_newuserdatauv(L, sizeof *o, 0);
    struct jig_error err;
    *o = (struct jig_owner){.fd = -1};
    luaL_setmetatable(L, OWNER);
    int rc = id ? jig_owner_take(o, path, id, &err) : jig_owner_new(o, path, &err);
    return rc < 0 ? fail(L, &err) : 1;
}

/* o:about() -> id, path, fd */
static int owner_about(lua_State *L)
{
    const struct jig_owner *o = luaL_checkudata(L, 1, OWNER);
    lua_pushstring(L, o->id);
    lua_pushstring(L, o->path);
    lua_pushinteger(L, o->fd);
    return 3;
}

/* o:release(remove = false) */
static int owner_release(lua_State *L)
{
    jig_owner_release(luaL_checkudata(L, 1, OWNER), lua_toboolean(L, 2));
    return 0;
}

/* ---- emergency files ---- */

/* emergency(folder) -> e */
static int emergency(lua_State *L)
{
    struct jig_emergency *e = lua_newuserdatauv(L, sizeof *e, 0);
    struct jig_error err;
    *e = (struct jig_emergency){.fd = -1};
    luaL_setmetatable(L, EMERGENCY);
    return jig_emergency_open(e, luaL_checkstring(L, 1), &err) < 0 ? fail(L, &err) : 1;
}

/* e:about() -> path, bytes used */
static int emergency_about(lua_State *L)
{
    const struct jig_emergency *e = luaL_checkudata(L, 1, EMERGENCY);
    lua_pushstring(L, e->path);
    lua_pushinteger(L, (lua_Integer)e->used);
    return 2;
}

/* The event of the table at `arg`; what it points to stays on the stack. */
static struct jig_event check_event(lua_State *L, int arg)
{
    struct jig_event event = {
        .kind = check_kind(L, text_field(L, arg, "kind", "")),
        .session = text_field(L, arg, "session", ""),
        .facts = text_field(L, arg, "facts", "{}"),
    };
    lua_getfield(L, arg, "attempt");
    event.attempt = (int)luaL_optinteger(L, -1, 1);
    lua_getfield(L, arg, "time");
    event.time = luaL_optinteger(L, -1, 1);
    return event;
}

/* e:append { kind, session, attempt, time, facts } -> true */
static int emergency_append(lua_State *L)
{
    struct jig_emergency *e = luaL_checkudata(L, 1, EMERGENCY);
    const struct jig_event event = check_event(L, 2);
    struct jig_error err;
    return done(L, jig_emergency_append(e, &event, &err), &err);
}

/* e:break_(): from now on its disk is full */
static int emergency_break(lua_State *L)
{
    const struct jig_emergency *e = luaL_checkudata(L, 1, EMERGENCY);
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);
    lua_pushboolean(L, full >= 0 && dup2(full, e->fd) >= 0);
    if (full >= 0)
        close(full);
    return 1;
}

static int emergency_close(lua_State *L)
{
    jig_emergency_close(luaL_checkudata(L, 1, EMERGENCY));
    return 0;
}

/* fold(folder, path of a ledger) -> events folded; or nil, message, code, events folded */
static int fold(lua_State *L)
{
    struct jig_error err;
    struct jig_ledger *ledger = jig_ledger_open(luaL_checkstring(L, 2), JIG_STORE_WRITE, 1, &err);
    if (!ledger)
        return fail(L, &err);
    size_t folded = 0;
    int rc = jig_emergency_fold(luaL_checkstring(L, 1), ledger, &folded, &err);
    jig_ledger_close(ledger);
    int results = rc < 0 ? fail(L, &err) : 0;
    lua_pushinteger(L, (lua_Integer)folded);
    return results + 1;
}

/* ---- the journal ---- */

struct driver {
    struct jig_loop *loop; /* NULL = closed */
    struct jig_journal *journal;
    struct jig_log log;
    lua_State *L;       /* who steps */
    int outcomes, says; /* tables in the registry: number -> outcome; lines of the log */
    lua_Integer count;  /* entries so far */
};

struct test_entry {
    struct jig_entry entry; /* first: the journal frees it when nobody waits */
    struct driver *driver;
    lua_Integer number;
    int fn; /* called with the number when it is back */
};

static struct driver *check_driver(lua_State *L)
{
    struct driver *d = luaL_checkudata(L, 1, JOURNAL);
    luaL_argcheck(L, d->journal, 1, "it is closed");
    d->L = L;
    return d;
}

static void log_line(void *data, enum jig_log_level level, const char *line)
{
    const struct driver *d = data;
    (void)level;
    lua_rawgeti(d->L, LUA_REGISTRYINDEX, d->says);
    lua_pushstring(d->L, line);
    lua_rawseti(d->L, -2, (lua_Integer)lua_rawlen(d->L, -2) + 1);
    lua_pop(d->L, 1);
}

static int new_table(lua_State *L)
{
    lua_newtable(L);
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

/* open { path, emergency, key, here, simulated } -> j */
static int open_journal(lua_State *L)
{
    lua_settop(L, 1);
    struct driver *d = lua_newuserdatauv(L, sizeof *d, 0);
    struct jig_error err;
    *d = (struct driver){.L = L, .outcomes = new_table(L), .says = new_table(L)};
    d->loop = jig_loop_new(&err);
    if (!d->loop)
        return fail(L, &err);
    if (flag(L, 1, "simulated"))
        *jig_loop_clock(d->loop) = (struct jig_clock){.simulated = true, .at = 1};
    d->log = (struct jig_log){.level = JIG_LOG_INFO, .loop = d->loop, .sink = log_line, .data = d};
    const struct jig_journal_options options = {
        .path = text_field(L, 1, "path", NULL),
        .emergency = text_field(L, 1, "emergency", NULL),
        .key = text_field(L, 1, "key", NULL),
        .here = flag(L, 1, "here"),
        .log = &d->log,
    };
    d->journal = jig_journal_open(d->loop, &options, &err);
    if (!d->journal) {
        jig_loop_free(d->loop);
        return fail(L, &err);
    }
    lua_pushvalue(L, 2);
    luaL_setmetatable(L, JOURNAL);
    lua_pushvalue(L, -1);
    luaL_ref(L, LUA_REGISTRYINDEX);
    return 1;
}

static void set_outcome(const struct test_entry *t)
{
    static const char *const kept[] = {"nowhere", "journal", "emergency"};
    lua_State *L = t->driver->L;
    lua_rawgeti(L, LUA_REGISTRYINDEX, t->driver->outcomes);
    lua_createtable(L, 0, 3);
    lua_pushstring(L, kept[t->entry.kept]);
    lua_setfield(L, -2, "kept");
    lua_pushstring(L, jig_err_name(t->entry.err.code));
    lua_setfield(L, -2, "code");
    if (t->entry.err.code != JIG_OK || t->entry.kept == JIG_KEPT_EMERGENCY) {
        lua_pushstring(L, t->entry.err.text);
        lua_setfield(L, -2, "text");
    }
    lua_rawseti(L, -2, t->number);
    lua_pop(L, 1);
}

static void entry_done(struct jig_entry *entry)
{
    struct test_entry *t = (struct test_entry *)entry;
    lua_State *L = t->driver->L;
    luaL_checkstack(L, 16, "an outcome");
    set_outcome(t);
    if (t->fn != LUA_NOREF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, t->fn);
        luaL_unref(L, LUA_REGISTRYINDEX, t->fn);
        lua_pushinteger(L, t->number);
        lua_call(L, 1, 0);
    }
    free(t);
}

static struct test_entry *new_entry(struct driver *d)
{
    struct test_entry *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->driver = d;
    t->number = ++d->count;
    t->fn = LUA_NOREF;
    t->entry.done = entry_done;
    return t;
}

/* Keeps the entry at outcomes[-number], so that it can be forgotten. */
static int append_entry(lua_State *L, struct driver *d, struct test_entry *t)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, d->outcomes);
    lua_pushlightuserdata(L, t);
    lua_rawseti(L, -2, -t->number);
    lua_Integer number = t->number;
    jig_journal_append(d->journal, &t->entry);
    lua_pushinteger(L, number);
    return 1;
}

/* j:append { kind, session, attempt, facts, relaxed, silent, done } -> number. `facts` false: there
 * are none; `silent`: nobody waits */
static int journal_append(lua_State *L)
{
    struct driver *d = check_driver(L);
    const struct jig_event event = {.kind = check_kind(L, text_field(L, 2, "kind", "")),
                                    .session = text_field(L, 2, "session", "")};
    lua_getfield(L, 2, "facts");
    const char *facts = lua_isboolean(L, -1) ? NULL : luaL_optstring(L, -1, "{}");
    lua_getfield(L, 2, "attempt");
    int attempt = (int)luaL_optinteger(L, -1, 1);
    struct test_entry *t = new_entry(d);
    t->entry.kind = event.kind;
    strncpy(t->entry.session, event.session, sizeof t->entry.session - 1);
    t->entry.attempt = attempt;
    t->entry.facts = facts ? strdup(facts) : NULL;
    t->entry.relaxed = flag(L, 2, "relaxed");
    if (flag(L, 2, "silent"))
        t->entry.done = NULL;
    if (lua_getfield(L, 2, "done") != LUA_TNIL)
        t->fn = luaL_ref(L, LUA_REGISTRYINDEX);
    return append_entry(L, d, t);
}

/* j:fold() -> number */
static int journal_fold(lua_State *L)
{
    struct driver *d = check_driver(L);
    struct test_entry *t = new_entry(d);
    jig_journal_fold(d->journal, &t->entry);
    lua_pushinteger(L, d->count);
    return 1;
}

/* j:forget(number) */
static int journal_forget(lua_State *L)
{
    struct driver *d = check_driver(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, d->outcomes);
    lua_rawgeti(L, -1, -luaL_checkinteger(L, 2));
    struct test_entry *t = lua_touserdata(L, -1);
    jig_journal_forget(d->journal, &t->entry);
    return 0;
}

/* j:outcome(number) -> { kept, code, text }, nil while it is under way. Also when it is closed. */
static int journal_outcome(lua_State *L)
{
    const struct driver *d = luaL_checkudata(L, 1, JOURNAL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, d->outcomes);
    lua_rawgeti(L, -1, luaL_checkinteger(L, 2));
    return 1;
}

/* j:says() -> the lines of the log. Also when it is closed. */
static int journal_says(lua_State *L)
{
    const struct driver *d = luaL_checkudata(L, 1, JOURNAL);
    lua_rawgeti(L, LUA_REGISTRYINDEX, d->says);
    return 1;
}

/* j:step(deadline = for ever) -> whether there was anything to wait for */
static int journal_step(lua_State *L)
{
    const struct driver *d = check_driver(L);
    lua_pushboolean(L, jig_loop_step(d->loop, luaL_optinteger(L, 2, JIG_FOREVER)));
    return 1;
}

/* j:about() -> { owner, lock, busy, commits, events, now } */
static int journal_about(lua_State *L)
{
    const struct driver *d = check_driver(L);
    int64_t commits, events;
    jig_journal_counts(d->journal, &commits, &events);
    const struct {
        const char *name;
        lua_Integer value;
    } numbers[] = {
        {"lock", jig_journal_lock(d->journal)},
        {"busy", (lua_Integer)jig_journal_busy(d->journal)},
        {"commits", commits},
        {"events", events},
        {"now", jig_loop_now(d->loop)},
    };
    lua_newtable(L);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        lua_pushinteger(L, numbers[i].value);
        lua_setfield(L, -2, numbers[i].name);
    }
    lua_pushstring(L, jig_journal_owner(d->journal));
    lua_setfield(L, -2, "owner");
    return 1;
}

/* j:close(clean = false) -> true */
static int journal_close(lua_State *L)
{
    struct driver *d = check_driver(L);
    struct jig_error err;
    int rc = jig_journal_close(d->journal, lua_toboolean(L, 2), &err);
    d->journal = NULL;
    jig_loop_free(d->loop);
    d->loop = NULL;
    return done(L, rc, &err);
}

/* ---- what is on disk ---- */

static void push_column(lua_State *L, struct jig_query *q, int column)
{
    size_t n;
    switch (jig_query_type(q, column)) {
    case JIG_COLUMN_INTEGER:
        lua_pushinteger(L, jig_query_integer(q, column));
        break;
    case JIG_COLUMN_NULL:
        lua_pushboolean(L, 0);
        break;
    default: {
        const char *text = jig_query_text(q, column, &n);
        lua_pushlstring(L, text ? text : "", n);
    }
    }
}

static void push_rows(lua_State *L, struct jig_query *q, struct jig_error *err)
{
    lua_newtable(L);
    for (lua_Integer row = 1; jig_query_step(q, err) == 1; row++) {
        lua_newtable(L);
        for (int i = 0; i < jig_query_columns(q); i++) {
            push_column(L, q, i);
            lua_rawseti(L, -2, i + 1);
        }
        lua_rawseti(L, -2, row);
    }
}

/* rows(path of a ledger, sql) -> { { column, ... }, ... }; NULL is false */
static int rows(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1), *sql = luaL_checkstring(L, 2);
    struct jig_error err = {.code = JIG_OK};
    struct jig_store *store = jig_store_open(path, JIG_STORE_WRITE, 5, &err);
    struct jig_query *q = store ? jig_query_new(store, sql, false, &err) : NULL;
    if (q)
        push_rows(L, q, &err);
    jig_query_free(q);
    jig_store_close(store);
    return err.code == JIG_OK ? 1 : fail(L, &err);
}

/* verify(path of a ledger) -> events; or nil, what is wrong */
static int verify(lua_State *L)
{
    struct jig_error err;
    struct jig_ledger_report report = {0};
    struct jig_ledger *ledger = jig_ledger_open(luaL_checkstring(L, 1), JIG_STORE_WRITE, 5, &err);
    int rc = ledger ? jig_ledger_verify(ledger, NULL, &report, &err) : (int)err.code;
    jig_ledger_close(ledger);
    if (rc < 0)
        return fail(L, &err);
    if (report.sound) {
        lua_pushinteger(L, report.events);
        return 1;
    }
    luaL_pushfail(L);
    lua_pushstring(L, report.text);
    return 2;
}

/* append(path, { event, ... }, sql = none) -> { true or a message, ... }: one commit each, by the
 * ledger itself, after the SQL was run on it. fn(number) is called after each that is durable. */
static int append_directly(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1), *sql = luaL_optstring(L, 3, "");
    struct jig_error err, result;
    struct jig_ledger *ledger = jig_ledger_open(path, JIG_STORE_WRITE, 5, &err);
    if (!ledger || jig_store_exec(jig_ledger_store(ledger), sql, &err) < 0)
        return fail(L, &err);
    for (lua_Integer i = 1; lua_rawgeti(L, 2, i) == LUA_TTABLE; i++) {
        const struct jig_event event = check_event(L, lua_gettop(L));
        int rc = jig_ledger_append(ledger, &event, 1, &result, &err);
        if (rc == JIG_OK && result.code != JIG_OK)
            rc = (int)result.code, err = result;
        if (rc < 0)
            luaL_error(L, "event %d: %s", (int)i, err.text);
        lua_settop(L, 4);
        lua_pushvalue(L, 4);
        lua_pushinteger(L, i);
        lua_call(L, 1, 0);
    }
    jig_ledger_close(ledger);
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- registration ---- */

static const luaL_Reg owner_methods[] = {
    {"about", owner_about}, {"release", owner_release}, {NULL, NULL}};
static const luaL_Reg emergency_methods[] = {{"about", emergency_about},
                                             {"append", emergency_append},
                                             {"break_", emergency_break},
                                             {"close", emergency_close},
                                             {NULL, NULL}};
static const luaL_Reg journal_methods[] = {
    {"append", journal_append},   {"fold", journal_fold},   {"forget", journal_forget},
    {"outcome", journal_outcome}, {"says", journal_says},   {"step", journal_step},
    {"about", journal_about},     {"close", journal_close}, {NULL, NULL},
};
static const luaL_Reg functions[] = {
    {"folder", folder},     {"owner", owner}, {"emergency", emergency}, {"fold", fold},
    {"open", open_journal}, {"rows", rows},   {"verify", verify},       {"append", append_directly},
    {NULL, NULL},
};

static void new_type(lua_State *L, const char *type, const luaL_Reg *methods)
{
    luaL_newmetatable(L, type);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

int luaopen_spec_journal(lua_State *L);

int luaopen_spec_journal(lua_State *L)
{
    new_type(L, OWNER, owner_methods);
    new_type(L, EMERGENCY, emergency_methods);
    new_type(L, JOURNAL, journal_methods);
    luaL_newlib(L, functions);
    faultvfs_open(L);
    lua_setfield(L, -2, "disk");
    return 1;
}
