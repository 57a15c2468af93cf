/* See memory.h. Small blocks are cut from chunks and kept in lists by size; large ones come from
 * the C library. Measured against the C library alone: 27 % of the instructions of a short run were
 * malloc and free, here 8 %; and a state that ends gives its memory back in a few calls.
 *
 * Blocks are cleared when they are given back, not when they are taken: what is free holds nothing
 * at any time. A memset of memory that stays ours is not dropped by a compiler; one before free()
 * would be, hence explicit_bzero there. */
#include "bindings/memory.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 32768 };

struct jig_memory_free {
    struct jig_memory_free *next;
};

struct jig_memory_chunk {
    struct jig_memory_chunk *next;
    max_align_t bytes[];
};

struct jig_memory_large {
    struct jig_memory_large *next, **link; /* link: what points to this one */
    size_t size;
    bool kept; /* an image has it: its place is not given back */
    max_align_t bytes[];
};

bool jig_memory_be_plain(void)
{
#ifdef __SANITIZE_ADDRESS__
    return true;
#else
    const char *wish = getenv("JIG_MEMORY");
    return wish && strcmp(wish, "plain") == 0;
#endif
}

/* ---- small blocks ---- */

static size_t class_of(size_t size)
{
    return (size - 1) / JIG_MEMORY_STEP;
}

/* What is left of the chunk before is lost: less than a small block. */
static char *new_chunk(struct jig_memory *m)
{
    struct jig_memory_chunk *chunk = malloc(CHUNK);
    if (!chunk)
        return NULL;
    chunk->next = m->chunks;
    m->chunks = chunk;
    m->next = (char *)chunk->bytes;
    m->end = (char *)chunk + CHUNK;
    return m->next;
}

static void *take_small(struct jig_memory *m, size_t size)
{
    size_t class = class_of(size);
    struct jig_memory_free *block = m->lists[class];
    if (block) {
        m->lists[class] = block->next;
        return block;
    }
    size_t bytes = (class + 1) * JIG_MEMORY_STEP;
    if ((size_t)(m->end - m->next) < bytes && !new_chunk(m))
        return NULL;
    char *fresh = m->next;
    m->next += bytes;
    return fresh;
}

static void give_small(struct jig_memory *m, void *block, size_t size)
{
    struct jig_memory_free *head = block;
    struct jig_memory_free **list = &m->lists[class_of(size)];
    memset(block, 0, (class_of(size) + 1) * JIG_MEMORY_STEP);
    head->next = *list;
    *list = head;
}

/* ---- large blocks ---- */

static struct jig_memory_large *header_of(void *block)
{
    return (struct jig_memory_large *)((char *)block - offsetof(struct jig_memory_large, bytes));
}

static void link_large(struct jig_memory *m, struct jig_memory_large *large)
{
    large->next = m->large;
    large->link = &m->large;
    if (large->next)
        large->next->link = &large->next;
    m->large = large;
}

static void unlink_large(struct jig_memory_large *large)
{
    *large->link = large->next;
    if (large->next)
        large->next->link = large->link;
}

static void *take_large(struct jig_memory *m, size_t size)
{
    struct jig_memory_large *large = malloc(sizeof *large + size);
    if (!large)
        return NULL;
    large->size = size;
    large->kept = false;
    link_large(m, large);
    return large->bytes;
}

/* Where an image has it, its place is kept. */
static void clear_large(struct jig_memory_large *large)
{
    explicit_bzero(large->bytes, large->size);
    if (!large->kept)
        free(large);
}

static void give_large(void *block)
{
    struct jig_memory_large *large = header_of(block);
    unlink_large(large);
    clear_large(large);
}

/* ---- both ---- */

static bool is_small(const struct jig_memory *m, size_t size)
{
    return size <= JIG_MEMORY_SMALL && !m->plain;
}

static void *take(struct jig_memory *m, size_t size)
{
    if (is_small(m, size))
        return take_small(m, size);
    return m->plain ? malloc(size) : take_large(m, size);
}

static void give(struct jig_memory *m, void *block, size_t size)
{
    if (m->plain) {
        explicit_bzero(block, size);
        free(block);
    } else if (is_small(m, size)) {
        give_small(m, block, size);
    } else {
        give_large(block);
    }
}

/* Never by realloc, which leaves what it moves behind. */
static void *resize(struct jig_memory *m, void *block, size_t old, size_t size)
{
    if (is_small(m, old) && is_small(m, size) && class_of(old) == class_of(size))
        return block;
    void *moved = take(m, size);
    if (!moved)
        return NULL;
    memcpy(moved, block, old < size ? old : size);
    give(m, block, old);
    return moved;
}

void *jig_memory_allocate(void *memory, void *block, size_t old, size_t size)
{
    struct jig_memory *m = memory;
    size_t before = block ? old : 0; /* without a block, `old` is a kind of object */
    if (size > before && m->cap && m->used - before + size > m->cap + m->spare)
        return NULL;
    if (size > JIG_MEMORY_CHOKED && size > before &&
        atomic_load_explicit(&m->choked, memory_order_relaxed)) {
        m->refused = true;
        return NULL;
    }
    if (size == 0) {
        if (block)
            give(m, block, old);
        m->used -= before;
        return NULL;
    }
    void *result = block ? resize(m, block, old, size) : take(m, size);
    if (!result && size > before)
        return NULL;
    if (!result)
        result = block; /* could not move: it stays where it is, larger than it is taken for */
    m->used += size - before;
    if (m->notice && m->used > m->notice) {
        m->notice = 0;
        m->full(m->to);
    }
    return result;
}

/* Clears what was cut from a chunk. */
static void clear_chunk(const struct jig_memory *m, struct jig_memory_chunk *chunk)
{
    char *first = (char *)chunk->bytes;
    char *end = chunk == m->chunks ? m->next : (char *)chunk + CHUNK;
    explicit_bzero(first, (size_t)(end - first));
}

/* Frees those that came after `last`, which an image has, as all behind it; NULL: all of them. */
static void drop_chunks(const struct jig_memory *m, const struct jig_memory_chunk *last)
{
    bool kept = false;
    for (struct jig_memory_chunk *chunk = m->chunks, *next; chunk; chunk = next) {
        next = chunk->next;
        kept = kept || chunk == last;
        clear_chunk(m, chunk);
        if (!kept)
            free(chunk);
    }
}

/* ---- images ---- */

struct part {
    void *place, *copy;
    size_t size;
};

struct jig_memory_image {
    struct jig_memory memory; /* as it was */
    bool lent;
    size_t n;
    struct part parts[];
};

void jig_memory_drop(struct jig_memory *m)
{
    struct jig_memory_image *image = m->image;
    for (struct jig_memory_large *large = m->large, *next; large; large = next) {
        next = large->next;
        clear_large(large);
    }
    drop_chunks(m, image ? image->memory.chunks : NULL);
    if (image)
        image->lent = false;
    *m = (struct jig_memory){.cap = m->cap, .plain = m->plain};
}

static size_t count_parts(const struct jig_memory *m)
{
    size_t n = 0;
    for (const struct jig_memory_chunk *chunk = m->chunks; chunk; chunk = chunk->next)
        n++;
    for (const struct jig_memory_large *large = m->large; large; large = large->next)
        n++;
    return n;
}

static void list_parts(struct jig_memory_image *image)
{
    const struct jig_memory *m = &image->memory;
    struct part *part = image->parts;
    for (struct jig_memory_chunk *chunk = m->chunks; chunk; chunk = chunk->next, part++) {
        size_t used = chunk == m->chunks ? (size_t)(m->next - (char *)chunk) : CHUNK;
        *part = (struct part){.place = chunk, .size = used};
    }
    for (struct jig_memory_large *large = m->large; large; large = large->next, part++) {
        large->kept = true;
        *part = (struct part){.place = large, .size = sizeof *large + large->size};
    }
}

struct jig_memory_image *jig_memory_keep(struct jig_memory *m)
{
    size_t n = m->plain || m->image ? 0 : count_parts(m);
    struct jig_memory_image *image = n ? calloc(1, sizeof *image + n * sizeof *image->parts) : NULL;
    if (!image) {
        if (!m->plain)
            jig_memory_drop(m);
        return NULL;
    }
    image->memory = *m;
    image->n = n;
    list_parts(image);
    *m = (struct jig_memory){.cap = m->cap};
    for (struct part *part = image->parts; part < image->parts + n; part++) {
        part->copy = malloc(part->size);
        if (!part->copy) {
            jig_memory_forget(image);
            return NULL;
        }
        memcpy(part->copy, part->place, part->size);
    }
    return image;
}

bool jig_memory_begin(struct jig_memory *m, struct jig_memory_image *image)
{
    size_t cap = m->cap;
    if (image->lent || (cap && image->memory.used > cap))
        return false;
    image->lent = true;
    for (const struct part *part = image->parts; part < image->parts + image->n; part++)
        memcpy(part->place, part->copy, part->size);
    *m = image->memory;
    m->cap = cap;
    m->image = image;
    if (m->large)
        m->large->link = &m->large;
    return true;
}

void jig_memory_forget(struct jig_memory_image *image)
{
    if (!image)
        return;
    for (const struct part *part = image->parts; part < image->parts + image->n; part++) {
        free(part->place);
        free(part->copy);
    }
    free(image);
}
