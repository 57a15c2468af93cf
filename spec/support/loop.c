/* spec.loop: the loop and what stands on it (timers, deferred calls, watches, look-ups, children,
 * programs, sessions), driven from Lua step by step on a loop of its own. For tests only.
 *
 * It calls the functions of core/ that are in the program which loads it. Callbacks are Lua
 * functions; what they throw is thrown by loop:step. Times are nanoseconds of the loop's clock.
 *
 *     local l = loop.new()
 *     local timer = l:timer(print)
 *     timer:start(l:now() + 1000000)
 *     while timer:started() do l:step() end
 *     l:free()
 */
#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <lua.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arrival.h"
#include "core/child.h"
#include "core/gate.h"
#include "core/loop.h"
#include "core/proc.h"
#include "core/process.h"
#include "core/session.h"

#define LOOP "spec.loop"

enum { WORDS_MAX = 64, STATUSES_MAX = 16 };

struct owner {
    struct jig_loop *loop;       /* NULL = freed */
    struct jig_journal *journal; /* of its sessions; NULL = none */
    lua_State *L;                /* who steps */
    int failure;                 /* what the first callback that failed threw, in the registry */
};

/* One thing that is registered. It lives, with its function, as long as the state. */
struct hook {
    struct owner *owner;
    int fn;
    struct jig_timer timer;
    struct jig_deferred deferred;
    struct jig_watch *watch;
    struct jig_lookup *lookup;
    struct jig_child *child;
    struct jig_proc *proc;
    struct jig_session *session;
    struct jig_gate *gate;
    struct jig_passage passage;
    struct jig_bell *bell;
    struct jig_arrival_waiter arrival;
    pthread_t ringer;
    int rings, delay; /* rings 0 = no thread */
};

static int fail(lua_State *L, const struct jig_error *err)
{
    luaL_pushfail(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, jig_err_name(err->code));
    return 3;
}

static struct owner *check_owner(lua_State *L)
{
    struct owner *owner = luaL_checkudata(L, 1, LOOP);
    luaL_argcheck(L, owner->loop, 1, "freed loop");
    return owner;
}

/* A hook that calls the function at `fn` (0 = none), kept for ever. [-0, +1, e] */
static struct hook *push_hook(lua_State *L, struct owner *owner, int fn, const char *type)
{
    struct hook *hook = lua_newuserdatauv(L, sizeof *hook, 0);
    memset(hook, 0, sizeof *hook);
    luaL_setmetatable(L, type);
    hook->owner = owner;
    lua_pushvalue(L, -1);
    luaL_ref(L, LUA_REGISTRYINDEX);
    if (fn && !lua_isnoneornil(L, fn)) {
        lua_pushvalue(L, fn);
        hook->fn = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    return hook;
}

/* Pushes the hook's function; its arguments are to follow. */
static lua_State *begin_call(struct hook *hook)
{
    lua_State *L = hook->owner->L;
    luaL_checkstack(L, 16, "callback");
    lua_rawgeti(L, LUA_REGISTRYINDEX, hook->fn);
    return L;
}

static void end_call(struct hook *hook, int arguments)
{
    struct owner *owner = hook->owner;
    if (lua_pcall(owner->L, arguments, 0, 0) == LUA_OK)
        return;
    if (owner->failure == LUA_NOREF)
        owner->failure = luaL_ref(owner->L, LUA_REGISTRYINDEX);
    else
        lua_pop(owner->L, 1);
}

/* ---- the loop ---- */

/* new(simulated = false) -> loop */
static int loop_new(lua_State *L)
{
    bool simulated = lua_toboolean(L, 1);
    struct owner *owner = lua_newuserdatauv(L, sizeof *owner, 0);
    struct jig_error err;
    *owner = (struct owner){.failure = LUA_NOREF};
    luaL_setmetatable(L, LOOP);
    owner->loop = jig_loop_new(&err);
    if (!owner->loop)
        return luaL_error(L, "%s", err.text);
    *jig_loop_clock(owner->loop) = (struct jig_clock){.simulated = simulated, .at = 1};
    lua_pushvalue(L, -1);
    luaL_ref(L, LUA_REGISTRYINDEX);
    return 1;
}

/* l:free() */
static int loop_free(lua_State *L)
{
    struct owner *owner = luaL_checkudata(L, 1, LOOP);
    jig_journal_close(owner->journal, false, NULL);
    owner->journal = NULL;
    if (owner->loop)
        jig_arrival_close(owner->loop);
    jig_loop_free(owner->loop);
    owner->loop = NULL;
    return 0;
}

/* l:now() -> ns */
static int loop_now(lua_State *L)
{
    lua_pushinteger(L, jig_loop_now(check_owner(L)->loop));
    return 1;
}

/* l:step(deadline = for ever) -> whether there was anything to wait for */
static int loop_step(lua_State *L)
{
    struct owner *owner = check_owner(L);
    owner->L = L;
    bool something = jig_loop_step(owner->loop, luaL_optinteger(L, 2, JIG_FOREVER));
    if (owner->failure != LUA_NOREF) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, owner->failure);
        owner->failure = LUA_NOREF;
        return lua_error(L);
    }
    lua_pushboolean(L, something);
    return 1;
}

/* l:value(key, size) -> an identity of the memory that belongs to the key (0 to 15), nil when there
 * is none; the byte that it began with; sets that byte to 1 */
static int loop_value(lua_State *L)
{
    static const char keys[16];
    struct owner *owner = check_owner(L);
    lua_Integer key = luaL_checkinteger(L, 2);
    luaL_argcheck(L, key >= 0 && key < 16, 2, "out of range");
    unsigned char *value = jig_loop_local(owner->loop, &keys[key], (size_t)luaL_checkinteger(L, 3));
    if (!value)
        return 0;
    lua_pushlightuserdata(L, value);
    lua_pushinteger(L, *value);
    *value = 1;
    return 2;
}

/* l:children(), l:busy(), l:unreported() -> counts */
static int loop_children(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)jig_child_count(check_owner(L)->loop));
    return 1;
}

static int loop_busy(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)jig_session_busy(check_owner(L)->loop));
    return 1;
}

static int loop_unreported(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)jig_session_unreported(check_owner(L)->loop));
    return 1;
}

/* ---- deadlines ---- */

static void timer_fired(struct jig_timer *timer)
{
    begin_call(timer->data);
    end_call(timer->data, 0);
}

/* l:timer(fn) -> timer */
static int loop_timer(lua_State *L)
{
    struct hook *hook = push_hook(L, check_owner(L), 2, "spec.loop.timer");
    hook->timer = (struct jig_timer){.fire = timer_fired, .data = hook};
    return 1;
}

/* timer:start(deadline) */
static int timer_start(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.timer");
    lua_pushinteger(L, jig_timer_start(hook->owner->loop, &hook->timer, luaL_checkinteger(L, 2)));
    return 1;
}

/* timer:stop() */
static int timer_stop(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.timer");
    jig_timer_stop(hook->owner->loop, &hook->timer);
    return 0;
}

/* timer:started() -> boolean */
static int timer_started(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.timer");
    lua_pushboolean(L, hook->timer.place != 0);
    return 1;
}

/* ---- deferred calls ---- */

static void deferred_ran(struct jig_deferred *deferred)
{
    begin_call(deferred->data);
    end_call(deferred->data, 0);
}

/* l:deferred(fn) -> deferred */
static int loop_deferred(lua_State *L)
{
    struct hook *hook = push_hook(L, check_owner(L), 2, "spec.loop.deferred");
    hook->deferred = (struct jig_deferred){.run = deferred_ran, .data = hook};
    return 1;
}

/* deferred:defer(), deferred:cancel() */
static int deferred_defer(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.deferred");
    jig_defer(hook->owner->loop, &hook->deferred);
    return 0;
}

static int deferred_cancel(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.deferred");
    jig_defer_cancel(hook->owner->loop, &hook->deferred);
    return 0;
}

/* ---- descriptors ---- */

static void watch_told(void *data, unsigned events)
{
    lua_State *L = begin_call(data);
    lua_pushboolean(L, events & JIG_READABLE);
    lua_pushboolean(L, events & JIG_WRITABLE);
    end_call(data, 2);
}

/* l:watch(fd, fn) -> watch: fn(readable, writable) */
static int loop_watch(lua_State *L)
{
    struct owner *owner = check_owner(L);
    int fd = (int)luaL_checkinteger(L, 2);
    struct hook *hook = push_hook(L, owner, 3, "spec.loop.watch");
    struct jig_error err;
    hook->watch = jig_watch_new(owner->loop, fd, watch_told, hook, &err);
    return hook->watch ? 1 : fail(L, &err);
}

/* watch:want("", "r", "w" or "rw") */
static int watch_want(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.watch");
    const char *events = luaL_checkstring(L, 2);
    luaL_argcheck(L, hook->watch, 1, "freed watch");
    jig_watch_want(hook->watch, (strchr(events, 'r') ? JIG_READABLE : 0u) |
                                    (strchr(events, 'w') ? JIG_WRITABLE : 0u));
    return 0;
}

/* watch:free() */
static int watch_free(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.watch");
    jig_watch_free(hook->watch);
    hook->watch = NULL;
    return 0;
}

/* ---- signals ---- */

static void signal_arrived(void *data, int signum)
{
    lua_State *L = begin_call(data);
    lua_pushinteger(L, signum);
    end_call(data, 1);
}

/* l:signal(signum, fn) -> true */
static int loop_signal(lua_State *L)
{
    struct owner *owner = check_owner(L);
    int signum = (int)luaL_checkinteger(L, 2);
    struct hook *hook = push_hook(L, owner, 3, "spec.loop.signal");
    struct jig_error err;
    if (jig_loop_signal(owner->loop, signum, signal_arrived, hook, &err) < 0)
        return fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/* ---- look-ups ---- */

static void looked_up(void *data, struct addrinfo *found, const struct jig_error *err)
{
    struct hook *hook = data;
    char host[NI_MAXHOST] = "";
    lua_State *L = begin_call(hook);
    hook->lookup = NULL;
    if (found)
        getnameinfo(found->ai_addr, found->ai_addrlen, host, sizeof host, NULL, 0, NI_NUMERICHOST);
    if (found)
        freeaddrinfo(found);
    lua_pushstring(L, found ? host : NULL);
    lua_pushstring(L, err ? err->text : NULL);
    lua_pushstring(L, err ? jig_err_name(err->code) : NULL);
    end_call(hook, 3);
}

/* l:lookup(host, service, fn) -> look-up: fn(address) or fn(nil, message, code) */
static int loop_lookup(lua_State *L)
{
    struct owner *owner = check_owner(L);
    const char *host = luaL_checkstring(L, 2), *service = luaL_checkstring(L, 3);
    struct hook *hook = push_hook(L, owner, 4, "spec.loop.lookup");
    struct jig_error err;
    hook->lookup = jig_lookup_start(owner->loop, host, service, looked_up, hook, &err);
    return hook->lookup ? 1 : fail(L, &err);
}

/* look-up:cancel() */
static int lookup_cancel(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.lookup");
    luaL_argcheck(L, hook->lookup, 1, "its callback has come");
    jig_lookup_cancel(hook->lookup);
    hook->lookup = NULL;
    return 0;
}

/* ---- bells ---- */

static void bell_rang(void *data)
{
    begin_call(data);
    end_call(data, 0);
}

/* l:bell(fn) -> bell */
static int loop_bell(lua_State *L)
{
    struct owner *owner = check_owner(L);
    struct hook *hook = push_hook(L, owner, 2, "spec.loop.bell");
    struct jig_error err;
    hook->bell = jig_bell_new(owner->loop, bell_rang, hook, &err);
    return hook->bell ? 1 : fail(L, &err);
}

static void *ring(void *data)
{
    struct hook *hook = data;
    usleep((useconds_t)hook->delay * 1000);
    for (int i = 0; i < hook->rings; i++)
        jig_bell_ring(hook->bell);
    return NULL;
}

static void join_ringer(struct hook *hook)
{
    if (hook->rings)
        pthread_join(hook->ringer, NULL);
    hook->rings = 0;
}

/* bell:ring(times, ms = 0): rings from another thread, after some time */
static int bell_ring(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.bell");
    int rings = (int)luaL_checkinteger(L, 2), delay = (int)luaL_optinteger(L, 3, 0);
    luaL_argcheck(L, hook->bell, 1, "freed bell");
    join_ringer(hook);
    hook->delay = delay;
    hook->rings = rings;
    if (pthread_create(&hook->ringer, NULL, ring, hook) != 0)
        return luaL_error(L, "no thread");
    return 0;
}

/* bell:join(): what rings has rung */
static int bell_join(lua_State *L)
{
    join_ringer(luaL_checkudata(L, 1, "spec.loop.bell"));
    return 0;
}

/* bell:want(boolean), bell:free() */
static int bell_want(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.bell");
    luaL_argcheck(L, hook->bell, 1, "freed bell");
    jig_bell_want(hook->bell, lua_toboolean(L, 2));
    return 0;
}

static int bell_free(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.bell");
    join_ringer(hook);
    jig_bell_free(hook->bell);
    hook->bell = NULL;
    return 0;
}

/* ---- children ---- */

/* The strings of the array at `key` of the table at `arg` (key NULL: its own array part), as a list
 * that Lua collects; NULL when absent. They live as long as the table. [-0, +1, e] */
static const char *const *words(lua_State *L, int arg, const char *key)
{
    if (key && lua_getfield(L, arg, key) == LUA_TNIL)
        return NULL;
    int table = key ? lua_gettop(L) : arg;
    const char **list = lua_newuserdatauv(L, (WORDS_MAX + 1) * sizeof(char *), 0);
    int n = 0;
    while (n < WORDS_MAX && lua_rawgeti(L, table, n + 1) == LUA_TSTRING) {
        list[n++] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    list[n] = NULL;
    return list;
}

static const char *text(lua_State *L, int arg, const char *key, const char *fallback)
{
    lua_getfield(L, arg, key);
    return luaL_optstring(L, -1, fallback);
}

static double number(lua_State *L, int arg, const char *key, double fallback)
{
    lua_getfield(L, arg, key);
    double value = luaL_optnumber(L, -1, fallback);
    lua_pop(L, 1);
    return value;
}

static bool flag(lua_State *L, int arg, const char *key, bool fallback)
{
    bool value = lua_getfield(L, arg, key) == LUA_TNIL ? fallback : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

static void child_ended(void *data, int status)
{
    struct hook *hook = data;
    lua_State *L = begin_call(hook);
    hook->child = NULL;
    if (WIFEXITED(status))
        lua_pushinteger(L, WEXITSTATUS(status));
    else
        lua_pushnil(L);
    if (WIFSIGNALED(status))
        lua_pushinteger(L, WTERMSIG(status));
    else
        lua_pushnil(L);
    end_call(hook, 2);
}

/* l:child({ program, argument..., env =, cwd =, stdio = { fd, fd, fd }, kept = fd }, fn) -> child:
 * fn(exit, signal) */
static int loop_child(lua_State *L)
{
    struct owner *owner = check_owner(L);
    struct hook *hook = push_hook(L, owner, 3, "spec.loop.child");
    struct jig_child_options options = {.stdio = {-1, -1, -1}};
    struct jig_error err;
    options.argv = words(L, 2, NULL);
    options.env = words(L, 2, "env");
    options.cwd = text(L, 2, "cwd", NULL);
    if (lua_getfield(L, 2, "stdio") == LUA_TTABLE)
        for (int i = 0; i < 3; i++) {
            lua_rawgeti(L, -1, i + 1);
            options.stdio[i] = (int)luaL_optinteger(L, -1, -1);
            lua_pop(L, 1);
        }
    if (lua_getfield(L, 2, "kept") == LUA_TNUMBER)
        options.kept[options.n_kept++] = (int)lua_tointeger(L, -1);
    hook->child = jig_child_start(owner->loop, &options, child_ended, hook, &err);
    if (!hook->child)
        return fail(L, &err);
    lua_pushvalue(L, 4);
    return 1;
}

static struct hook *check_child(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.child");
    luaL_argcheck(L, hook->child, 1, "it has ended");
    return hook;
}

/* child:pid() */
static int child_pid(lua_State *L)
{
    lua_pushinteger(L, jig_child_pid(check_child(L)->child));
    return 1;
}

/* child:stop(grace), child:abandon(grace) */
static int child_stop(lua_State *L)
{
    jig_child_stop(check_child(L)->child, luaL_checkinteger(L, 2));
    return 0;
}

static int child_abandon(lua_State *L)
{
    struct hook *hook = check_child(L);
    jig_child_abandon(hook->child, luaL_checkinteger(L, 2));
    hook->child = NULL;
    return 0;
}

/* ---- programs ---- */

static void set_bytes(lua_State *L, const char *key, const struct jig_buf *b)
{
    lua_pushlstring(L, (const char *)jig_buf_data(b), jig_buf_len(b));
    lua_setfield(L, -2, key);
}

static void proc_ended(void *data, struct jig_proc_result *result)
{
    static const char *const stops[] = {"", "timed out", "over cap", "asked again", "stopped"};
    struct hook *hook = data;
    struct jig_error err = {.code = JIG_OK};
    lua_State *L = begin_call(hook);
    hook->proc = NULL;
    lua_newtable(L);
    lua_pushinteger(L, result->number);
    lua_setfield(L, -2, result->end == JIG_PROC_EXITED ? "exit" : "signal");
    lua_pushstring(L, stops[result->stop]);
    lua_setfield(L, -2, "stop");
    lua_pushinteger(L, result->ended - result->started);
    lua_setfield(L, -2, "took");
    set_bytes(L, "stdout", &result->out);
    set_bytes(L, "stderr", &result->err);
    jig_proc_check(result, "tool", &err);
    lua_pushstring(L, err.text);
    lua_setfield(L, -2, "message");
    lua_pushstring(L, jig_err_name(err.code));
    lua_setfield(L, -2, "code");
    end_call(hook, 1);
}

/* l:proc({ program, argument..., limit =, grace = (seconds), cap =, cwd =, env = }, fn) -> proc:
 * fn { exit | signal, stop, stdout, stderr, message, code, took } */
static int loop_proc(lua_State *L)
{
    struct owner *owner = check_owner(L);
    struct hook *hook = push_hook(L, owner, 3, "spec.loop.proc");
    struct jig_proc_options options = {
        .deadline = jig_clock_after(jig_loop_now(owner->loop), number(L, 2, "limit", 1e300)),
        .grace = jig_clock_after(0, number(L, 2, "grace", 2)),
        .cap = (size_t)number(L, 2, "cap", 1 << 20),
    };
    struct jig_error err;
    options.argv = words(L, 2, NULL);
    options.env = words(L, 2, "env");
    options.cwd = text(L, 2, "cwd", NULL);
    hook->proc = jig_proc_start(owner->loop, &options, proc_ended, hook, &err);
    if (!hook->proc)
        return fail(L, &err);
    lua_pushvalue(L, 4);
    return 1;
}

static struct hook *check_proc(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.proc");
    luaL_argcheck(L, hook->proc, 1, "it has ended");
    return hook;
}

/* proc:pid(), proc:stop(grace in ns), proc:limit(deadline), proc:abandon() */
static int proc_pid(lua_State *L)
{
    lua_pushinteger(L, jig_proc_pid(check_proc(L)->proc));
    return 1;
}

static int proc_stop(lua_State *L)
{
    jig_proc_stop(check_proc(L)->proc, luaL_checkinteger(L, 2));
    return 0;
}

static int proc_limit(lua_State *L)
{
    jig_proc_limit(check_proc(L)->proc, luaL_checkinteger(L, 2));
    return 0;
}

static int proc_abandon(lua_State *L)
{
    struct hook *hook = check_proc(L);
    jig_proc_abandon(hook->proc);
    hook->proc = NULL;
    return 0;
}

/* ---- services and sessions ---- */

/* Fills from { program =, arguments =, env =, cwd =, accepted =, limits = { 4 }, grace =, stop =,
 * hurry =, refused =, unclear =, again = }. Leaves on the stack what must stay alive. */
static void read_trouble(lua_State *L, int arg, const char *key, struct jig_token_trouble *trouble)
{
    if (lua_getfield(L, arg, key) != LUA_TTABLE)
        return;
    int table = lua_gettop(L);
    trouble->patterns = words(L, table, "patterns");
    if (lua_getfield(L, table, "statuses") != LUA_TTABLE)
        return;
    int *statuses = lua_newuserdatauv(L, STATUSES_MAX * sizeof(int), 0);
    while (trouble->n_statuses < STATUSES_MAX &&
           lua_rawgeti(L, -2, (lua_Integer)trouble->n_statuses + 1) == LUA_TNUMBER) {
        statuses[trouble->n_statuses++] = (int)lua_tointeger(L, -1);
        lua_pop(L, 1);
    }
    trouble->statuses = statuses;
}

/* token = { name, folder, width, missing, busy, pin } */
static void read_token(lua_State *L, int arg, struct jig_token *token)
{
    if (lua_getfield(L, arg, "token") != LUA_TTABLE)
        return;
    int table = lua_gettop(L);
    luaL_checkstack(L, 32, "token");
    token->name = text(L, table, "name", "t");
    token->folder = text(L, table, "folder", NULL);
    token->width = (int)number(L, table, "width", 1);
    read_trouble(L, table, "missing", &token->missing);
    read_trouble(L, table, "busy", &token->busy);
    read_trouble(L, table, "pin", &token->pin);
}

static void read_service(lua_State *L, int arg, struct jig_service *service, int *accepted)
{
    jig_service_init(service, text(L, arg, "program", "factory_tool"));
    service->cli.arguments = words(L, arg, "arguments");
    service->env = words(L, arg, "env");
    service->cwd = text(L, arg, "cwd", NULL);
    service->grace = number(L, arg, "grace", service->grace);
    service->stop = number(L, arg, "stop", service->stop);
    service->hurry = number(L, arg, "hurry", service->hurry);
    service->report_refused = flag(L, arg, "refused", service->report_refused);
    service->report_unclear = flag(L, arg, "unclear", service->report_unclear);
    service->report_again = flag(L, arg, "again", service->report_again);
    service->gate = number(L, arg, "gate", service->gate);
    service->calls = (size_t)number(L, arg, "calls", 0);
    read_token(L, arg, &service->token);
    if (lua_getfield(L, arg, "limits") == LUA_TTABLE)
        for (int i = 0; i < 4; i++) {
            lua_rawgeti(L, -1, i + 1);
            service->limit[i] = luaL_optnumber(L, -1, service->limit[i]);
            lua_pop(L, 1);
        }
    if (lua_getfield(L, arg, "accepted") == LUA_TTABLE) {
        service->accepted = accepted;
        service->n_accepted = 0;
        while (service->n_accepted < STATUSES_MAX &&
               lua_rawgeti(L, -1, (lua_Integer)service->n_accepted + 1) == LUA_TNUMBER) {
            accepted[service->n_accepted++] = (int)lua_tointeger(L, -1);
            lua_pop(L, 1);
        }
    }
}

static void set_list(lua_State *L, const char *key, const char *const *list)
{
    if (!list)
        return;
    lua_newtable(L);
    for (int i = 0; list[i]; i++) {
        lua_pushstring(L, list[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, double value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, key);
}

static void set_flag(lua_State *L, const char *key, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, key);
}

/* service(options) -> what the shared copy of those options holds, read after the original and one
 * of two holders are gone */
/* [-0, +0, e] on the table at the top */
static void set_trouble(lua_State *L, const char *key, const struct jig_token_trouble *trouble)
{
    lua_newtable(L);
    set_list(L, "patterns", trouble->patterns);
    lua_createtable(L, (int)trouble->n_statuses, 0);
    for (size_t i = 0; i < trouble->n_statuses; i++) {
        lua_pushinteger(L, trouble->statuses[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "statuses");
    lua_setfield(L, -2, key);
}

static void set_token(lua_State *L, const struct jig_token *token)
{
    if (!token->name)
        return;
    lua_newtable(L);
    lua_pushstring(L, token->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, token->folder);
    lua_setfield(L, -2, "folder");
    set_number(L, "width", token->width);
    set_trouble(L, "missing", &token->missing);
    set_trouble(L, "busy", &token->busy);
    set_trouble(L, "pin", &token->pin);
    lua_setfield(L, -2, "token");
}

static int service(lua_State *L)
{
    int accepted[STATUSES_MAX];
    struct jig_service original;
    read_service(L, 1, &original, accepted);
    struct jig_service *copy = jig_service_share(&original);
    if (!copy)
        return luaL_error(L, "no memory");
    memset(&original, 0xee, sizeof original);
    memset(accepted, 0xee, sizeof accepted);
    jig_service_drop(jig_service_hold(copy));
    lua_newtable(L);
    lua_pushstring(L, copy->cli.program);
    lua_setfield(L, -2, "program");
    lua_pushstring(L, copy->cwd);
    lua_setfield(L, -2, "cwd");
    set_list(L, "arguments", copy->cli.arguments);
    set_list(L, "env", copy->env);
    lua_newtable(L);
    for (size_t i = 0; i < copy->n_accepted; i++) {
        lua_pushinteger(L, copy->accepted[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "accepted");
    lua_newtable(L);
    for (int i = 0; i < 4; i++) {
        lua_pushnumber(L, copy->limit[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "limits");
    set_number(L, "grace", copy->grace);
    set_number(L, "stop", copy->stop);
    set_number(L, "hurry", copy->hurry);
    set_flag(L, "refused", copy->report_refused);
    set_flag(L, "unclear", copy->report_unclear);
    set_flag(L, "again", copy->report_again);
    set_number(L, "gate", copy->gate);
    set_number(L, "calls", (double)copy->calls);
    set_token(L, &copy->token);
    jig_service_drop(copy);
    jig_service_drop(NULL);
    return 1;
}

static void call_ended(void *data, const struct jig_session_result *result)
{
    struct hook *hook = data;
    lua_State *L = begin_call(hook);
    lua_newtable(L);
    lua_pushstring(L, jig_err_name((enum jig_err)result->rc));
    lua_setfield(L, -2, "code");
    lua_pushinteger(L, result->exit_status);
    lua_setfield(L, -2, "exit");
    set_flag(L, "started", result->started);
    set_number(L, "seconds", (double)result->took / JIG_SECOND);
    set_number(L, "waited", (double)result->waited / JIG_SECOND);
    if (result->rc < 0) {
        lua_pushstring(L, result->err.text);
        lua_setfield(L, -2, "message");
    }
    if (result->answer->payload) {
        lua_pushinteger(L, result->answer->scp);
        lua_setfield(L, -2, "scp");
        lua_pushlstring(L, (const char *)result->answer->payload, result->answer->payload_len);
        lua_setfield(L, -2, "payload");
    }
    if (result->answer->fingerprint[0]) {
        lua_pushstring(L, result->answer->fingerprint);
        lua_setfield(L, -2, "fingerprint");
    }
    end_call(hook, 1);
}

/* l:journal(path) opens a journal for the sessions that follow, on this thread; l:journal() closes
 * it
 */
static int loop_journal(lua_State *L)
{
    struct owner *owner = check_owner(L);
    struct jig_journal_options options = {.path = luaL_optstring(L, 2, NULL), .here = true};
    struct jig_error err;
    if (jig_journal_close(owner->journal, false, &err) < 0)
        return fail(L, &err);
    owner->journal = NULL;
    if (!options.path)
        return 0;
    owner->journal = jig_journal_open(owner->loop, &options, &err);
    return owner->journal ? 0 : fail(L, &err);
}

/* l:session(service options, id, fn [, record [, attempt [, lock]]]) -> session: fn(result) for
 * each of its calls; with a lock's descriptor it is orphaned */
static int loop_session(lua_State *L)
{
    struct owner *owner = check_owner(L);
    const char *id = luaL_checkstring(L, 3);
    lua_settop(L, 7);
    struct hook *hook = push_hook(L, owner, 4, "spec.loop.session");
    int accepted[STATUSES_MAX], self = lua_gettop(L);
    struct jig_service original;
    struct jig_error err;
    read_service(L, 2, &original, accepted);
    struct jig_service *shared = jig_service_share(&original);
    if (!shared)
        return luaL_error(L, "no memory");
    hook->session =
        jig_session_new(&(struct jig_session_options){.loop = owner->loop,
                                                      .service = shared,
                                                      .id = id,
                                                      .name = "A",
                                                      .journal = owner->journal,
                                                      .record = luaL_optstring(L, 5, NULL),
                                                      .attempt = (int)luaL_optinteger(L, 6, 1),
                                                      .orphaned = lua_isinteger(L, 7),
                                                      .lock = (int)luaL_optinteger(L, 7, -1)},
                        &err);
    jig_service_drop(shared);
    if (!hook->session)
        return fail(L, &err);
    lua_pushvalue(L, self);
    return 1;
}

static struct hook *check_session(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.session");
    luaL_argcheck(L, hook->session, 1, "it was released");
    return hook;
}

/* session:call("new_device"), :call("get_device_configuration", response),
 * :call("handle_device_response", response), :call("report_error", code, reason) -> true */
static int session_call(lua_State *L)
{
    static const char *const names[] = {"new_device", "get_device_configuration",
                                        "handle_device_response", "report_error", NULL};
    struct hook *hook = check_session(L);
    struct jig_session *s = hook->session;
    struct jig_error err;
    size_t n = 0;
    int rc = JIG_OK;
    switch (luaL_checkoption(L, 2, NULL, names)) {
    case 0:
        rc = jig_session_new_device(s, call_ended, hook, &err);
        break;
    case 1: {
        const char *response = luaL_checklstring(L, 3, &n);
        rc = jig_session_get_device_configuration(s, response, n, call_ended, hook, &err);
        break;
    }
    case 2: {
        const char *response = luaL_checklstring(L, 3, &n);
        rc = jig_session_handle_device_response(s, response, n, call_ended, hook, &err);
        break;
    }
    default:
        rc = jig_session_report(s,
                                &(struct jig_report){.code = (int32_t)luaL_checkinteger(L, 3),
                                                     .reason = luaL_checkstring(L, 4)},
                                call_ended, hook, &err);
        break;
    }
    if (rc < 0)
        return fail(L, &err);
    lua_pushboolean(L, 1);
    return 1;
}

/* session:state(), :owes(), :id() */
static int session_state(lua_State *L)
{
    lua_pushstring(L, jig_session_state_name(jig_session_state(check_session(L)->session)));
    return 1;
}

static int session_owes(lua_State *L)
{
    lua_pushboolean(L, jig_session_owes(check_session(L)->session));
    return 1;
}

static int session_id(lua_State *L)
{
    lua_pushstring(L, jig_session_id(check_session(L)->session));
    return 1;
}

static int session_place(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)jig_session_place(check_session(L)->session));
    return 1;
}

/* session:interrupt(times) */
static int session_interrupt(lua_State *L)
{
    jig_session_interrupt(check_session(L)->session, (unsigned)luaL_checkinteger(L, 2));
    return 0;
}

/* session:release(code, reason) */
static int session_release(lua_State *L)
{
    struct hook *hook = check_session(L);
    struct jig_session *s = hook->session;
    hook->session = NULL;
    jig_session_release(s, (int32_t)luaL_checkinteger(L, 2), luaL_checkstring(L, 3));
    return 0;
}

/* ---- the gate ---- */

/* l:gate{ token, folder, width, grace } -> gate */
static int loop_gate(lua_State *L)
{
    struct owner *owner = check_owner(L);
    struct hook *hook = push_hook(L, owner, 0, "spec.loop.gate");
    int self = lua_gettop(L);
    struct jig_error err;
    struct jig_gate_options options = {.token = text(L, 2, "token", NULL),
                                       .folder = text(L, 2, "folder", NULL),
                                       .width = (int)number(L, 2, "width", 1),
                                       .grace = jig_clock_after(0, number(L, 2, "grace", 2))};
    hook->gate = jig_gate_open(owner->loop, &options, &err);
    if (!hook->gate)
        return fail(L, &err);
    lua_pushvalue(L, self);
    return 1;
}

static int gate_close(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.gate");
    jig_gate_close(hook->gate);
    hook->gate = NULL;
    return 0;
}

static void passage_ended(struct jig_passage *passage, int rc, const struct jig_error *err)
{
    struct hook *hook = passage->data;
    lua_State *L = begin_call(hook);
    lua_pushstring(L, jig_err_name((enum jig_err)rc));
    lua_pushstring(L, rc < 0 ? err->text : NULL);
    end_call(hook, 2);
}

/* gate:enter({ order = 0 to 2, name, calls, limit }, fn) -> passage, "ok" or "again"; fn(code,
 * message) */
static int gate_enter(lua_State *L)
{
    struct hook *gate = luaL_checkudata(L, 1, "spec.loop.gate");
    lua_settop(L, 3);
    struct hook *hook = push_hook(L, gate->owner, 3, "spec.loop.passage");
    int self = lua_gettop(L);
    int64_t now = jig_loop_now(gate->owner->loop);
    struct jig_error err;
    hook->passage =
        (struct jig_passage){.order = (enum jig_gate_order)number(L, 2, "order", JIG_GATE_NEW),
                             .name = text(L, 2, "name", "A"),
                             .calls = (size_t)number(L, 2, "calls", 0),
                             .deadline = jig_clock_after(now, number(L, 2, "limit", 600)),
                             .ended = passage_ended,
                             .data = hook};
    int rc = jig_gate_enter(gate->gate, &hook->passage, &err);
    if (rc < 0 && rc != JIG_AGAIN)
        return fail(L, &err);
    lua_pushvalue(L, self);
    lua_pushstring(L, jig_err_name((enum jig_err)rc));
    return 2;
}

static struct jig_passage *check_passage(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.passage");
    return &hook->passage;
}

static int passage_leave(lua_State *L)
{
    jig_gate_leave(check_passage(L));
    return 0;
}

/* passage:about() -> place, seconds waited, the seat's descriptor */
static int passage_about(lua_State *L)
{
    const struct jig_passage *passage = check_passage(L);
    lua_pushinteger(L, (lua_Integer)jig_gate_place(passage));
    lua_pushnumber(L, (double)jig_gate_waited(passage) / JIG_SECOND);
    lua_pushinteger(L, jig_gate_seat(passage));
    return 3;
}

/* passage:calls(process id, seconds within which it should have ended) */
static int passage_calls(lua_State *L)
{
    jig_gate_calls(check_passage(L), luaL_checkinteger(L, 2),
                   jig_clock_after(0, luaL_checknumber(L, 3)));
    return 0;
}

/* l:shut(reason); l:shut() -> the reason */
static int loop_shut(lua_State *L)
{
    struct owner *owner = check_owner(L);
    if (!lua_isnoneornil(L, 2))
        jig_gate_shut(owner->loop, JIG_EPIN, luaL_checkstring(L, 2));
    lua_pushstring(L, jig_gate_is_shut(owner->loop));
    return 1;
}

static void add_place(void *data, const char *name, size_t place)
{
    lua_State *L = data;
    lua_pushinteger(L, (lua_Integer)place);
    lua_setfield(L, -2, name);
}

/* l:places() -> name -> place */
static int loop_places(lua_State *L)
{
    struct owner *owner = check_owner(L);
    lua_newtable(L);
    jig_gate_each(owner->loop, add_place, L);
    return 1;
}

/* process_start(process id) -> ticks, 0 = none; process_lives(process id, ticks) */
static int process_start(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)jig_process_start(luaL_checkinteger(L, 1)));
    return 1;
}

static int process_lives(lua_State *L)
{
    lua_pushboolean(L,
                    jig_process_lives(luaL_checkinteger(L, 1), (uint64_t)luaL_checkinteger(L, 2)));
    return 1;
}

/* ---- time, errors, descriptors ---- */

/* after(from, seconds) -> ns */
static int clock_after(lua_State *L)
{
    lua_pushinteger(L, jig_clock_after(luaL_checkinteger(L, 1), luaL_checknumber(L, 2)));
    return 1;
}

/* advance(at, when, simulated) -> where a clock at `at` stands after being moved to `when` */
static int clock_advance(lua_State *L)
{
    struct jig_clock clock = {.simulated = lua_toboolean(L, 3), .at = luaL_checkinteger(L, 1)};
    jig_clock_advance(&clock, luaL_checkinteger(L, 2));
    lua_pushinteger(L, clock.at);
    return 1;
}

/* error_name(code) -> word */
static int error_name(lua_State *L)
{
    lua_pushstring(L, jig_err_name((enum jig_err)luaL_checkinteger(L, 1)));
    return 1;
}

/* error(code, text) -> the code that was returned, text, code, errno of what was filled */
static int error_fill(lua_State *L)
{
    struct jig_error err = {.sys = 99};
    enum jig_err code = (enum jig_err)luaL_checkinteger(L, 1);
    jig_fail(NULL, code, "%s", "");
    lua_pushinteger(L, jig_fail(&err, code, "%s", luaL_checkstring(L, 2)));
    lua_pushstring(L, err.text);
    lua_pushinteger(L, err.code);
    lua_pushinteger(L, err.sys);
    return 4;
}

/* error_sys(errno, text) -> the same */
static int error_sys(lua_State *L)
{
    struct jig_error err = {0};
    int sys = (int)luaL_checkinteger(L, 1);
    jig_fail_sys(NULL, sys, "%s", "");
    lua_pushinteger(L, jig_fail_sys(&err, sys, "%s", luaL_checkstring(L, 2)));
    lua_pushstring(L, err.text);
    lua_pushinteger(L, err.code);
    lua_pushinteger(L, err.sys);
    return 4;
}

/* pipe() -> reading end, writing end: inherited by children unless they take care */
static int make_pipe(lua_State *L)
{
    int ends[2];
    if (pipe(ends) < 0)
        return luaL_error(L, "%s", strerror(errno));
    lua_pushinteger(L, ends[0]);
    lua_pushinteger(L, ends[1]);
    return 2;
}

/* open(path) -> descriptor */
static int open_file(lua_State *L)
{
    int fd = open(luaL_checkstring(L, 1), O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return luaL_error(L, "%s", strerror(errno));
    lua_pushinteger(L, fd);
    return 1;
}

/* close(descriptor) */
static int close_file(lua_State *L)
{
    close((int)luaL_checkinteger(L, 1));
    return 0;
}

/* write(descriptor, bytes) */
static int write_file(lua_State *L)
{
    size_t n;
    const char *bytes = luaL_checklstring(L, 2, &n);
    if (write((int)luaL_checkinteger(L, 1), bytes, n) != (ssize_t)n)
        return luaL_error(L, "%s", strerror(errno));
    return 0;
}

/* read(descriptor) -> at most 4096 bytes; "" at the end */
static int read_file(lua_State *L)
{
    char bytes[4096];
    ssize_t n = read((int)luaL_checkinteger(L, 1), bytes, sizeof bytes);
    if (n < 0)
        return luaL_error(L, "%s", strerror(errno));
    lua_pushlstring(L, bytes, (size_t)n);
    return 1;
}

/* raise(signum): sends a signal to this process. */
static int raise_signal(lua_State *L)
{
    kill(getpid(), (int)luaL_checkinteger(L, 1));
    return 0;
}

/* ---- registration ---- */

static void new_type(lua_State *L, const char *type, const luaL_Reg *methods)
{
    luaL_newmetatable(L, type);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

/* ---- arrival: a monitor whose events are bytes in a pipe ---- */

static struct {
    bool refused; /* cannot be opened */
    bool broken;  /* cannot be watched */
    int opened;   /* are open now */
    int pipe[2];
    int file; /* a descriptor that is always ready, and so cannot be watched */
} monitor;

static void *monitor_open(int *fd, struct jig_error *err)
{
    if (monitor.refused || pipe2(monitor.pipe, O_NONBLOCK | O_CLOEXEC) < 0) {
        jig_fail(err, JIG_EUNSUPPORTED, "no monitor");
        return NULL;
    }
    monitor.opened++;
    monitor.file = monitor.broken ? open("/proc/self/exe", O_RDONLY | O_CLOEXEC) : -1;
    *fd = monitor.broken ? monitor.file : monitor.pipe[0];
    return &monitor;
}

/* '-' is an event that is not for us. Four are taken at once. */
static bool monitor_drain(void *opened)
{
    char bytes[4];
    bool ours = false;
    ssize_t n = read(monitor.pipe[0], bytes, sizeof bytes);
    (void)opened;
    for (ssize_t i = 0; i < n; i++)
        ours = ours || bytes[i] != '-';
    return ours;
}

static void monitor_close(void *opened)
{
    (void)opened;
    close(monitor.pipe[0]);
    close(monitor.pipe[1]);
    if (monitor.file >= 0)
        close(monitor.file);
    monitor.opened--;
}

const struct jig_arrival_source jig_arrival_source = {monitor_open, monitor_drain, monitor_close};

/* monitor(refused [, broken]) -> how many are open; from now on they open or do not, or open and
 * cannot be watched */
static int set_monitor(lua_State *L)
{
    monitor.refused = lua_toboolean(L, 1);
    monitor.broken = lua_toboolean(L, 2);
    lua_pushinteger(L, monitor.opened);
    return 1;
}

/* event(bytes): each of them is one event */
static int event(lua_State *L)
{
    size_t n;
    const char *bytes = luaL_checklstring(L, 1, &n);
    lua_pushboolean(L, write(monitor.pipe[1], bytes, n) == (ssize_t)n);
    return 1;
}

/* l:changes() -> how often something changed; how many wait */
static int loop_changes(lua_State *L)
{
    struct jig_loop *loop = check_owner(L)->loop;
    lua_pushinteger(L, (lua_Integer)jig_arrival_count(loop, NULL));
    lua_pushinteger(L, (lua_Integer)jig_arrival_waiters(loop));
    return 2;
}

static void arrived(void *data)
{
    begin_call(data);
    end_call(data, 0);
}

/* l:held() -> timers and watches of the loop */
static int loop_held(lua_State *L)
{
    struct jig_loop *loop = check_owner(L)->loop;
    lua_pushinteger(L, (lua_Integer)jig_loop_timers(loop));
    lua_pushinteger(L, (lua_Integer)jig_loop_watches(loop));
    return 2;
}

/* l:arrival(fn) -> waiter, which does not wait yet */
static int loop_arrival(lua_State *L)
{
    struct hook *hook = push_hook(L, check_owner(L), 2, "spec.loop.arrival");
    hook->arrival = (struct jig_arrival_waiter){.fn = arrived, .data = hook};
    return 1;
}

static int arrival_wait(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.arrival");
    struct jig_error err;
    int code = jig_arrival_wait(hook->owner->loop, NULL, &hook->arrival, &err);
    if (code < 0)
        return code == (int)err.code ? fail(L, &err) : luaL_error(L, "two codes of one failure");
    lua_pushboolean(L, 1);
    return 1;
}

static int arrival_unwait(lua_State *L)
{
    struct hook *hook = luaL_checkudata(L, 1, "spec.loop.arrival");
    jig_arrival_unwait(hook->owner->loop, &hook->arrival);
    return 0;
}

static const luaL_Reg loop_methods[] = {
    {"free", loop_free},
    {"now", loop_now},
    {"step", loop_step},
    {"value", loop_value},
    {"children", loop_children},
    {"busy", loop_busy},
    {"unreported", loop_unreported},
    {"timer", loop_timer},
    {"deferred", loop_deferred},
    {"watch", loop_watch},
    {"signal", loop_signal},
    {"lookup", loop_lookup},
    {"bell", loop_bell},
    {"child", loop_child},
    {"proc", loop_proc},
    {"journal", loop_journal},
    {"session", loop_session},
    {"gate", loop_gate},
    {"shut", loop_shut},
    {"places", loop_places},
    {"changes", loop_changes},
    {"arrival", loop_arrival},
    {"held", loop_held},
    {NULL, NULL},
};
static const luaL_Reg timer_methods[] = {
    {"start", timer_start}, {"stop", timer_stop}, {"started", timer_started}, {NULL, NULL}};
static const luaL_Reg deferred_methods[] = {
    {"defer", deferred_defer}, {"cancel", deferred_cancel}, {NULL, NULL}};
static const luaL_Reg watch_methods[] = {{"want", watch_want}, {"free", watch_free}, {NULL, NULL}};
static const luaL_Reg lookup_methods[] = {{"cancel", lookup_cancel}, {NULL, NULL}};
static const luaL_Reg bell_methods[] = {{"ring", bell_ring},
                                        {"join", bell_join},
                                        {"want", bell_want},
                                        {"free", bell_free},
                                        {NULL, NULL}};
static const luaL_Reg child_methods[] = {
    {"pid", child_pid}, {"stop", child_stop}, {"abandon", child_abandon}, {NULL, NULL}};
static const luaL_Reg proc_methods[] = {{"pid", proc_pid},
                                        {"stop", proc_stop},
                                        {"limit", proc_limit},
                                        {"abandon", proc_abandon},
                                        {NULL, NULL}};
static const luaL_Reg session_methods[] = {
    {"call", session_call},       {"state", session_state},
    {"owes", session_owes},       {"id", session_id},
    {"place", session_place},     {"interrupt", session_interrupt},
    {"release", session_release}, {NULL, NULL},
};
static const luaL_Reg gate_methods[] = {{"enter", gate_enter}, {"close", gate_close}, {NULL, NULL}};
static const luaL_Reg passage_methods[] = {
    {"leave", passage_leave}, {"about", passage_about}, {"calls", passage_calls}, {NULL, NULL}};
static const luaL_Reg arrival_methods[] = {
    {"wait", arrival_wait}, {"unwait", arrival_unwait}, {NULL, NULL}};
static const luaL_Reg no_methods[] = {{NULL, NULL}};

static const luaL_Reg functions[] = {
    {"new", loop_new},
    {"service", service},
    {"after", clock_after},
    {"advance", clock_advance},
    {"error_name", error_name},
    {"error", error_fill},
    {"error_sys", error_sys},
    {"pipe", make_pipe},
    {"open", open_file},
    {"close", close_file},
    {"write", write_file},
    {"read", read_file},
    {"raise", raise_signal},
    {"process_start", process_start},
    {"process_lives", process_lives},
    {"monitor", set_monitor},
    {"event", event},
    {NULL, NULL},
};

int luaopen_spec_loop(lua_State *L);

int luaopen_spec_loop(lua_State *L)
{
    new_type(L, LOOP, loop_methods);
    new_type(L, "spec.loop.timer", timer_methods);
    new_type(L, "spec.loop.deferred", deferred_methods);
    new_type(L, "spec.loop.watch", watch_methods);
    new_type(L, "spec.loop.signal", no_methods);
    new_type(L, "spec.loop.lookup", lookup_methods);
    new_type(L, "spec.loop.bell", bell_methods);
    new_type(L, "spec.loop.child", child_methods);
    new_type(L, "spec.loop.proc", proc_methods);
    new_type(L, "spec.loop.session", session_methods);
    new_type(L, "spec.loop.gate", gate_methods);
    new_type(L, "spec.loop.passage", passage_methods);
    new_type(L, "spec.loop.arrival", arrival_methods);
    luaL_newlib(L, functions);
    return 1;
}
