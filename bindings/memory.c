/* See memory.h. */
#include "bindings/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 32 << 10 };

/* What stands in a block that nobody uses. */
struct jig_block {
    struct jig_block *next;
};

struct jig_chunk {
    struct jig_chunk *next;
    max_align_t blocks[];
};

static size_t grains(size_t size)
{
    return (size + JIG_BLOCK_GRAIN - 1) / JIG_BLOCK_GRAIN;
}

static bool add_chunk(struct jig_memory *m)
{
    struct jig_chunk *chunk = malloc(CHUNK_SIZE);
    if (!chunk)
        return false;
    chunk->next = m->chunks;
    m->chunks = chunk;
    m->next = (char *)chunk->blocks;
    m->left = CHUNK_SIZE - offsetof(struct jig_chunk, blocks);
    return true;
}

static void *take(struct jig_memory *m, size_t size)
{
    if (size > JIG_BLOCK_MAX)
        return malloc(size);
    struct jig_block **idle = &m->idle[grains(size)];
    struct jig_block *block = *idle;
    if (block) {
        *idle = block->next;
        return block;
    }
    size = grains(size) * JIG_BLOCK_GRAIN;
    if (size > m->left && !add_chunk(m))
        return NULL;
    block = (struct jig_block *)m->next;
    m->next += size;
    m->left -= size;
    return block;
}

static void give_back(struct jig_memory *m, void *block, size_t size)
{
    if (size > JIG_BLOCK_MAX) {
        free(block);
    } else if (block) {
        struct jig_block *idle = block;
        idle->next = m->idle[grains(size)];
        m->idle[grains(size)] = idle;
    }
}

static void *move(struct jig_memory *m, void *block, size_t old, size_t size)
{
    if (old > JIG_BLOCK_MAX && size > JIG_BLOCK_MAX)
        return realloc(block, size);
    if (old && old <= JIG_BLOCK_MAX && grains(old) == grains(size))
        return block;
    void *moved = take(m, size);
    if (!moved)
        return size < old ? block : NULL; /* too large for its new list, which does no harm */
    if (old)
        memcpy(moved, block, old < size ? old : size);
    give_back(m, block, old);
    return moved;
}

void *jig_memory_allocate(void *memory, void *block, size_t old, size_t size)
{
    struct jig_memory *m = memory;
    size_t before = block ? old : 0;
    if (size > before && m->cap && m->used - before + size > m->cap)
        return NULL;
    void *result = NULL;
    if (size == 0)
        give_back(m, block, before);
    else
        result = move(m, block, before, size);
    if (result || size == 0)
        m->used += size - before;
    return result;
}

void jig_memory_release(struct jig_memory *m)
{
    while (m->chunks) {
        struct jig_chunk *chunk = m->chunks;
        m->chunks = chunk->next;
        free(chunk);
    }
    *m = (struct jig_memory){.cap = m->cap};
}
