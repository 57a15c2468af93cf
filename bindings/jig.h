/* What the bindings share: the engine, tasks, waiting, and the one way to fail.
 *
 * Conventions of every module here:
 * - misuse raises; the world failing returns nil, message, code (a word of jig_err_name);
 * - a userdata is created closed, given its metatable, and only then opened;
 * - __gc and __close are the same idempotent function, in which nothing waits;
 * - a waiting function tries first; when it would block it either yields its coroutine to the
 *   scheduler (inside a task) or runs the loop until it is told (outside any task).
 * Comments in brackets are stack effects in the notation of the Lua manual.
 */
#ifndef JIG_BINDINGS_JIG_H
#define JIG_BINDINGS_JIG_H

#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>

#include "bindings/budget.h"
#include "bindings/coverage.h"
#include "core/error.h"
#include "core/journal.h"
#include "core/log.h"
#include "core/loop.h"

struct jig_pinned;
struct jig_ahead;
struct jig_secret;
struct jig_slot;
struct jig_task;
struct jig_wait;
struct jig_watchdog;
struct jig_world;

/* One for the program, and one for each world (world.h): the loop and its ready tasks. Every
 * lua_State keeps a pointer to it in its extra space, which coroutines inherit. */
struct jig_engine {
    struct jig_loop *loop;
    struct jig_log log;
    struct jig_task *ready, **ready_end; /* tasks to resume, in the order they became ready */
    struct jig_task *current;            /* the one that is running; NULL outside any task */
    struct jig_meter meter;              /* of what slots compute */
    struct jig_coverage *coverage;       /* NULL = lines are not counted */
    struct jig_watchdog *watchdog;       /* NULL = not started */
    unsigned patience;                   /* its seconds; 0 = JIG_WATCHDOG_SECONDS */
    struct jig_wait *nap;                /* sleep outside any task */
    struct jig_journal *journal;         /* NULL = nothing is recorded; see journal.c */
    size_t tasks;                        /* started and not yet ended */
    size_t slots;                        /* whose states are open */
    struct jig_slot *open_slots;         /* these, the newest first */
    size_t untidy;                       /* of them: see slot.forget */
    struct jig_world *world;             /* whose engine it is; NULL = the program's */
    struct jig_ahead *ahead;             /* NULL = not tried; see ahead.c; the program's */
    lua_State *caller; /* of the main state: the thread that called what happens now in a world */
    bool playing;      /* in the program's engine: a world runs */
    bool seeded;       /* random bytes follow from `chance` */
    uint64_t chance;
    unsigned signals;     /* that ask the program to end and arrived: see main.c */
    int signum;           /* the latest of them */
    bool signals_claimed; /* a command waits for them; else they end the program */
    bool leaving;         /* system.exit was called, with this status */
    int status;
    bool settled;                 /* and sessions left unreported do not change it */
    struct jig_wait *signal_wait; /* who waits for one */
    struct jig_pinned *pinned; /* the CLI of services that are pinned; NULL = none: see guard.c */
    struct jig_secret *pin;    /* of the token; NULL = none is kept: see pin.c */
};

int jigL_engine_open(struct jig_engine *engine, struct jig_error *err);
void jigL_engine_close(struct jig_engine *engine);

/* Ties a new state to the engine; before any coroutine is made in it. [-0, +0, -] */
void jigL_attach(lua_State *L, struct jig_engine *engine);
struct jig_engine *jigL_engine(lua_State *L);

/* Resumes every ready task once, then makes one pass of the loop that ends at `deadline` at the
 * latest. False: nothing is left that could ever happen. */
bool jigL_step(struct jig_engine *engine, int64_t deadline);

/* ---- failing ---- */

/* Pushes nil, message, code and returns 3. For a limit the limit's name follows: 4. [-0, +3|4, m]
 */
int jigL_fail(lua_State *L, const struct jig_error *err);
int jigL_fail_limit(lua_State *L, const struct jig_error *err, const char *limit);

/* ---- waiting ---- */

enum { JIG_LIMIT_NAME = 16, JIG_LIMIT_DEPTH = 8 };

/* One thing that is waited for. Lives in the object that is waited on; zero it once. */
struct jig_wait {
    struct jig_engine *engine;
    struct jig_task *task; /* who waits; NULL = the main thread, which runs the loop */
    enum { JIG_WAIT_IDLE, JIG_WAIT_PENDING, JIG_WAIT_DONE } state;
    enum jig_err outcome;       /* JIG_OK = woken, JIG_ETIMEOUT, JIG_ECANCELLED, JIG_ECLOSED */
    char limit[JIG_LIMIT_NAME]; /* which limit passed */
    double limit_seconds;
    struct jig_timer timer;
    /* Called when the task is interrupted (times = how often so far). NULL: the wait ends at once
     * with JIG_ECANCELLED. Otherwise the wait goes on, and this makes its end come sooner. */
    void (*interrupted)(struct jig_wait *wait, unsigned times);
    void *data;
};

/* Prepares `wait` with its own limit in seconds (inf = none; its name appears in the message).
 * `exempt`: the limits of the task's scopes do not apply. */
void jigL_wait_begin(lua_State *L, struct jig_wait *wait, const char *limit, double seconds,
                     bool exempt);

/* After JIG_AGAIN and after the loop was asked to call jigL_wake(): waits.
 * True: it is over, look at wait->outcome and try again. False: return jigL_yield() at once; the
 * continuation then looks at wait->outcome. Raises when the coroutine cannot yield here.
 *     for (;;) {
 *         n = try();
 *         if (n != JIG_AGAIN) return push(n);
 *         ask_to_be_told();
 *         if (!jigL_block(L, wait, "port:read")) return jigL_yield(L, ctx, continuation);
 *         if (wait->outcome != JIG_OK) return jigL_fail_wait(L, wait, "port:read");
 *     } */
bool jigL_block(lua_State *L, struct jig_wait *wait, const char *what);

/* Raises, as jigL_block does, where a task cannot wait: for what must not begin there. [-0, +0, v]
 */
void jigL_check_wait(lua_State *L, const char *what);

int jigL_yield(lua_State *L, lua_KContext ctx, lua_KFunction k);

/* The wait is over; safe from any loop callback, and when nobody waits. */
void jigL_wake(struct jig_wait *wait);
void jigL_wake_with(struct jig_wait *wait, enum jig_err outcome);

/* The object goes away: forgets the wait without waking anybody. */
void jigL_wait_drop(struct jig_wait *wait);

/* Pushes nil, message, code[, limit] for an outcome that is not JIG_OK. */
int jigL_fail_wait(lua_State *L, const struct jig_wait *wait, const char *what);

/* Seconds from argument `arg`; absent or nil gives `fallback`. Raises for negative numbers and NaN.
 */
double jigL_opt_seconds(lua_State *L, int arg, double fallback);

/* ---- tasks ---- */

/* Makes a task of the function and its n arguments on the top of L. [-(n+1), +0, m]
 * `ended` (may be NULL) is called from the scheduler when it has ended: results, or the error
 * object when `ok` is false, are on co's stack. The task frees itself. */
typedef void jig_task_fn(void *data, lua_State *co, bool ok, int results);
struct jig_task *jigL_spawn(lua_State *L, int n, jig_task_fn *ended, void *data);

/* Interrupts: the current wait and each following one fail with "interrupted", but inside a shield.
 */
void jigL_task_interrupt(struct jig_task *task);
unsigned jigL_task_interrupts(const struct jig_task *task); /* task may be NULL: 0 */
bool jigL_task_stopped(const struct jig_task *task); /* whether a wait of it failed for that */

/* It is resumed in the next round, after all that can go on by then: before it waits for nothing
 * (jigL_yield). */
void jigL_task_turn(struct jig_task *task);

/* Opens a limit in the current task, and closes it, with those left inside it: see task.limit,
 * task.shield in task.c. Returns the id to give back. Raises outside any task. */
unsigned jigL_limit_enter(lua_State *L, const char *name, double seconds, bool shield);
void jigL_limit_leave(lua_State *L, struct jig_task *task, unsigned id);

/* Pushes the names of the limits around what a task (NULL: none) does just now, outermost first:
 * "unit exchange". */
void jigL_push_limits(lua_State *L, const struct jig_task *task);

/* Moves the limits of the current task's scopes on by `ns`, which it spent where they do not count.
 */
void jigL_limit_extend(struct jig_engine *engine, int64_t ns);

/* Their addresses are what a waiting coroutine yields, and what stands for a yield of the budget's
 * hook, which cannot yield a value: scripts/jig/coroutines.lua hands both on. */
extern const char jigL_yielded, jigL_forced;

/* The wait that a task sleeps on. */
struct jig_wait *jigL_task_nap(struct jig_task *task);

/* How long it may still compute. What a task spawns computes in the same slot's name. */
struct jig_budget *jigL_task_budget(struct jig_task *task);

/* The coroutine in which it waits; its first one when it does not. */
lua_State *jigL_task_thread(const struct jig_task *task);
lua_State *jigL_task_first(const struct jig_task *task);

/* Its state is about to be closed: it will never be resumed again. */
void jigL_task_drop(struct jig_task *task);

/* ---- helpers ---- */

/* Raises unless every key of the table at `arg` is in the NULL-terminated list; names the key. */
void jigL_check_keys(lua_State *L, int arg, const char *what, const char *const *known);

/* What the table of NAME = value on the top of the stack is laid over: all of jig's environment;
 * the few names of it that core/environment.h lets through; nothing. */
enum jigL_base { JIGL_WHOLE, JIGL_FEW, JIGL_BARE };

/* The environment of a child by that table: a string sets a name, false removes it; over the few,
 * true adds it as jig has it, if it has it. The list lives as long as the value that replaces the
 * table. [-1, +1, e] */
const char *const *jigL_environment(lua_State *L, enum jigL_base base);

/* Adds to the module table on the top what jig.port knows of devices: see devices.c. [-0, +0, m] */
void jigL_add_devices(lua_State *L);

/* The descriptor of the owner's lock at `arg`, which journal.take gave. [-0, +0, v] */
int jigL_owner_lock(lua_State *L, int arg);

/* ---- modules ---- */

int luaopen_jig_budget(lua_State *L);
int luaopen_jig_coroutine(lua_State *L);
int luaopen_jig_coverage(lua_State *L);
int luaopen_jig_guard(lua_State *L);
int luaopen_jig_hex(lua_State *L);
int luaopen_jig_crc(lua_State *L);
int luaopen_jig_digest(lua_State *L);
int luaopen_jig_sign(lua_State *L);
int luaopen_jig_clock(lua_State *L);
int luaopen_jig_task(lua_State *L);
int luaopen_jig_pin(lua_State *L);
int luaopen_jig_port(lua_State *L);
int luaopen_jig_gate(lua_State *L);
int luaopen_jig_secret(lua_State *L);
int luaopen_jig_session(lua_State *L);
int luaopen_jig_journal(lua_State *L);
int luaopen_jig_host(lua_State *L);
int luaopen_jig_ledger(lua_State *L);
int luaopen_jig_lineedit(lua_State *L);
int luaopen_jig_proc(lua_State *L);
int luaopen_jig_slot(lua_State *L);
int luaopen_jig_source(lua_State *L);
int luaopen_jig_system(lua_State *L);
int luaopen_jig_version(lua_State *L);
int luaopen_jig_world(lua_State *L);

/* lua-cjson, in its archive or shared library */
int luaopen_cjson_safe(lua_State *L);

#endif
