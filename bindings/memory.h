/* The memory of one Lua state: counted exactly, and under a cap. */
#ifndef JIG_BINDINGS_MEMORY_H
#define JIG_BINDINGS_MEMORY_H

#include <stddef.h>

/* A zeroed one, with its cap set, is ready to use. */
struct jig_memory {
    size_t used, cap; /* bytes that the state holds, and may hold; cap 0 = no cap */
};

/* A lua_Alloc; `memory` is a struct jig_memory. NULL over the cap, but never when a block shrinks.
 */
void *jig_memory_allocate(void *memory, void *block, size_t old, size_t size);

#endif
