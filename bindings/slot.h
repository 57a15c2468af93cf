/* Slots (slot.c), for worlds. */
#ifndef JIG_BINDINGS_SLOT_H
#define JIG_BINDINGS_SLOT_H

#include "bindings/jig.h"

/* Pushes a new slot whose state belongs to `engine` and may take as many bytes as argument `arg`
 * says. [-0, +1, v] */
void jigL_slot_push(lua_State *L, struct jig_engine *engine, int arg);

/* The value on the top lives as long as the slot at `slot`. [-1, +0, -] */
void jigL_slot_keep(lua_State *L, int slot);

/* Copies the value at `index` of `from`, which was checked, to the top of `to`. Raises in `to`
 * alone, when it has no memory: an error must not jump over the other state's calls.
 * [-0, +1 on `to`, m] */
void jigL_slot_copy(lua_State *from, int index, lua_State *to);

/* Whether a worker has not ended. */
bool jigL_slots_work(const struct jig_engine *engine);

/* The worker of the only slot; NULL when there are several, or none. */
struct jig_task *jigL_slots_only_task(const struct jig_engine *engine);

/* Interrupts all workers. */
void jigL_slots_interrupt(const struct jig_engine *engine);

/* Closes all slots. */
void jigL_slots_close(lua_State *L, struct jig_engine *engine);

#endif
