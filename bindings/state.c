/* See state.h. */
#include "bindings/state.h"

#include <lualib.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/bounded.h"

/* ---- modules ---- */

static const luaL_Reg modules[] = {
    {"jig.budget", luaopen_jig_budget},
    {"jig.clock", luaopen_jig_clock},
    {"jig.coroutine", luaopen_jig_coroutine},
    {"jig.coverage", luaopen_jig_coverage},
    {"jig.crc", luaopen_jig_crc},
    {"jig.digest", luaopen_jig_digest},
    {"jig.gate", luaopen_jig_gate},
    {"jig.hex", luaopen_jig_hex},
    {"jig.journal", luaopen_jig_journal},
    {"jig.ledger", luaopen_jig_ledger},
    {"jig.port", luaopen_jig_port},
    {"jig.proc", luaopen_jig_proc},
    {"jig.secret", luaopen_jig_secret},
    {"jig.session", luaopen_jig_session},
    {"jig.slot", luaopen_jig_slot},
    {"jig.source", luaopen_jig_source},
    {"jig.system", luaopen_jig_system},
    {"jig.task", luaopen_jig_task},
    {"jig.version", luaopen_jig_version},
    {"cjson.safe", luaopen_cjson_safe},
    {NULL, NULL},
};

static int compare_name(const void *name, const void *script)
{
    return strcmp(name, ((const struct jig_script *)script)->name);
}

static const struct jig_script *find_script(const char *name)
{
    return bsearch(name, jig_scripts, jig_script_count, sizeof *jig_scripts, compare_name);
}

/* The searcher for scripts in the binary. */
static int search_embedded(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    const struct jig_script *script = find_script(name);
    if (!script) {
        lua_pushfstring(L, "no script '%s' in the program", name);
        return 1;
    }
    if (luaL_loadbufferx(L, (const char *)script->bytes, script->length, name, "b") != LUA_OK)
        return lua_error(L);
    lua_pushliteral(L, ":embedded:");
    return 2;
}

static void preload(lua_State *L)
{
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    luaL_setfuncs(L, modules, 0);
    lua_pop(L, 1);
}

/* package.searchers = { preload, embedded, the standard ones... }; an embedded script cannot be
 * shadowed by a file in the working directory. */
static void add_searcher(lua_State *L, bool standard)
{
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchers"); // package searchers
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    for (lua_Integer i = n; i >= 2; i--) {
        lua_rawgeti(L, -1, standard ? i : n + 1);
        lua_rawseti(L, -2, standard ? i + 1 : i);
    }
    lua_pushcfunction(L, search_embedded);
    lua_rawseti(L, -2, 2);
    lua_pop(L, 2);
}

/* JIG_PATH names a scripts folder that is used instead of what is in the binary. */
static void add_developer_path(lua_State *L)
{
    const char *path = getenv("JIG_PATH");
    if (!path)
        return;
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "path");
    lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", path, path, lua_tostring(L, -1));
    lua_setfield(L, -3, "path");
    lua_pop(L, 1);
    lua_getfield(L, -1, "searchers");
    lua_rawgeti(L, -1, 2);
    lua_rawgeti(L, -2, 3);
    lua_rawseti(L, -3, 2); /* files first */
    lua_rawseti(L, -2, 3);
    lua_pop(L, 2);
}

static int open_main(lua_State *L)
{
    luaL_openlibs(L);
    preload(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_jig_world);
    lua_setfield(L, -2, "jig.world");
    lua_pushcfunction(L, luaopen_jig_host);
    lua_setfield(L, -2, "jig.host");
    lua_pushcfunction(L, luaopen_jig_lineedit);
    lua_setfield(L, -2, "jig.lineedit");
    lua_pushcfunction(L, luaopen_jig_guard);
    lua_setfield(L, -2, "jig.guard");
    lua_pushcfunction(L, luaopen_jig_pin);
    lua_setfield(L, -2, "jig.pin");
    lua_pushcfunction(L, luaopen_jig_sign);
    lua_setfield(L, -2, "jig.sign");
    lua_pop(L, 1);
    add_searcher(L, true);
    add_developer_path(L);
    return 0;
}

static int open_slot(lua_State *L)
{
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},          {LUA_LOADLIBNAME, luaopen_package},
        {LUA_COLIBNAME, luaopen_coroutine}, {LUA_TABLIBNAME, luaopen_table},
        {LUA_STRLIBNAME, luaopen_string},   {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8},    {LUA_OSLIBNAME, luaopen_os},
        {LUA_IOLIBNAME, luaopen_io},        {LUA_DBLIBNAME, luaopen_debug},
    };
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++) {
        luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_pop(L, 1);
    }
    jigL_bound_libraries(L);
    preload(L);
    if (getenv("JIG_PATH")) {
        add_searcher(L, true);
        add_developer_path(L);
    } else {
        add_searcher(L, false);
    }
    return 0;
}

/* ---- states ---- */

/* The finalizer of the first object of a state, which is the last that runs when the state is
 * closed: all that has duties is done then. Lua would go on to free each object, which is a
 * seventh of the instructions of a short run; leaving here spares it. What is left behind is
 * memory of the state alone. */
static int last_finalizer(lua_State *L)
{
    void *memory;
    lua_getallocf(L, &memory);
    struct jig_memory *m = memory;
    if (m->door)
        longjmp(*(jmp_buf *)m->door, 1);
    return 0;
}

static void add_last_finalizer(lua_State *L)
{
    static const char key;
    lua_newtable(L);
    lua_newtable(L);
    lua_pushcfunction(L, last_finalizer);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
}

void jigL_close_state(lua_State *L)
{
    jmp_buf door;
    void *memory;
    lua_getallocf(L, &memory);
    struct jig_memory *m = memory;
    m->door = m->plain ? NULL : &door; // cppcheck-suppress uninitvar ; setjmp fills it in
    if (m->plain || setjmp(door) == 0)
        lua_close(L);
    jig_memory_drop(m);
}

static int open_all(lua_State *L)
{
    lua_CFunction open = lua_tocfunction(L, 1);
    add_last_finalizer(L);
    return open(L);
}

static lua_State *open_state(struct jig_engine *engine, struct jig_memory *memory,
                             lua_CFunction open)
{
    memory->plain = jig_memory_be_plain();
    lua_State *L = lua_newstate(jig_memory_allocate, memory);
    if (L) {
        jigL_attach(L, engine);
        lua_gc(L, LUA_GCSTOP);
        lua_pushcfunction(L, open_all);
        lua_pushcfunction(L, open);
        if (lua_pcall(L, 1, 0, 0) == LUA_OK)
            return L;
        lua_close(L);
    }
    jig_memory_drop(memory);
    return NULL;
}

lua_State *jigL_main_state(struct jig_engine *engine, struct jig_memory *memory)
{
    return open_state(engine, memory, open_main);
}

lua_State *jigL_slot_state(struct jig_engine *engine, struct jig_memory *memory)
{
    return open_state(engine, memory, open_slot);
}
