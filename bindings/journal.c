/* jig.journal: the process's journal (core/journal.h), for what core/session does not record
 * itself, and the locks of owners that are gone. */
#include "bindings/jig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/factory_cli.h"
#include "core/owner.h"
#include "core/session.h"

#define APPEND "jig.journal.append"
#define OWNER  "jig.journal.owner"

enum { MAX_ATTEMPT = 1000000 };

/* An append that somebody waits for. */
struct append {
    struct jig_entry *entry; /* NULL = it has come back */
    struct jig_journal *journal;
    struct jig_wait wait;
    enum jig_kept kept;
    struct jig_error err;
};

static struct jig_journal *open_journal(lua_State *L)
{
    struct jig_journal *journal = jigL_engine(L)->journal;
    if (!journal)
        luaL_error(L, "no journal is open");
    return journal;
}

static const char *path_field(lua_State *L, const char *key)
{
    int type = lua_getfield(L, 1, key);
    if (type != LUA_TNIL && type != LUA_TSTRING)
        luaL_error(L, "journal.open: '%s' must be a string", key);
    return lua_tostring(L, -1);
}

/*
 * journal.open { path =, emergency =, key =, here = } -> true | nil, message, code. Opens this
 * process's journal; from then on every session is kept in it. `path` nil: in memory. `emergency`:
 * folder of the emergency file, default PATH.d/emergency; `key`: PEM file of the Ed25519 key that
 * signs its head at a clean end; `here` = true: without a thread. What fails while the disk is
 * looked at fails journal.ready and every later event. Does not yield.
 */
static int journal_open(lua_State *L)
{
    static const char *const known[] = {"path", "emergency", "key", "here", NULL};
    struct jig_engine *engine = jigL_engine(L);
    struct jig_error err;
    jigL_check_keys(L, 1, "journal.open", known);
    lua_settop(L, 1);
    struct jig_journal_options options = {
        .path = path_field(L, "path"),
        .emergency = path_field(L, "emergency"),
        .key = path_field(L, "key"),
        .log = &engine->log,
    };
    lua_getfield(L, 1, "here");
    options.here = lua_toboolean(L, -1);
    if (engine->journal)
        return luaL_error(L, "the journal is open already: a process has one");
    engine->journal = jig_journal_open(engine->loop, &options, &err);
    if (!engine->journal)
        return jigL_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- appends that are waited for ---- */

static void append_done(struct jig_entry *entry)
{
    struct append *a = entry->data;
    a->kept = entry->kept;
    a->err = entry->err;
    a->entry = NULL;
    free(entry);
    jigL_wake(&a->wait);
}

static int append_gc(lua_State *L)
{
    struct append *a = luaL_checkudata(L, 1, APPEND);
    jigL_wait_drop(&a->wait);
    if (a->entry)
        jig_journal_forget(a->journal, a->entry);
    a->entry = NULL;
    return 0;
}

static int append_on(lua_State *L, int status, lua_KContext ctx)
{
    struct append *a = luaL_checkudata(L, (int)ctx, APPEND);
    (void)status;
    if (a->wait.outcome != JIG_OK)
        return jigL_fail_wait(L, &a->wait, "journal");
    if (a->kept == JIG_KEPT_NOWHERE && a->err.code != JIG_OK)
        return jigL_fail(L, &a->err);
    bool emergency = a->kept == JIG_KEPT_EMERGENCY;
    lua_pushstring(L, emergency ? "emergency" : "journal");
    if (emergency)
        lua_pushstring(L, a->err.text);
    return emergency ? 2 : 1;
}

static enum jig_event_kind check_kind(lua_State *L, int arg)
{
    enum jig_event_kind kind = jig_event_of(luaL_checkstring(L, arg));
    luaL_argcheck(L, kind != JIG_EVENT_KINDS, arg, "no such kind of event");
    return kind;
}

typedef void begin_fn(struct jig_journal *journal, struct jig_entry *entry);

/* Begins what the entry is for and waits; a zeroed append on the top of the stack takes it over. */
static int wait_for(lua_State *L, struct append *a, struct jig_entry *entry, begin_fn *begin)
{
    entry->done = append_done;
    entry->data = a;
    a->entry = entry;
    a->journal = jigL_engine(L)->journal;
    jigL_wait_begin(L, &a->wait, "journal", HUGE_VAL, true);
    begin(a->journal, entry);
    int index = lua_gettop(L);
    if (!jigL_block(L, &a->wait, "journal"))
        return jigL_yield(L, index, append_on);
    return append_on(L, LUA_OK, index);
}

/* A commit is short, and what it makes durable is wanted most when the unit is stopped. */
static void not_interrupted(struct jig_wait *wait, unsigned times)
{
    (void)wait;
    (void)times;
}

static struct append *push_append(lua_State *L)
{
    struct append *a = lua_newuserdatauv(L, sizeof *a, 0);
    memset(a, 0, sizeof *a);
    a->wait.interrupted = not_interrupted;
    luaL_setmetatable(L, APPEND);
    return a;
}

static struct jig_entry *new_entry(lua_State *L)
{
    struct jig_entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        luaL_error(L, "no memory for an event");
    return entry;
}

/*
 * journal.append(kind, session, attempt, facts [, relaxed]) -> "journal" | "emergency", why | nil,
 * message, code. Records an event (core/ledger.h) whose facts are a JSON object as text; session ""
 * = of none. Yields until it is durable. With `relaxed` = true it does not: the event goes with the
 * next commit.
 */
static int journal_append(lua_State *L)
{
    struct jig_journal *journal = open_journal(L);
    enum jig_event_kind kind = check_kind(L, 1);
    size_t length;
    const char *session = luaL_checklstring(L, 2, &length);
    bool relaxed = lua_toboolean(L, 5);
    lua_Integer attempt = luaL_checkinteger(L, 3);
    luaL_argcheck(L, length <= JIG_CLI_SESSION_CAP && strlen(session) == length, 2,
                  "no session id");
    luaL_argcheck(L, attempt >= 0 && attempt <= MAX_ATTEMPT, 3, "an attempt is 0 to 1000000");
    const char *facts = luaL_checklstring(L, 4, &length);
    luaL_argcheck(L, strlen(facts) == length, 4, "no JSON: it holds a NUL");
    if (!relaxed)
        jigL_check_wait(L, "journal.append");
    struct append *a = relaxed ? NULL : push_append(L);
    struct jig_entry *entry = new_entry(L);
    snprintf(entry->session, sizeof entry->session, "%s", session);
    entry->kind = kind;
    entry->attempt = (int)attempt;
    entry->facts = strdup(facts);
    entry->relaxed = relaxed;
    if (!relaxed)
        return wait_for(L, a, entry, jig_journal_append);
    jig_journal_append(journal, entry);
    lua_pushliteral(L, "journal");
    return 1;
}

/*
 * journal.ready() -> "journal" | nil, message, code. Waits until the journal is open, and what dead
 * processes left in emergency files stands in it. To be called again after journal.take, before one
 * looks at that owner's sessions. Yields.
 */
static int journal_ready(lua_State *L)
{
    open_journal(L);
    jigL_check_wait(L, "journal.ready");
    struct append *a = push_append(L);
    struct jig_entry *entry = new_entry(L);
    return wait_for(L, a, entry, jig_journal_fold);
}

/*
 * journal.owner() -> what this process is called in the journal; nil when none is open.
 */
static int journal_owner(lua_State *L)
{
    struct jig_journal *journal = jigL_engine(L)->journal;
    lua_pushstring(L, journal ? jig_journal_owner(journal) : NULL);
    return 1;
}

/*
 * journal.unended() -> how many sessions stood in the journal without an end when it was opened, of
 * whomever; 0 when none is open. After journal.ready.
 */
static int journal_unended(lua_State *L)
{
    struct jig_journal *journal = jigL_engine(L)->journal;
    lua_pushinteger(L, journal ? jig_journal_unended(journal) : 0);
    return 1;
}

/*
 * journal.counts() -> commits so far, and events in them.
 */
static int journal_counts(lua_State *L)
{
    int64_t commits, events;
    jig_journal_counts(open_journal(L), &commits, &events);
    lua_pushinteger(L, commits);
    lua_pushinteger(L, events);
    return 2;
}

/*
 * journal.close([clean]) -> true | nil, message, code. Makes all that waits durable and closes;
 * `clean` = true signs the head. The program's end does the same. Raises while a session is kept in
 * it that is not closed, or is still reported in the background. Does not yield, but waits for the
 * disk.
 */
static int journal_close(lua_State *L)
{
    struct jig_engine *engine = jigL_engine(L);
    struct jig_journal *journal = engine->journal;
    struct jig_error err;
    if (jig_session_kept(engine->loop))
        return luaL_error(L, "a session is kept in the journal: close it first");
    engine->journal = NULL;
    if (jig_journal_close(journal, lua_toboolean(L, 1), &err) < 0)
        return jigL_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- locks ---- */

/*
 * journal.take(folder, owner) -> lock | nil, message, code ("busy" while that jig process lives,
 * "lost" while it is gone and a CLI that it started is not). Takes over the lock of an owner that
 * is gone. `folder` is PATH.d. Does not yield.
 */
static int journal_take(lua_State *L)
{
    const char *folder = luaL_checkstring(L, 1), *id = luaL_checkstring(L, 2);
    struct jig_error err;
    struct jig_owner *owner = lua_newuserdatauv(L, sizeof *owner, 0);
    memset(owner, 0, sizeof *owner);
    owner->fd = -1;
    luaL_setmetatable(L, OWNER);
    if (jig_owner_take(owner, folder, id, &err) < 0)
        return jigL_fail(L, &err);
    return 1;
}

int jigL_owner_lock(lua_State *L, int arg)
{
    const struct jig_owner *owner = luaL_checkudata(L, arg, OWNER);
    luaL_argcheck(L, owner->fd >= 0, arg, "the lock was released");
    return owner->fd;
}

/*
 * lock:release([remove]). Gives it back; `remove` = true when nothing of that owner is left. Also
 * what <close> and the collector do, without removing. Twice is harmless.
 */
static int owner_release(lua_State *L)
{
    jig_owner_release(luaL_checkudata(L, 1, OWNER), lua_isboolean(L, 2) && lua_toboolean(L, 2));
    return 0;
}

static int owner_close(lua_State *L)
{
    jig_owner_release(luaL_checkudata(L, 1, OWNER), false);
    return 0;
}

int luaopen_jig_journal(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"open", journal_open},   {"append", journal_append},   {"ready", journal_ready},
        {"owner", journal_owner}, {"unended", journal_unended}, {"counts", journal_counts},
        {"close", journal_close}, {"take", journal_take},       {NULL, NULL},
    };
    static const luaL_Reg methods[] = {{"release", owner_release}, {NULL, NULL}};
    luaL_newmetatable(L, APPEND);
    lua_pushcfunction(L, append_gc);
    lua_setfield(L, -2, "__gc");
    luaL_newmetatable(L, OWNER);
    lua_pushcfunction(L, owner_close);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, owner_close);
    lua_setfield(L, -2, "__close");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
