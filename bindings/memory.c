/* See memory.h. The C library's allocator does the work: lists of small blocks of our own were
 * tried and made no unit faster. */
#include "bindings/memory.h"

#include <stdlib.h>

void *jig_memory_allocate(void *memory, void *block, size_t old, size_t size)
{
    struct jig_memory *m = memory;
    size_t before = block ? old : 0; /* without a block, `old` is a kind of object */
    if (size > before && m->cap && m->used - before + size > m->cap)
        return NULL;
    if (size == 0) {
        free(block);
        m->used -= before;
        return NULL;
    }
    void *result = realloc(block, size);
    if (!result)
        return size <= before ? block : NULL;
    m->used += size - before;
    return result;
}
