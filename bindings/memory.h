/* The memory of one Lua state: counted exactly, and under a cap.
 *
 * A unit makes and drops thousands of small blocks, for which a general allocator takes longer than
 * Lua does with them. Here they come from chunks that belong to the state and return to a list of
 * their size; chunks are given back when the state is closed. Larger blocks go to malloc. */
#ifndef JIG_BINDINGS_MEMORY_H
#define JIG_BINDINGS_MEMORY_H

#include <stddef.h>

enum {
    JIG_BLOCK_GRAIN = 16, /* bytes; sizes are rounded up to a multiple, which also aligns */
    JIG_BLOCK_MAX = 512,  /* bytes of the largest block that comes from a chunk */
};

/* A zeroed one, with its cap set, is ready to use. */
struct jig_memory {
    size_t used, cap; /* bytes that the state holds, and may hold; cap 0 = no cap */
    struct jig_block *idle[JIG_BLOCK_MAX / JIG_BLOCK_GRAIN + 1]; /* by size in grains */
    struct jig_chunk *chunks;
    char *next; /* the unused end of the latest chunk */
    size_t left;
};

/* A lua_Alloc; `memory` is a struct jig_memory. NULL over the cap, but never when a block shrinks.
 */
void *jig_memory_allocate(void *memory, void *block, size_t old, size_t size);

/* After the state was closed. Keeps the cap. */
void jig_memory_release(struct jig_memory *memory);

#endif
