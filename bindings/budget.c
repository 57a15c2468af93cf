/* jig.budget: code that may not be trusted to end. See budget.h.
 */
#include "bindings/budget.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bindings/bounded.h"
#include "bindings/jig.h"
#include "bindings/memory.h"

enum {
    BUDGET_TICKS = JIG_BUDGET_MS / JIG_TICK_MS,
    HELD_TICKS = JIG_BUDGET_HELD_MS / JIG_TICK_MS,
    STUCK_TICKS = JIG_BUDGET_STUCK_MS / JIG_TICK_MS,
    UNSEEN_TICKS = 9, /* 40 ms: a kernel of 25 Hz */
    FULL_PART = 32,   /* of the cap: room to tell that it is full */
    SOME_TICKS = 3,   /* more at once come from one long call of C, which is over */
};

/* What is thrown; short, so that Lua makes it once. */
#define THROWN "the recipe computed for too long"

#define LONG      "it computed for more than 1 s without waiting"
#define LONG_FORM "it computed for more than %g s without waiting"
#define HELD                                                                                       \
    "it computed for more than 0.1 s where it cannot be suspended (a table.sort comparison, a "    \
    "string.gsub replacement, a message handler)"

#define FULL "not enough memory: the recipe needs more than its slot may take"

/* ---- the hook ---- */

static struct jig_budget *current_budget(lua_State *L)
{
    struct jig_task *task = jigL_engine(L)->current;
    struct jig_budget *budget = task ? jigL_task_budget(task) : NULL;
    return budget && budget->name ? budget : NULL;
}

bool jigL_find_line(lua_State *L, const char *folder, lua_Debug *frame)
{
    size_t n = folder ? strlen(folder) : 0;
    for (int level = 0; n && lua_getstack(L, level, frame); level++) {
        lua_getinfo(L, "Sl", frame);
        if (frame->source[0] == '@' && strncmp(frame->source + 1, folder, n) == 0)
            return true;
    }
    return false;
}

/* The innermost line of a file in the folder. [-0, +1, m] */
static void push_line(lua_State *L, const char *folder)
{
    lua_Debug frame;
    if (jigL_find_line(L, folder, &frame))
        lua_pushfstring(L, "%s:%d", frame.source + 1, frame.currentline);
    else
        lua_pushnil(L);
}

/* Where it happened can only be told here: what is thrown later comes from elsewhere. */
static void spend(lua_State *L, struct jig_budget *budget, const char *reason)
{
    budget->reason = reason;
    lua_createtable(L, 0, 3);
    lua_pushstring(L, reason);
    lua_setfield(L, -2, "reason");
    push_line(L, budget->folder);
    lua_setfield(L, -2, "line");
    luaL_traceback(L, L, reason, 0);
    lua_setfield(L, -2, "traceback");
    lua_rawsetp(L, LUA_REGISTRYINDEX, budget);
}

static bool suspends(lua_State *L, const struct jig_budget *budget)
{
    return !budget->closing && lua_isyieldable(L);
}

static unsigned limit_of(const struct jig_meter *meter)
{
    return meter->limit ? meter->limit : BUDGET_TICKS;
}

static const char *too_long(const struct jig_meter *meter)
{
    return meter->limit ? meter->too_long : LONG;
}

static struct jig_memory *memory_of(lua_State *L)
{
    void *memory;
    lua_getallocf(L, &memory);
    return memory;
}

/* Lets the state have parts of what is kept apart for what comes after a recipe. */
static void spare(lua_State *L, unsigned parts)
{
    struct jig_memory *memory = memory_of(L);
    memory->spare = memory->cap / JIG_SPARE_PART * parts;
}

/* Lets the state grow again; whether it wanted to and could not. */
static bool let_breathe(lua_State *L)
{
    struct jig_memory *memory = memory_of(L);
    bool refused = memory->refused;
    atomic_store_explicit(&memory->choked, false, memory_order_relaxed);
    memory->refused = false;
    return refused;
}

static void set_hook(lua_State *L);

/* Of the allocator: what runs is to look at its memory before its next instruction. */
static void memory_full(void *to)
{
    struct jig_meter *meter = to;
    lua_State *running = atomic_load(&meter->running);
    if (running)
        set_hook(running);
}

/* Asks to be told when what is in use comes into the last part of what the recipe may take. */
static void watch_memory(lua_State *L)
{
    struct jig_memory *memory = memory_of(L);
    memory->to = &jigL_engine(L)->meter;
    memory->full = memory_full;
    memory->notice = memory->cap + memory->spare - memory->cap / FULL_PART;
}

/* Whether it has: here it can still be told which line that was, and no pcall goes on. Where memory
 * is short at an allocation, Lua calls no handler. */
static bool is_full(lua_State *L, const struct jig_budget *budget)
{
    const struct jig_memory *memory = memory_of(L);
    if (!budget->folder || memory->cap == 0 || memory->notice)
        return false;
    lua_gc(L, LUA_GCCOLLECT);
    watch_memory(L);
    return memory->used > memory->notice;
}

static void count(lua_State *L, struct jig_budget *budget, unsigned ticks)
{
    const struct jig_meter *meter = &jigL_engine(L)->meter;
    bool stuck = let_breathe(L);
    budget->used += ticks;
    budget->held += ticks < SOME_TICKS ? ticks : SOME_TICKS;
    if (budget->reason)
        return;
    if (budget->used >= limit_of(meter))
        spend(L, budget, too_long(meter));
    else if (stuck || (budget->held >= HELD_TICKS && !suspends(L, budget)))
        spend(L, budget, HELD);
    else if (is_full(L, budget))
        spend(L, budget, FULL);
}

/* What is hooked in any case. */
static int line_mask(lua_State *L)
{
    return jigL_engine(L)->coverage ? LUA_MASKLINE : 0;
}

static void hook(lua_State *L, lua_Debug *ar)
{
    struct jig_engine *engine = jigL_engine(L);
    if (ar->event == LUA_HOOKLINE) {
        if (engine->coverage)
            jig_coverage_line(engine->coverage, L, ar);
        return;
    }
    struct jig_budget *budget = current_budget(L);
    if (!budget) {
        jigL_rest(L);
        return;
    }
    if (ar->event !=
        LUA_HOOKCOUNT) { /* a function returns: perhaps what kept it from being suspended */
        if (suspends(L, budget))
            set_hook(L);
        return;
    }
    count(L, budget, atomic_exchange(&engine->meter.ticks, 0));
    if (budget->reason) {
        lua_pushliteral(L, THROWN);
        lua_error(L);
    }
    if (budget->held == 0) {
        jigL_rest(L); /* until the next tick */
    } else if (!suspends(L, budget)) {
        lua_sethook(L, hook, LUA_MASKRET | line_mask(L), 0);
    } else {
        budget->held = 0;
        budget->forced = true;
        lua_yield(L, 0); /* when it goes on, the hook has nothing to do */
    }
}

static void set_hook(lua_State *L)
{
    lua_sethook(L, hook, LUA_MASKCOUNT | line_mask(L), 1);
}

void jigL_rest(lua_State *L)
{
    lua_sethook(L, hook, line_mask(L), 0); /* without a mask there is no hook */
}

/* Where it can be suspended it is as soon as the function is over: one call may be longer. */
void jigL_budget_check(lua_State *L)
{
    struct jig_budget *budget = current_budget(L);
    if (!budget)
        return;
    struct jig_meter *meter = &jigL_engine(L)->meter;
    unsigned ticks = atomic_load_explicit(&meter->ticks, memory_order_relaxed);
    bool is_long = budget->used + ticks >= limit_of(meter);
    bool is_held = budget->held + ticks >= HELD_TICKS && !suspends(L, budget);
    if (!budget->reason && !is_long && !is_held)
        return;
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    set_hook(L);
    if (!budget->reason)
        spend(L, budget, is_long ? too_long(meter) : HELD);
    lua_pushliteral(L, THROWN);
    lua_error(L);
}

/* ---- the ticks ---- */

/* A kernel that looks at its timers more rarely than each tick tells by `overrun` how many have
 * passed unseen. Where it tells of many, the thread was in the kernel meanwhile, or a virtual
 * machine stood still: a script that computes is told in time. */
static unsigned ticks_of(int overrun)
{
    return 1 + (unsigned)(overrun < UNSEEN_TICKS ? overrun : UNSEEN_TICKS);
}

/* Lua allows lua_sethook in a signal handler, and hardly anything else; what lua_getallocf gives
 * does not change. */
static void tick(int signum, siginfo_t *info, void *context)
{
    struct jig_meter *meter = info->si_value.sival_ptr;
    (void)signum;
    (void)context;
    lua_State *running = atomic_load(&meter->running);
    if (!running)
        return;
    unsigned before = atomic_fetch_add(&meter->ticks, ticks_of(info->si_overrun));
    if (before >= STUCK_TICKS)
        atomic_store_explicit(&memory_of(running)->choked, true, memory_order_relaxed);
    set_hook(running);
}

static int start_timer(struct jig_meter *meter)
{
    struct sigaction action = {.sa_sigaction = tick, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGVTALRM};
    struct itimerspec times = {.it_interval.tv_nsec = JIG_TICK_MS * 1000000L};
    sigset_t set;
    times.it_value = times.it_interval;
    event.sigev_value.sival_ptr = meter;
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid); // glibc 2.36 has no name for it
    sigemptyset(&set);
    sigaddset(&set, SIGVTALRM);
    if (sigaction(SIGVTALRM, &action, NULL) < 0 || sigprocmask(SIG_UNBLOCK, &set, NULL) < 0 ||
        timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &meter->timer) < 0)
        return -1;
    if (timer_settime(meter->timer, 0, &times, NULL) == 0)
        return 0;
    timer_delete(meter->timer);
    return -1;
}

int jigL_meter_start(struct jig_engine *engine, struct jig_error *err)
{
    if (engine->meter.ticking)
        return JIG_OK;
    if (start_timer(&engine->meter) < 0)
        return jig_fail_sys(err, errno, "cannot measure the time that slots compute");
    engine->meter.ticking = true;
    return JIG_OK;
}

void jigL_meter_follow(struct jig_meter *meter, const struct jig_meter *other)
{
    meter->limit = other->limit;
    memcpy(meter->too_long, other->too_long, sizeof meter->too_long);
}

void jigL_meter_stop(struct jig_engine *engine)
{
    if (engine->meter.ticking)
        timer_delete(engine->meter.timer);
    engine->meter.ticking = false;
}

/* ---- whose ticks they are ---- */

lua_State *jigL_budget_enter(struct jig_engine *engine, lua_State *co)
{
    struct jig_task *task = engine->current;
    struct jig_budget *budget = task ? jigL_task_budget(task) : NULL;
    lua_State *outer = atomic_load_explicit(&engine->meter.running, memory_order_relaxed);
    if (!budget || !budget->name)
        co = NULL;
    else if (budget->reason)
        set_hook(co);
    atomic_store_explicit(&engine->meter.running, co, memory_order_relaxed);
    return outer;
}

void jigL_budget_leave(struct jig_engine *engine, lua_State *outer)
{
    atomic_store_explicit(&engine->meter.running, outer, memory_order_relaxed);
    struct jig_task *task = engine->current;
    if (outer && task && jigL_task_budget(task)->reason)
        set_hook(outer);
}

lua_State *jigL_budget_pause(struct jig_engine *engine)
{
    return atomic_exchange(&engine->meter.running, NULL);
}

bool jigL_budget_forced(struct jig_engine *engine)
{
    struct jig_task *task = engine->current;
    struct jig_budget *budget = task ? jigL_task_budget(task) : NULL;
    bool forced = budget && budget->forced;
    if (forced)
        budget->forced = false;
    return forced;
}

/* Only the loop's thread writes here. */
static void next_turn(struct jig_meter *meter)
{
    unsigned turns = atomic_load_explicit(&meter->turns, memory_order_relaxed);
    atomic_store_explicit(&meter->turns, turns + 1, memory_order_release);
}

/* Neither the ticks of the turn before count, nor what they did to the state. */
void jigL_turn_begins(struct jig_meter *meter, const struct jig_budget *budget, lua_State *co)
{
    atomic_store_explicit(&meter->name, budget->name, memory_order_relaxed);
    atomic_store_explicit(&meter->ticks, 0, memory_order_relaxed);
    atomic_store_explicit(&memory_of(co)->choked, false, memory_order_relaxed);
    next_turn(meter);
}

void jigL_turn_ends(struct jig_meter *meter)
{
    next_turn(meter);
}

/* ---- for scripts ---- */

/* Pushes what `spend` noted, and forgets it. [-0, +1, m] */
static void take_spent(lua_State *L, struct jig_budget *budget)
{
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, budget) == LUA_TNIL) { /* no memory for it then */
        lua_pop(L, 1);
        lua_createtable(L, 0, 1);
        lua_pushstring(L, budget->reason);
        lua_setfield(L, -2, "reason");
    }
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, budget);
    budget->reason = NULL;
    budget->used = budget->held = 0;
}

static int ended(lua_State *L, bool ok, bool spent)
{
    if (ok && !spent) { // folder handler results...
        lua_pushboolean(L, 1);
        lua_replace(L, 2);
        return lua_gettop(L) - 1;
    }
    lua_pushboolean(L, 0);
    if (ok)
        lua_pushnil(L);
    else
        lua_pushvalue(L, 3);
    if (!spent)
        return 2;
    take_spent(L, current_budget(L));
    return 3;
}

/* A state whose memory is full collects everything for each thing that it needs, and keeps the
 * stack of a deep recursion meanwhile: only a collection that nobody is short for gives that back,
 * half of its frames each time. */
static void make_room(lua_State *L)
{
    for (int i = 0; i < 2; i++)
        lua_gc(L, LUA_GCCOLLECT);
}

/* What C did at the very end, where no hook has counted it yet: what comes after has a budget of
 * its own. */
static void settle(lua_State *L, struct jig_budget *budget)
{
    atomic_store(&jigL_engine(L)->meter.ticks, 0);
    if (let_breathe(L) && !budget->reason)
        budget->reason = HELD;
    jigL_rest(L);
}

static int run_ended(lua_State *L, int status, lua_KContext outermost)
{
    if (outermost) {
        spare(L, 2);
        memory_of(L)->notice = 0;
    }
    if (status == LUA_ERRMEM)
        make_room(L);
    struct jig_budget *budget = outermost ? current_budget(L) : NULL;
    if (budget)
        settle(L, budget);
    bool spent = budget && budget->reason;
    if (budget)
        budget->folder = NULL;
    if (spent)
        jigL_rest(L);
    return ended(L, status == LUA_OK || status == LUA_YIELD, spent);
}

/* What the unit before has filled may still be there: where Lua collects since memory is short, it
 * calls no finalizer, and so keeps all that an object with one refers to. From half the cap on it
 * would collect for no other reason. */
static void make_room_early(lua_State *L)
{
    const struct jig_memory *memory = memory_of(L);
    if (memory->cap && memory->used > memory->cap / 2)
        make_room(L);
}

/*
 * budget.run(folder, handler, f, ...) -> true, results... | false, thrown [, spent]. As xpcall
 * (handler may be nil); `spent` is there when the budget was used up inside: { reason =, line =,
 * traceback = }, the innermost line of a file in `folder` then. Afterwards there is a new budget.
 * One run inside another is a plain xpcall. Yields where f does.
 */
static int run_with(lua_State *L, unsigned parts)
{
    const char *folder = luaL_checkstring(L, 1);
    luaL_checkany(L, 3);
    struct jig_budget *budget = current_budget(L);
    bool outermost = budget && !budget->folder;
    if (outermost) {
        budget->folder = folder; /* stays on the stack */
        budget->used = budget->held = 0;
        if (parts == 0)
            make_room_early(L);
        spare(L, parts);
        watch_memory(L);
    }
    int status = lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, lua_isnil(L, 2) ? 0 : 2, outermost,
                            run_ended);
    return run_ended(L, status, outermost);
}

static int run(lua_State *L)
{
    return run_with(L, 0);
}

/*
 * budget.run_after(folder, handler, f, ...) -> as budget.run, for what follows the failure of a
 * recipe that may have filled its memory: it may take a part of what is kept apart. Yields where f
 * does.
 */
static int run_after(lua_State *L)
{
    return run_with(L, 1);
}

/*
 * budget.spent() -> whether the budget is used up, and each instruction raises: for message
 * handlers, which are called inside the hook and would not be ended there. Does not yield.
 */
static int is_spent(lua_State *L)
{
    struct jig_budget *budget = current_budget(L);
    lua_pushboolean(L, budget && budget->reason);
    return 1;
}

/*
 * budget.limit(seconds). How long tasks may compute without waiting from now on (default 1), those
 * of worlds that are made then, too. For specs; raises in a slot. Does not yield.
 */
static int set_limit(lua_State *L)
{
    lua_Number seconds = luaL_checknumber(L, 1);
    struct jig_meter *meter = &jigL_engine(L)->meter;
    luaL_argcheck(L, seconds >= 0.1 && seconds <= 60, 1, "seconds from 0.1 to 60");
    if (current_budget(L))
        return luaL_error(L, "a slot cannot set its own budget");
    meter->limit = (unsigned)(seconds * 1000 / JIG_TICK_MS);
    snprintf(meter->too_long, sizeof meter->too_long, LONG_FORM, seconds);
    return 0;
}

int luaopen_jig_budget(lua_State *L)
{
    static const luaL_Reg functions[] = {{"run", run},
                                         {"run_after", run_after},
                                         {"spent", is_spent},
                                         {"limit", set_limit},
                                         {"setmetatable", jigL_set_metatable},
                                         {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
