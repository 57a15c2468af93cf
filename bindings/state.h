/* Lua states: the main one, and one for each slot. */
#ifndef JIG_BINDINGS_STATE_H
#define JIG_BINDINGS_STATE_H

#include "bindings/jig.h"

/* What a state may take of memory; counted exactly by its allocator. */
struct jig_memory {
    size_t used, cap; /* bytes; cap 0 = none */
};

/* The main state: all standard libraries, jig's modules and scripts, package.path as usual. NULL
 * when there is no memory. */
lua_State *jigL_main_state(struct jig_engine *engine);

/* A slot's state: no io, no C modules, and require finds only what is in the binary. `memory` lives
 * as long as the state. NULL when there is no memory. */
lua_State *jigL_slot_state(struct jig_engine *engine, struct jig_memory *memory);

/* A script in the binary: made at build time (scripts/embed.lua). Ended by a NULL name. */
struct jig_script {
    const char *name; /* of the module */
    const unsigned char *bytes;
    unsigned length;
};
extern const struct jig_script jig_scripts[];

#endif
