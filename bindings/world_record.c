/* world.record: a journal that is opened once and lent to one world after another (world.h), since
 * opening SQLite takes longer than a whole world.
 */
#include "bindings/world.h"

#include <stdlib.h>
#include <string.h>

#define RECORD "jig.world.record"

struct jig_record {
    struct jig_scribe *scribe; /* NULL = closed */
    size_t lent;               /* to worlds that are not closed, */
    size_t writers;            /* and to those of them that are not dead */
};

static struct jig_record *to_record(lua_State *L, int index)
{
    struct jig_record *record = luaL_checkudata(L, index, RECORD);
    if (!record->scribe)
        luaL_error(L, "attempt to use a closed record");
    return record;
}

struct jig_record *jigL_record_lend(lua_State *L, int index)
{
    struct jig_record *record = to_record(L, index);
    record->lent++;
    record->writers++;
    return record;
}

void jigL_record_leave(struct jig_record *record)
{
    if (record)
        record->writers--;
}

void jigL_record_return(struct jig_record *record)
{
    if (record)
        record->lent--;
}

struct jig_scribe *jigL_record_scribe(const struct jig_record *record)
{
    return record->scribe;
}

/*
 * world.record(path [, shared]) -> record | nil, message, code. Opens a journal (jig.journal) for
 * worlds, with its owner and its emergency file. `shared`: what it records is in memory, and read
 * by ledger.open(path, "shared"); the path must begin with '/'. Does not yield, but waits for the
 * disk.
 */
static int record_new(lua_State *L)
{
    const struct jig_journal_options options = {.path = luaL_checkstring(L, 1),
                                                .shared = lua_toboolean(L, 2)};
    struct jig_error err;
    struct jig_record *record = lua_newuserdatauv(L, sizeof *record, 0);
    *record = (struct jig_record){0};
    luaL_setmetatable(L, RECORD);
    record->scribe = jig_scribe_new(&options, &err);
    if (!record->scribe)
        return jigL_fail(L, &err);
    jig_scribe_open(record->scribe);
    if (record->scribe->closed.code != JIG_OK) {
        err = record->scribe->closed;
        jig_scribe_close(record->scribe, false, NULL);
        record->scribe = NULL;
        return jigL_fail(L, &err);
    }
    while (jig_scribe_warm(record->scribe))
        continue;
    return 1;
}

/*
 * record:owner() -> what the process that writes it is called.
 */
static int record_owner(lua_State *L)
{
    lua_pushstring(L, to_record(L, 1)->scribe->owner.id);
    return 1;
}

/*
 * record:succeed() -> true | nil, message, code. As if the process had been killed and another had
 * been started on the same journal: its locks are free, a new owner takes its place, emergency
 * files are folded in. Raises while a world that is not dead writes it. Does not yield.
 */
static int record_succeed(lua_State *L)
{
    struct jig_error err;
    const struct jig_record *record = to_record(L, 1);
    if (record->writers)
        return luaL_error(L, "a world still writes this record");
    if (jig_scribe_succeed(record->scribe, &err) < 0)
        return jigL_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

static int record_gc(lua_State *L)
{
    struct jig_record *record = luaL_checkudata(L, 1, RECORD);
    if (record->scribe) {
        jig_scribe_settle(record->scribe);
        jig_scribe_close(record->scribe, false, NULL);
    }
    record->scribe = NULL;
    return 0;
}

/*
 * record:close(). As the end of a process: what is not needed is removed. Raises while it is lent.
 * Twice is harmless.
 */
static int record_close(lua_State *L)
{
    const struct jig_record *record = luaL_checkudata(L, 1, RECORD);
    if (record->lent)
        return luaL_error(L, "a world writes this record: close it first");
    return record_gc(L);
}

void jigL_record_open(lua_State *L)
{
    static const luaL_Reg methods[] = {{"owner", record_owner},
                                       {"succeed", record_succeed},
                                       {"close", record_close},
                                       {NULL, NULL}};
    luaL_newmetatable(L, RECORD);
    lua_pushcfunction(L, record_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, record_close);
    lua_setfield(L, -2, "__close");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_pushcfunction(L, record_new);
}
