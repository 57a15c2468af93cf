/* The memory of one Lua state: counted exactly, under a cap, and cleared as soon as it is given
 * back, since it may have held a payload: each block that is freed, shrinks or moves, and all of it
 * when it is dropped. */
#ifndef JIG_BINDINGS_MEMORY_H
#define JIG_BINDINGS_MEMORY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    JIG_MEMORY_STEP = 8,    /* small blocks have sizes that are multiples of this */
    JIG_MEMORY_SMALL = 512, /* bytes of the largest one */
    JIG_MEMORY_CHOKED =
        1 << 18, /* bytes above which there is no block for a state that is choked */
    JIG_MEMORY_CLASSES = JIG_MEMORY_SMALL / JIG_MEMORY_STEP,
};

struct jig_memory_free;
struct jig_memory_chunk;
struct jig_memory_large;
struct jig_memory_image;

/* A zeroed one, with its cap set, is ready to use. */
struct jig_memory {
    size_t used, cap; /* bytes that the state holds, and may hold; cap 0 = no cap */
    size_t spare;     /* bytes over the cap that it may hold for now: budget.h */
    size_t notice;    /* once when more than this is in use `full` is called; 0 = never */
    void (*full)(void *to);
    void *to;
    atomic_bool choked; /* no large blocks meanwhile: budget.h */
    bool refused;       /* one that was wanted then */
    bool plain;         /* each block is the C library's, so that a checker sees its bounds */
    void *door;         /* see jigL_close_state */
    struct jig_memory_free *lists[JIG_MEMORY_CLASSES]; /* private from here: small free blocks */
    char *next, *end;                                  /* what is left of the newest chunk */
    struct jig_memory_chunk *chunks;
    struct jig_memory_large *large;
    struct jig_memory_image *image; /* that it began from */
};

/* A lua_Alloc; `memory` is a struct jig_memory. NULL over cap and spare, but never when a block
 * shrinks. What a block no longer holds is cleared, wherever it was. */
void *jig_memory_allocate(void *memory, void *block, size_t old, size_t size);

/* Whether blocks should be plain: under a sanitizer, or when JIG_MEMORY=plain says so (valgrind).
 */
bool jig_memory_be_plain(void);

/* Clears and gives back at once all that is still allocated, and no block may be touched any more.
 * Not for plain memory, whose blocks must be freed one by one. */
void jig_memory_drop(struct jig_memory *memory);

/* Makes an image of all that a memory holds, and takes its blocks: the memory is empty then. NULL:
 * there is no memory for it, or the memory began from an image itself, and the blocks are gone all
 * the same. Of plain memory there is no image: NULL, and it stays as it is. */
struct jig_memory_image *jig_memory_keep(struct jig_memory *memory);

/* An empty memory, with its cap set, becomes what the image is of, at the same addresses, and so
 * only one memory at a time, until it is dropped. False: the image is lent, or over the cap. */
bool jig_memory_begin(struct jig_memory *memory, struct jig_memory_image *image);

/* Not while it is lent. NULL is harmless. */
void jig_memory_forget(struct jig_memory_image *image);

#endif
