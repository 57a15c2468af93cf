/* Tasks and waiting: the scheduler that all waiting bindings stand on.
 *
 * A task is a coroutine that the scheduler resumes. Loop callbacks only mark tasks ready
 * (jigL_wake); jigL_step resumes them after the pass, so no Lua ever runs inside a callback.
 * What is yielded to the scheduler is one private value; coroutines that a script makes itself hand
 * it through (scripts/jig/coroutines.lua).
 */
#include "bindings/jig.h"

#include <stdlib.h>
#include <string.h>

#include "bindings/slot.h"
#include "bindings/state.h"
#include "bindings/watchdog.h"
#include "bindings/world.h"
#include "core/arrival.h"
#include "core/pinned.h"
#include "core/secret.h"

struct limit {
    int64_t deadline;
    double seconds;
    bool shield; /* neither interrupts nor outer limits reach inside */
    unsigned id;
    char name[JIG_LIMIT_NAME];
};

struct jig_task {
    struct jig_engine *engine;
    struct jig_task *next;
    lua_State *co;
    lua_State *waiting; /* the coroutine in which it waits; NULL = it does not */
    int ref;            /* keeps co alive, in the registry */
    bool queued, dropped, ended;
    int arguments; /* of the first resume */
    unsigned interrupts;
    bool stopped;          /* a wait of it failed for that */
    struct jig_wait *wait; /* what it is blocked on */
    struct jig_wait nap;
    struct jig_budget budget;
    struct limit limits[JIG_LIMIT_DEPTH];
    int depth;
    unsigned scopes; /* that were entered so far */
    jig_task_fn *fn;
    void *data;
};

const char jigL_yielded, jigL_forced;

/* ---- the engine ---- */

static void enqueue(struct jig_task *task)
{
    if (task->queued || task->dropped)
        return;
    task->queued = true;
    task->next = NULL;
    *task->engine->ready_end = task;
    task->engine->ready_end = &task->next;
}

int jigL_engine_open(struct jig_engine *engine, struct jig_error *err)
{
    *engine = (struct jig_engine){.log = {.level = JIG_LOG_WARN}};
    engine->ready_end = &engine->ready;
    engine->loop = jig_loop_new(err);
    engine->nap = calloc(1, sizeof *engine->nap);
    engine->signal_wait = calloc(1, sizeof *engine->signal_wait);
    if (!engine->loop || !engine->nap || !engine->signal_wait)
        return engine->loop ? jig_fail(err, JIG_ENOMEM, "no memory") : JIG_ESYSTEM;
    engine->coverage = jig_coverage_new();
    engine->log.loop = engine->loop;
    engine->log.start = jig_loop_now(engine->loop);
    return JIG_OK;
}

void jigL_engine_close(struct jig_engine *engine)
{
    jig_watchdog_free(engine->watchdog);
    jigL_meter_stop(engine);
    if (engine->loop)
        jig_arrival_close(engine->loop);
    jig_loop_free(engine->loop);
    while (engine->ready) { /* dropped while they were ready */
        struct jig_task *task = engine->ready;
        engine->ready = task->next;
        free(task);
    }
    free(engine->nap);
    free(engine->signal_wait);
    jig_coverage_free(engine->coverage);
    if (engine->pinned)
        jig_pinned_close(engine->pinned);
    free(engine->pinned);
    jig_secret_drop(engine->pin);
    jigL_ahead_free(engine->ahead);
    *engine = (struct jig_engine){0};
}

void jigL_attach(lua_State *L, struct jig_engine *engine)
{
    *(struct jig_engine **)lua_getextraspace(L) = engine;
    jigL_rest(L);
}

struct jig_engine *jigL_engine(lua_State *L)
{
    return *(struct jig_engine **)lua_getextraspace(L);
}

static void end_task(struct jig_task *task, bool ok, int results)
{
    lua_State *co = task->co;
    task->ended = true;
    task->engine->tasks--;
    if (task->wait) /* left behind: see jigL_block */
        jigL_wait_drop(task->wait);
    if (task->fn)
        task->fn(task->data, co, ok, ok ? results : 1);
    if (!ok)
        lua_resetthread(co);
    luaL_unref(co, LUA_REGISTRYINDEX, task->ref);
    free(task);
}

/* From here on the object may be waited on again. */
static void end_wait(struct jig_task *task)
{
    if (!task->wait || task->wait->state != JIG_WAIT_DONE)
        return;
    task->wait->state = JIG_WAIT_IDLE;
    task->wait = NULL;
}

/* One turn of the task, which the budget counts, and may be what ends it. */
static int turn(struct jig_task *task, int *results, bool *forced)
{
    struct jig_engine *engine = task->engine;
    struct jig_task *outer = engine->current;
    engine->current = task;
    lua_State *running = jigL_budget_enter(engine, task->co);
    jigL_turn_begins(&engine->meter, &task->budget, task->co);
    int status = lua_resume(task->co, NULL, task->arguments, results);
    jigL_turn_ends(&engine->meter);
    jigL_budget_leave(engine, running);
    *forced = jigL_budget_forced(engine);
    engine->current = outer;
    task->arguments = 0;
    return status;
}

/* Turns until it waits. In simulated time nobody else is kept waiting by one that computes, and
 * when the budget has it give way is chance, which must not show in what happens. */
static int turns(struct jig_task *task, int *results)
{
    bool simulated = jig_loop_clock(task->engine->loop)->simulated, forced;
    int status = turn(task, results, &forced);
    while (simulated && forced && status == LUA_YIELD) {
        lua_pop(task->co, *results);
        status = turn(task, results, &forced);
    }
    return status;
}

static void resume(struct jig_task *task)
{
    int results = 0;
    end_wait(task);
    task->waiting = NULL;
    int status = turns(task, &results);
    if (status != LUA_YIELD) {
        end_task(task, status == LUA_OK, results);
    } else if (results != 1 || lua_touserdata(task->co, -1) != (void *)&jigL_yielded) {
        /* a yield that nobody asked for, or the budget's: go on in the next round */
        lua_pop(task->co, results);
        enqueue(task);
    } else {
        lua_pop(task->co, 1);
        task->budget.used = task->budget.held = 0;
    }
}

/* Those that become ready while others run wait for the next step. */
static void run_ready(struct jig_engine *engine)
{
    struct jig_task *batch = engine->ready;
    engine->ready = NULL;
    engine->ready_end = &engine->ready;
    while (batch) {
        struct jig_task *task = batch;
        batch = task->next;
        task->queued = false;
        if (task->dropped)
            free(task);
        else if (!engine->leaving)
            resume(task);
    }
}

/* A signal may still come, also when nothing else can. Not in simulated time, which would jump. */
static bool awaits_signal(const struct jig_engine *engine)
{
    return engine->signal_wait->state == JIG_WAIT_PENDING &&
           !jig_loop_clock(engine->loop)->simulated;
}

bool jigL_step(struct jig_engine *engine, int64_t deadline)
{
    bool ran = engine->ready != NULL;
    run_ready(engine);
    if (ran && !engine->ready)
        return true; /* the caller may have what it waits for */
    if (deadline == JIG_FOREVER && awaits_signal(engine))
        deadline--; /* the loop takes it for a time, and waits */
    if (engine->untidy && !engine->ready) {
        jigL_slots_tidy(engine);
        if (engine->untidy)
            deadline = 0; /* one at a time: others are not kept waiting */
    }
    return jig_loop_step(engine->loop, engine->ready ? 0 : deadline) || ran || engine->ready;
}

/* ---- waiting ---- */

/* The innermost limit that passes first, up to the nearest shield. */
static const struct limit *nearest_limit(const struct jig_task *task)
{
    const struct limit *first = NULL;
    for (int i = task->depth; i-- > 0;) {
        const struct limit *limit = &task->limits[i];
        if (!first || limit->deadline < first->deadline)
            first = limit;
        if (limit->shield)
            break;
    }
    return first;
}

void jigL_push_limits(lua_State *L, const struct jig_task *task)
{
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (int i = 0; task && i < task->depth; i++) {
        if (i > 0)
            luaL_addchar(&b, ' ');
        luaL_addstring(&b, task->limits[i].name);
    }
    luaL_pushresult(&b);
}

static bool shielded(const struct jig_task *task)
{
    for (int i = 0; i < task->depth; i++)
        if (task->limits[i].shield)
            return true;
    return false;
}

/* Not by snprintf: a limit is named for each wait, and that took a fortieth of jig's instructions.
 */
static void set_name(char to[JIG_LIMIT_NAME], const char *name)
{
    size_t n = strnlen(name, JIG_LIMIT_NAME - 1);
    memcpy(to, name, n);
    to[n] = '\0';
}

static void set_limit(struct jig_wait *wait, const char *name, double seconds)
{
    set_name(wait->limit, name);
    wait->limit_seconds = seconds;
}

static void limit_passed(struct jig_timer *timer)
{
    jigL_wake_with(timer->data, JIG_ETIMEOUT);
}

void jigL_wait_begin(lua_State *L, struct jig_wait *wait, const char *limit, double seconds,
                     bool exempt)
{
    struct jig_engine *engine = jigL_engine(L);
    if (wait->state != JIG_WAIT_IDLE) /* DONE: who waited has not been resumed yet */
        luaL_error(L, "another task is already waiting for this");
    int64_t deadline = jig_clock_after(jig_loop_now(engine->loop), seconds);
    wait->engine = engine;
    wait->task = engine->current;
    wait->outcome = JIG_OK;
    wait->timer.deadline = deadline;
    wait->timer.fire = limit_passed;
    wait->timer.data = wait;
    set_limit(wait, limit, seconds);
    const struct limit *outer = wait->task && !exempt ? nearest_limit(wait->task) : NULL;
    if (outer && outer->deadline < deadline) {
        wait->timer.deadline = outer->deadline;
        set_limit(wait, outer->name, outer->seconds);
    }
}

static void stop(struct jig_wait *wait)
{
    wait->task->stopped = true;
    wait->outcome = JIG_ECANCELLED;
}

/* False when there is no use in waiting at all. */
static bool may_wait(struct jig_wait *wait)
{
    struct jig_task *task = wait->task;
    if (task && task->interrupts && !wait->interrupted && !shielded(task))
        stop(wait);
    else if (wait->timer.deadline <= jig_loop_now(wait->engine->loop))
        wait->outcome = JIG_ETIMEOUT;
    else if (jig_timer_start(wait->engine->loop, &wait->timer, wait->timer.deadline) < 0)
        wait->outcome = JIG_ENOMEM;
    else
        return true;
    return false;
}

static void pump(lua_State *L, struct jig_wait *wait, const char *what)
{
    while (wait->state == JIG_WAIT_PENDING) {
        if (wait->engine->leaving) {
            jigL_wait_drop(wait);
            luaL_error(L, "exit");
        }
        if (!jigL_step(wait->engine, JIG_FOREVER)) {
            jigL_wait_drop(wait);
            luaL_error(L, "%s would wait for ever: nothing is left that could end it", what);
        }
    }
    wait->state = JIG_WAIT_IDLE;
}

void jigL_check_wait(lua_State *L, const char *what)
{
    struct jig_task *task = jigL_engine(L)->current;
    if (task && (!lua_isyieldable(L) || task->budget.closing))
        luaL_error(L,
                   "%s cannot wait here: a C function that cannot be suspended is on the call "
                   "stack (a table.sort comparison, a string.gsub replacement, coroutine.close, "
                   "a finalizer)",
                   what);
}

/* Whether a world makes its limit pass at once. What the world does when it is asked may as well
 * have ended the wait: then who waits is ready. */
static bool limit_comes(lua_State *L, struct jig_wait *wait, const char *what)
{
    struct jig_world *world = wait->engine->world;
    if (!world || !jigL_world_waits(world, L, wait, what) || wait->state != JIG_WAIT_PENDING)
        return false;
    jigL_wait_drop(wait);
    wait->outcome = JIG_ETIMEOUT;
    return true;
}

bool jigL_block(lua_State *L, struct jig_wait *wait, const char *what)
{
    jigL_check_wait(L, what);
    if (!may_wait(wait))
        return true;
    if (wait->task && wait->task->wait) /* what was thrown on the way out left one behind */
        jigL_wait_drop(wait->task->wait);
    wait->outcome = JIG_OK;
    wait->state = JIG_WAIT_PENDING;
    if (!wait->task) {
        pump(L, wait, what);
        return true;
    }
    wait->task->wait = wait;
    if (limit_comes(L, wait, what))
        return true;
    wait->task->waiting = L;
    return false;
}

int jigL_yield(lua_State *L, lua_KContext ctx, lua_KFunction k)
{
    lua_pushlightuserdata(L, (void *)&jigL_yielded);
    return lua_yieldk(L, 1, ctx, k);
}

void jigL_wake_with(struct jig_wait *wait, enum jig_err outcome)
{
    if (wait->state == JIG_WAIT_DONE && outcome == JIG_ECLOSED)
        wait->outcome = outcome; /* closed before who waited was resumed */
    if (wait->state != JIG_WAIT_PENDING)
        return;
    jig_timer_stop(wait->engine->loop, &wait->timer);
    wait->state = JIG_WAIT_DONE;
    wait->outcome = outcome;
    if (wait->task)
        enqueue(wait->task);
}

void jigL_wake(struct jig_wait *wait)
{
    jigL_wake_with(wait, JIG_OK);
}

void jigL_wait_drop(struct jig_wait *wait)
{
    if (wait->state != JIG_WAIT_PENDING)
        return;
    jig_timer_stop(wait->engine->loop, &wait->timer);
    wait->state = JIG_WAIT_IDLE;
    if (wait->task)
        wait->task->wait = NULL;
}

unsigned jigL_limit_enter(lua_State *L, const char *name, double seconds, bool shield)
{
    struct jig_task *task = jigL_engine(L)->current;
    if (!task)
        return (unsigned)luaL_error(L, "limits belong to a task: there is none here");
    if (task->depth == JIG_LIMIT_DEPTH)
        return (unsigned)luaL_error(L, "limits are nested too deeply (at most %d)",
                                    JIG_LIMIT_DEPTH);
    struct limit *limit = &task->limits[task->depth++];
    limit->deadline = jig_clock_after(jig_loop_now(task->engine->loop), seconds);
    limit->seconds = seconds;
    limit->shield = shield;
    limit->id = ++task->scopes;
    set_name(limit->name, name);
    return limit->id;
}

/* What is left within one of the task itself are those of coroutines that were given up. One of a
 * coroutine may end when others, which it is not around, were entered since: those stay. */
void jigL_limit_leave(lua_State *L, struct jig_task *task, unsigned id)
{
    int i = task->depth - 1;
    while (i >= 0 && task->limits[i].id != id)
        i--;
    if (i < 0)
        return;
    if (L == task->co)
        task->depth = i + 1;
    task->depth--;
    memmove(&task->limits[i], &task->limits[i + 1],
            (size_t)(task->depth - i) * sizeof *task->limits);
}

void jigL_limit_extend(struct jig_engine *engine, int64_t ns)
{
    struct jig_task *task = engine->current;
    for (int i = 0; task && i < task->depth; i++) {
        int64_t *deadline = &task->limits[i].deadline;
        *deadline = *deadline < JIG_FOREVER - ns ? *deadline + ns : JIG_FOREVER;
    }
}

/* ---- failing ---- */

int jigL_fail(lua_State *L, const struct jig_error *err)
{
    lua_pushnil(L);
    lua_pushstring(L, err->text);
    lua_pushstring(L, jig_err_name(err->code));
    return 3;
}

int jigL_fail_limit(lua_State *L, const struct jig_error *err, const char *limit)
{
    jigL_fail(L, err);
    lua_pushstring(L, limit);
    return 4;
}

int jigL_fail_wait(lua_State *L, const struct jig_wait *wait, const char *what)
{
    struct jig_error err;
    switch (wait->outcome) {
    case JIG_ETIMEOUT:
        jig_fail(&err, JIG_ETIMEOUT, "%s: the limit '%s' of %g s passed", what, wait->limit,
                 wait->limit_seconds);
        return jigL_fail_limit(L, &err, wait->limit);
    case JIG_ECANCELLED:
        jig_fail(&err, JIG_ECANCELLED, "%s: interrupted", what);
        break;
    case JIG_ECLOSED:
        jig_fail(&err, JIG_ECLOSED, "%s: closed while waiting", what);
        break;
    default:
        jig_fail(&err, wait->outcome, "%s: cannot wait (%s)", what, jig_err_name(wait->outcome));
    }
    return jigL_fail(L, &err);
}

double jigL_opt_seconds(lua_State *L, int arg, double fallback)
{
    double seconds = luaL_optnumber(L, arg, fallback);
    luaL_argcheck(L, seconds >= 0, arg, "seconds must be 0 or more");
    return seconds;
}

void jigL_check_keys(lua_State *L, int arg, const char *what, const char *const *known)
{
    luaL_checktype(L, arg, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, arg)) {
        const char *const *k = known;
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        while (key && *k && strcmp(*k, key) != 0)
            k++;
        if (!key || !*k)
            luaL_error(L, "%s: unknown option '%s'", what, luaL_tolstring(L, -2, NULL));
        lua_pop(L, 1);
    }
}

/* ---- tasks ---- */

static int keep_traceback(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TSTRING) /* error objects keep what they have */
        luaL_traceback(L, L, lua_tostring(L, 1), 1);
    return 1;
}

static int body_ended(lua_State *L, int status, lua_KContext ctx)
{
    (void)ctx;
    if (status != LUA_OK && status != LUA_YIELD)
        return lua_error(L);
    return lua_gettop(L) - 1;
}

/* One protected call, so that <close> variables run while it unwinds and may still wait. */
static int body(lua_State *L)
{
    lua_pushcfunction(L, keep_traceback);
    lua_insert(L, 1);
    return body_ended(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, 0, body_ended), 0);
}

struct jig_task *jigL_spawn(lua_State *L, int n, jig_task_fn *ended, void *data)
{
    struct jig_engine *engine = jigL_engine(L);
    lua_State *co = lua_newthread(L);
    if (!lua_checkstack(co, n + 2))
        luaL_error(L, "a task cannot take %d arguments", n);
    lua_insert(L, -(n + 2));
    lua_pushcfunction(co, body);
    lua_xmove(L, co, n + 1);
    int ref = luaL_ref(L, LUA_REGISTRYINDEX);
    struct jig_task *task = calloc(1, sizeof *task);
    if (!task) {
        luaL_unref(L, LUA_REGISTRYINDEX, ref);
        luaL_error(L, "no memory for a task");
        return NULL;
    }
    task->engine = engine;
    task->co = co;
    task->ref = ref;
    task->arguments = n + 1;
    task->fn = ended;
    task->data = data;
    task->budget.name = engine->current ? engine->current->budget.name : NULL;
    engine->tasks++;
    enqueue(task);
    return task;
}

void jigL_task_interrupt(struct jig_task *task)
{
    struct jig_wait *wait = task->wait;
    task->interrupts++;
    if (!wait || wait->state != JIG_WAIT_PENDING)
        return;
    if (wait->interrupted)
        wait->interrupted(wait, task->interrupts);
    else if (!shielded(task)) {
        task->stopped = true;
        jigL_wake_with(wait, JIG_ECANCELLED);
    }
}

void jigL_task_turn(struct jig_task *task)
{
    enqueue(task);
}

bool jigL_task_stopped(const struct jig_task *task)
{
    return task && task->stopped;
}

unsigned jigL_task_interrupts(const struct jig_task *task)
{
    return task ? task->interrupts : 0;
}

struct jig_budget *jigL_task_budget(struct jig_task *task)
{
    return &task->budget;
}

struct jig_wait *jigL_task_nap(struct jig_task *task)
{
    return &task->nap;
}

lua_State *jigL_task_thread(const struct jig_task *task)
{
    return task->waiting ? task->waiting : task->co;
}

lua_State *jigL_task_first(const struct jig_task *task)
{
    return task->co;
}

void jigL_task_drop(struct jig_task *task)
{
    if (task->wait)
        jigL_wait_drop(task->wait);
    jigL_wait_drop(&task->nap);
    task->engine->tasks--;
    task->dropped = true;
    if (!task->queued)
        free(task);
}
