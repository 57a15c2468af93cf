/* Targets in Lua: spec/fuzz/NAME.lua, where NAME is the program's. Such a file returns a function
 * that is called with each input, as a task of a slot's state, with a cap on memory as a recipe has
 * it and a tenth of its budget, so that inputs which use it up do not take all of the time; what it
 * raises ends the run.
 *
 * libFuzzer sees C alone. So each step from one line of jig's scripts to the next has a counter
 * here, in a section that it reads beside its own: what reaches a new step is kept. The lines are
 * those that bindings/coverage.c is told; with JIG_FUZZ_LINES it counts them: see lines.lua. */
#include "spec/fuzz/fuzz.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "bindings/state.h"

enum { COUNTERS = 1 << 16, MEMORY = 16 << 20, LIMIT_MS = 100 };

__attribute__((section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

static struct jig_engine engine;
static struct jig_memory memory = {.cap = MEMORY};
static lua_State *state;
static int target; /* reference to the function */
static bool running, counting;
static uint64_t before; /* the line that ran last */

void __real_jig_coverage_line(struct jig_coverage *coverage, lua_State *L, lua_Debug *ar);
void __wrap_jig_coverage_line(struct jig_coverage *coverage, lua_State *L, lua_Debug *ar);

/* What a fuzzer needs of ASan; options in ASAN_OPTIONS go first. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0:quarantine_size_mb=4:malloc_context_size=1";
}

/* A source's text stays where it is as long as the state has it: what a recipe's chunk is called
 * may be called otherwise later. */
static bool is_script(const char *source)
{
    static const char *last, scripts[] = "@scripts/jig/";
    if (source == last)
        return true;
    if (strncmp(source, scripts, sizeof scripts - 1) != 0)
        return false;
    last = source;
    return true;
}

void __wrap_jig_coverage_line(struct jig_coverage *coverage, lua_State *L, lua_Debug *ar)
{
    if (counting)
        __real_jig_coverage_line(coverage, L, ar);
    else
        lua_getinfo(L, "S", ar);
    if (!is_script(ar->source))
        return;
    uint64_t line = ((uint64_t)(uintptr_t)ar->source >> 3) + (uint64_t)ar->currentline;
    line *= 0x9e3779b97f4a7c15u;
    counters[(line ^ before >> 1) >> 48]++;
    before = line;
}

static void die(lua_State *L)
{
    fprintf(stderr, "%s\n", lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "no message");
    abort();
}

static void ended(void *data, lua_State *co, bool ok, int results)
{
    (void)data;
    (void)results;
    running = false;
    if (!ok)
        die(co);
}

static int start(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, target);
    lua_pushvalue(L, 1);
    jigL_task_budget(jigL_spawn(L, 1, ended, NULL))->name = "fuzz";
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    before = 0;
    running = true;
    lua_settop(state, 0);
    lua_pushcfunction(state, start);
    lua_pushlstring(state, (const char *)bytes, n);
    if (lua_pcall(state, 1, 0, 0) != LUA_OK)
        die(state);
    while (running)
        CLAIM(jigL_step(&engine, JIG_FOREVER));
    return 0;
}

/* The folder of the lines' counters, beside the program. */
static void count_lines(const char *folder, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/lines", folder);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/lines/%s", folder, name);
    mkdir(path, 0755);
    setenv("JIG_COVERAGE", path, 1); /* without it there is no hook for lines */
    counting = getenv("JIG_FUZZ_LINES");
}

static void load(const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "spec/fuzz/%s.lua", name);
    if (luaL_loadfile(state, path) != LUA_OK || lua_pcall(state, 0, 1, 0) != LUA_OK)
        die(state);
    CLAIM(lua_isfunction(state, -1));
    target = luaL_ref(state, LUA_REGISTRYINDEX);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct jig_error err = {0};
    char folder[PATH_MAX];
    (void)argc;
    snprintf(folder, sizeof folder, "%s", (*argv)[0]);
    char *name = strrchr(folder, '/');
    CLAIM(name);
    *name++ = '\0';
    count_lines(folder, name);
    CLAIM(jigL_engine_open(&engine, &err) == JIG_OK && jigL_meter_start(&engine, &err) == JIG_OK);
    engine.meter.limit = LIMIT_MS / JIG_TICK_MS;
    snprintf(engine.meter.too_long, sizeof engine.meter.too_long, "it computed for too long");
    state = jigL_slot_state(&engine, &memory);
    CLAIM(state);
    lua_gc(state, LUA_GCRESTART);
    jigL_rest(state);
    load(name);
    return 0;
}
