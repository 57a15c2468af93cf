/* Lua states: the main one, and one for each slot. */
#ifndef JIG_BINDINGS_STATE_H
#define JIG_BINDINGS_STATE_H

#include "bindings/jig.h"
#include "bindings/memory.h"

/* The main state: all standard libraries, jig's modules and scripts, package.path as usual.
 * `memory` is a zeroed one that lives as long as the state. NULL when there is no memory. */
lua_State *jigL_main_state(struct jig_engine *engine, struct jig_memory *memory);

/* A slot's state: no C modules, and require finds only what is in the binary (recipes run in a
 * sandbox of their own, see scripts/jig/sandbox.lua). `memory` lives as long as the state. NULL
 * when there is no memory.
 *
 * Both states begin with the collector stopped, since nothing of what is loaded at first is
 * garbage: whoever runs the first script starts it. */
lua_State *jigL_slot_state(struct jig_engine *engine, struct jig_memory *memory);

/* A slot's state as jigL_slot_state makes it, in which what a worker needs (jig.ahead) is loaded
 * already: an image of the first one's memory, in a twentieth of the time. For worlds, which are
 * thousands in a proof. `program` is the engine that keeps the image. NULL: one such state is open,
 * there is no image (plain memory), or it is over the cap. */
lua_State *jigL_ahead_state(struct jig_engine *program, struct jig_engine *engine,
                            struct jig_memory *memory);

void jigL_ahead_free(struct jig_ahead *ahead); /* NULL is harmless */

/* Closes a state of either kind as lua_close does: what is to be closed is closed, every finalizer
 * runs. Its memory is given back as a whole (jig_memory_drop), unless that is plain. */
void jigL_close_state(lua_State *L);

/* A script in the binary: made at build time (scripts/embed.lua). Sorted by name. */
struct jig_script {
    const char *name; /* of the module */
    const unsigned char *bytes;
    unsigned length;
};
extern const struct jig_script jig_scripts[];
extern const size_t jig_script_count;

#endif
