/* How long a slot's task may compute without waiting, and that it does not hold up the others.
 *
 * A timer on the CPU clock of the loop's thread ticks (SIGVTALRM, to that thread alone). The
 * signal's handler puts a hook on the coroutine that runs, which is called before its next
 * instruction: there the tick is counted and the task yields, so that the others and the loop have
 * their turn. Between ticks there is no hook: Lua looks for one at every instruction once it is
 * set, and what computes would take half as long again.
 *
 * A task that has used up its budget is *spent*: from then on every instruction raises, in all its
 * coroutines, until budget.run (budget.c), inside which that happened, has caught it. So neither
 * pcall nor a message handler, <close> or a coroutine can hold on to it.
 *
 * Inside of C no hook is called. What Lua itself does there takes as long as the state is large, or
 * the square of that: an object that is called and whose __call is an object, whose __call … fills
 * the stack, and moves all of it for each. So after a while in C the state's memory does not grow,
 * and the want of it ends that. What needs no more memory for it (a collection with a great many
 * weak tables, a table whose keys all collide) is left to the watchdog.
 *
 * What a recipe fills, its unit holds on to, and so what comes after it has memory of its own, over
 * the state's cap: inside budget.run there is none of that, inside budget.run_after half, outside
 * all. So a full state still tells its verdict, and begins the next unit. A task that comes into
 * the last part of what it may take, and still has it in use after a collection, is spent.
 *
 * A coroutine has one hook: where lines are counted (coverage.h) it is this one, too.
 *
 * How much that is can be set in the main state alone, for specs: they end dozens of loops, each of
 * which would take a whole second of the processor. No recipe and no setting of a station reach it.
 */
#ifndef JIG_BINDINGS_BUDGET_H
#define JIG_BINDINGS_BUDGET_H

#include <lua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

struct jig_engine;
struct jig_error;

enum {
    JIG_TICK_MS = 4,
    JIG_BUDGET_MS = 1000,      /* of CPU time, between two waits */
    JIG_BUDGET_HELD_MS = 100,  /* in one go, where the code cannot be suspended */
    JIG_BUDGET_STUCK_MS = 250, /* in one go inside of C; from then on the state cannot grow */
    JIG_SPARE_PART = 16,       /* of the cap on a state's memory: each half of what is kept apart */
};

/* One per engine. What the handler and the watchdog see is atomic. */
struct jig_meter {
    _Atomic(lua_State *) running; /* the coroutine of a slot that runs now; NULL = none */
    atomic_uint ticks;            /* that no hook has counted yet */
    atomic_uint turns;            /* one more at each begin and end of a resume: odd = inside */
    _Atomic(const char *) name;   /* the slot whose turn it is */
    timer_t timer;
    bool ticking;
    unsigned limit;    /* ticks of a budget, where a spec has set it; 0 = JIG_BUDGET_MS */
    char too_long[64]; /* and what is said then */
};

/* One per task. */
struct jig_budget {
    const char *name;   /* of the slot; NULL = the task has no budget */
    const char *folder; /* of the recipe that budget.run runs; NULL outside */
    const char *reason; /* why it is spent; NULL = it is not */
    unsigned used;      /* ticks since the task last waited */
    unsigned held;      /* of those, where it could not be suspended, in one go */
    unsigned closing;   /* inside what cannot be suspended either: coroutine.close, a coroutine
                         * that was resumed there */
    bool forced;        /* the yield that comes was the hook's */
};

/* Begins to tick. A second time it does nothing. */
int jigL_meter_start(struct jig_engine *engine, struct jig_error *err);
void jigL_meter_stop(struct jig_engine *engine);

/* The budget of another's tasks, where a spec has set it. */
void jigL_meter_follow(struct jig_meter *meter, const struct jig_meter *other);

/* Around a resume of `co`, or anything else that runs code of it: from here on the ticks are its.
 * Gives what jigL_budget_leave takes. */
lua_State *jigL_budget_enter(struct jig_engine *engine, lua_State *co);
void jigL_budget_leave(struct jig_engine *engine, lua_State *outer);

/* For what is computed in between in another's name: no ticks until jigL_budget_leave is given what
 * this gives. */
lua_State *jigL_budget_pause(struct jig_engine *engine);

/* The innermost frame of a file in the folder, with "Sl" filled; false when there is none. */
bool jigL_find_line(lua_State *L, const char *folder, lua_Debug *frame);

/* Around each turn of a task, which runs in `co`: for the watchdog; and the turn begins without
 * ticks, in a state that may grow. */
void jigL_turn_begins(struct jig_meter *meter, const struct jig_budget *budget, lua_State *co);
void jigL_turn_ends(struct jig_meter *meter);

/* For C that is long at work, or is called by C again and again: no hook is called there. Raises as
 * the hook does when the task is spent, or the ticks that no hook has counted yet make it so. Does
 * nothing where there is no budget. [-0, +0, v] */
void jigL_budget_check(lua_State *L);

/* The hook of a coroutine for which there is nothing to do until the next tick: none, unless lines
 * are counted. For a new state, too, before any coroutine is made in it. [-0, +0, -] */
void jigL_rest(lua_State *L);

/* Whether the hook made the yield with which a resume has just ended; asking again gives false. */
bool jigL_budget_forced(struct jig_engine *engine);

#endif
