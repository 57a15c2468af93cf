/* jig.proc: runs programs, for commands and specs. Recipes do not see it. */
#include "bindings/jig.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#include "core/child.h"
#include "core/proc.h"

#define PROC "jig.proc"

enum { DEFAULT_CAP = 16 << 20 };

struct lproc {
    struct jig_proc *proc; /* NULL = ended or closed */
    struct jig_wait wait;
    struct jig_proc_result result; /* its buffers belong to this */
    bool ended;
};

static void proc_ended(void *data, struct jig_proc_result *result)
{
    struct lproc *p = data;
    p->proc = NULL;
    p->ended = true;
    p->result = *result;
    memset(&result->out, 0, sizeof result->out);
    memset(&result->err, 0, sizeof result->err);
    jigL_wake(&p->wait);
}

/* The array part of the table at 1 as an argument vector. [-0, +1, e] */
static const char *const *read_argv(lua_State *L)
{
    size_t n = lua_rawlen(L, 1);
    luaL_argcheck(L, n > 0, 1, "a program's name is missing");
    const char **argv = lua_newuserdatauv(L, (n + 1) * sizeof(char *), 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, 1, "arguments must be strings");
        argv[i] = lua_tostring(L, -1);
        luaL_argcheck(L, strlen(argv[i]) == lua_rawlen(L, -1), 1, "arguments hold no NUL");
        lua_pop(L, 1);
    }
    argv[n] = NULL;
    return argv;
}

/* options.env laid over all of jig's environment: what is run here is jig's own tool. [-0, +1, e]
 */
static const char *const *read_env(lua_State *L)
{
    if (lua_getfield(L, 1, "env") == LUA_TNIL) {
        lua_pop(L, 1);
        lua_newtable(L);
    }
    return jigL_environment(L, JIGL_WHOLE);
}

static double seconds_field(lua_State *L, const char *key, double fallback)
{
    lua_getfield(L, 1, key);
    double seconds = luaL_optnumber(L, -1, fallback);
    if (!(seconds >= 0))
        luaL_error(L, "proc.start: '%s' must be 0 or more", key);
    lua_pop(L, 1);
    return seconds;
}

static size_t read_cap(lua_State *L)
{
    lua_getfield(L, 1, "cap");
    lua_Integer cap = luaL_optinteger(L, -1, DEFAULT_CAP);
    if (cap < 0)
        luaL_error(L, "proc.start: 'cap' must be 0 or more");
    lua_pop(L, 1);
    return (size_t)cap;
}

/*
 * proc.start{ program, argument..., env =, cwd =, limit =, grace =, cap =, cores = } -> proc | nil,
 * message, code. `env` is laid over jig's environment (false removes a name); limit in seconds
 * (default none), then TERM, after grace (default 2) KILL; cap: bytes kept of stdout and of stderr
 * (default 16 MiB); cores: it may leave a core file where this process may (default false). Does
 * not yield. local result = assert(proc.start { "openssl", "version" }):wait(5)
 */
static int proc_start(lua_State *L)
{
    struct jig_engine *engine = jigL_engine(L);
    struct jig_error err;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct jig_proc_options options = {0};
    /* one after the other: each leaves on the stack what must stay alive */
    lua_getfield(L, 1, "cwd");
    options.cwd = luaL_optstring(L, -1, NULL);
    options.argv = read_argv(L);
    options.env = read_env(L);
    lua_getfield(L, 1, "cores");
    options.cores = lua_toboolean(L, -1);
    options.grace = jig_clock_after(0, seconds_field(L, "grace", 2));
    options.cap = read_cap(L);
    options.deadline =
        jig_clock_after(jig_loop_now(engine->loop), seconds_field(L, "limit", HUGE_VAL));
    struct lproc *p = lua_newuserdatauv(L, sizeof *p, 0);
    memset(p, 0, sizeof *p);
    luaL_setmetatable(L, PROC);
    p->proc = jig_proc_start(engine->loop, &options, proc_ended, p, &err);
    return p->proc ? 1 : jigL_fail(L, &err);
}

static void push_bytes(lua_State *L, const char *key, const struct jig_buf *b)
{
    lua_pushlstring(L, (const char *)jig_buf_data(b), jig_buf_len(b));
    lua_setfield(L, -2, key);
}

static int push_result(lua_State *L, const struct lproc *p)
{
    struct jig_error err;
    lua_createtable(L, 0, 6);
    lua_pushinteger(L, p->result.number);
    lua_setfield(L, -2, p->result.end == JIG_PROC_EXITED ? "exit" : "signal");
    if (jig_proc_check(&p->result, "the program", &err) < 0) {
        lua_pushstring(L, jig_err_name(err.code));
        lua_setfield(L, -2, "trouble");
    }
    lua_pushnumber(L, (double)(p->result.ended - p->result.started) / JIG_SECOND);
    lua_setfield(L, -2, "seconds");
    push_bytes(L, "stdout", &p->result.out);
    push_bytes(L, "stderr", &p->result.err);
    return 1;
}

static int wait_on(lua_State *L, int status, lua_KContext ctx)
{
    struct lproc *p = luaL_checkudata(L, 1, PROC);
    (void)ctx;
    for (;;) {
        if (p->ended)
            return push_result(L, p);
        if (status == LUA_YIELD && p->wait.outcome != JIG_OK)
            return jigL_fail_wait(L, &p->wait, "proc:wait");
        if (!jigL_block(L, &p->wait, "proc:wait"))
            return jigL_yield(L, 0, wait_on);
        status = LUA_YIELD;
    }
}

/*
 * proc:wait([limit]) -> { exit = status | signal = number, trouble = code?, seconds =, stdout =,
 * stderr = } | nil, message, code. `trouble` says why it did not simply exit: "killed", "timeout",
 * "limit", "interrupted". Yields.
 */
static int proc_wait(lua_State *L)
{
    struct lproc *p = luaL_checkudata(L, 1, PROC);
    luaL_argcheck(L, p->proc || p->ended, 1, "attempt to use a closed proc");
    jigL_wait_begin(L, &p->wait, "wait", jigL_opt_seconds(L, 2, HUGE_VAL), false);
    return wait_on(L, LUA_OK, 0);
}

/*
 * proc:kill([signal]) -> true | nil, message, code. Sends a signal (default 15) to the program
 * itself.
 */
static int proc_kill(lua_State *L)
{
    struct lproc *p = luaL_checkudata(L, 1, PROC);
    int signum = (int)luaL_optinteger(L, 2, SIGTERM);
    struct jig_error err;
    int rc = p->proc ? jig_proc_signal(p->proc, signum, &err)
                     : jig_fail_sys(&err, ESRCH, "cannot send signal %d", signum);
    if (rc < 0)
        return jigL_fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/*
 * proc:pid() -> the process id, nil when it has ended; 0 of one that is played (world.c).
 */
static int proc_pid(lua_State *L)
{
    struct lproc *p = luaL_checkudata(L, 1, PROC);
    if (p->proc)
        lua_pushinteger(L, jig_proc_pid(p->proc));
    else
        luaL_pushfail(L);
    return 1;
}

/*
 * proc:close(). Ends the program if it runs: TERM, then KILL. Twice is harmless. Does not yield.
 */
static int proc_close(lua_State *L)
{
    struct lproc *p = luaL_checkudata(L, 1, PROC);
    if (p->proc)
        jig_proc_abandon(p->proc);
    p->proc = NULL;
    p->ended = false;
    jigL_wake_with(&p->wait, JIG_ECLOSED);
    jig_buf_release(&p->result.out);
    jig_buf_release(&p->result.err);
    return 0;
}

static int proc_gc(lua_State *L)
{
    struct lproc *p = luaL_checkudata(L, 1, PROC);
    jigL_wait_drop(&p->wait);
    return proc_close(L);
}

/*
 * proc.running() -> how many child processes of jig have not been reaped yet.
 */
static int running(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)jig_child_count(jigL_engine(L)->loop));
    return 1;
}

int luaopen_jig_proc(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"wait", proc_wait},   {"kill", proc_kill}, {"pid", proc_pid},
        {"close", proc_close}, {NULL, NULL},
    };
    static const luaL_Reg functions[] = {
        {"start", proc_start},
        {"running", running},
        {NULL, NULL},
    };
    luaL_newmetatable(L, PROC);
    lua_pushcfunction(L, proc_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushcfunction(L, proc_close);
    lua_setfield(L, -2, "__close");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
