/* Slots (slot.c), for worlds. */
#ifndef JIG_BINDINGS_SLOT_H
#define JIG_BINDINGS_SLOT_H

#include "bindings/jig.h"

/* Pushes a new slot whose state belongs to `engine` and may take as many bytes as argument `arg`
 * says. [-0, +1, v] */
void jigL_slot_push(lua_State *L, struct jig_engine *engine, int arg);

/* Says in a state whose slot it is; NULL for one that is nobody's yet. [-0, +0, m] */
void jigL_slot_mark(lua_State *S, struct jig_slot *slot);

/* The value on the top lives as long as the slot at `slot`. [-1, +0, -] */
void jigL_slot_keep(lua_State *L, int slot);

/* Copies the value at `index` of `from`, which was checked, to the top of `to`. Raises in `to`
 * alone, when it has no memory: an error must not jump over the other state's calls.
 * [-0, +1 on `to`, m] */
void jigL_slot_copy(lua_State *from, int index, lua_State *to);

/* Collects what one slot has to forget (slot.forget), if any has. [-0, +0, -] */
void jigL_slots_tidy(struct jig_engine *engine);

/* Whether a worker has not ended. */
bool jigL_slots_work(const struct jig_engine *engine);

/* The slot that runs now works on this session. */
void jigL_slots_note(const struct jig_engine *engine, const char *session);

/* The worker that works on a session, as far as that was noted, or is the only one there is; NULL:
 * nobody knows. `session` may be NULL. */
struct jig_task *jigL_slots_worker(const struct jig_engine *engine, const char *session);

/* Interrupts all workers. */
void jigL_slots_interrupt(const struct jig_engine *engine);

/* Closes all slots. */
void jigL_slots_close(lua_State *L, struct jig_engine *engine);

#endif
