/* A world: an engine of its own, with its loop, clock, tasks and tallies, in which slots run while
 * devices, the vendor's CLI, the journal's disk and time are played by functions of the main state,
 * the hooks. world.c is what Lua sees, world_hooks.c what is asked of the hooks, world_record.c a
 * journal that is lent to one world after another.
 *
 * A hook is called at once, from within what the slot does, on the thread of the main state that is
 * inside a function of world.c or slot.c then (engine.caller). One that raises ends the world: it
 * is *dead*, as if the process had been killed there. Nothing reaches a dead world: no hook is
 * called any more but `log`, ports are lost, no program starts, the journal takes nothing; what its
 * slots still do is to unwind.
 */
#ifndef JIG_BINDINGS_WORLD_H
#define JIG_BINDINGS_WORLD_H

#include "bindings/jig.h"
#include "core/scribe.h"
#include "core/stage.h"

enum jig_hook {
    JIG_HOOK_START,
    JIG_HOOK_OPEN,
    JIG_HOOK_PRESENT,
    JIG_HOOK_WRITE,
    JIG_HOOK_SET,
    JIG_HOOK_CONTROL,
    JIG_HOOK_CLOSE,
    JIG_HOOK_RECORD,
    JIG_HOOK_WAIT,
    JIG_HOOK_LOG,
    JIG_HOOK_EVENT,
    JIG_HOOKS,
};

/* The names under which they stand in the table; ended by NULL. */
extern const char *const jigL_hook_names[];

/* User values of a world's userdata. */
enum {
    JIG_WORLD_HOOKS = 1,
    JIG_WORLD_KEPT = 2,    /* table: what lives as long as the world */
    JIG_WORLD_FAILURE = 3, /* what a hook threw first */
    JIG_WORLD_RECORD = 4,
};

struct jig_record;
struct jig_after;

struct jig_world {
    struct jig_engine engine;
    struct jig_stage_player stage;
    bool has[JIG_HOOKS];
    bool dead, failed;
    bool inside; /* world:run is at work */
    lua_State
        *from; /* the coroutine of a slot in whose name a hook is called; NULL = unknown, or */
    struct jig_task *cause;   /* it is known which worker waits for what happens */
    struct jig_after *afters; /* sorted by their time */
    struct jig_timer next_after;
    struct jig_deferred due_now; /* some of them, in the next pass */
    struct jig_record *record;   /* which is lent to it */
};

/* ---- world_hooks.c ---- */

/* Makes all that is to be played ask the hooks. 0 or JIG_ENOMEM. */
int jigL_world_play(struct jig_world *world);

/* What the journal asks. */
enum jig_ruling jigL_world_rules(void *data, const struct jig_entry *entry);

/* Whether the limit of a wait that is about to begin comes at once; time has moved on to it then.
 */
bool jigL_world_waits(struct jig_world *world, lua_State *L, const struct jig_wait *wait,
                      const char *what);

/* Tells what a slot emits, which stands at `index` of its stack and was checked. False where nobody
 * wants to hear it at once. */
bool jigL_world_hears(struct jig_world *world, lua_State *from, int index);

void jigL_world_log(void *data, enum jig_log_level level, const char *line);

/* Calls the function on the top of the caller's stack, protected, as a hook is called. */
void jigL_world_call(struct jig_world *world, lua_CFunction function, void *data);

/* ---- world.c ---- */

void jigL_world_die(struct jig_world *world);

bool jigL_world_is_inside(const struct jig_world *world);

/* Pushes the userdata; nil when it is being collected. [-0, +1, -] */
void jigL_world_push(lua_State *L, const struct jig_world *world);

/* ---- world_record.c ---- */

/* The record at `index`, for a world that is to borrow it. [-0, +0, v] */
struct jig_record *jigL_record_lend(lua_State *L, int index);
void jigL_record_leave(struct jig_record *record);  /* it writes no more; NULL is harmless */
void jigL_record_return(struct jig_record *record); /* and is closed; NULL is harmless */
struct jig_scribe *jigL_record_scribe(const struct jig_record *record);

/* Pushes world.record. [-0, +1, m] */
void jigL_record_open(lua_State *L);

#endif
