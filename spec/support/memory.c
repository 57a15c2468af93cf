/* spec.memory: bindings/memory.c with a C library that refuses. For tests only, a shared object
 * that has memory.c of its own, whose malloc, calloc and free are those here (--wrap). */
#include "bindings/memory.h"

#include <lauxlib.h>
#include <lua.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

enum { MARK = 0xa5, MARKS = 16 }; /* what the blocks are filled with, and how many are a trace */

static lua_Integer live, until_refused; /* blocks; 0 = none is refused */
static lua_Integer traces;              /* blocks that were given back as they were filled */

static bool holds_marks(const void *block, size_t size)
{
    char marks[MARKS];
    memset(marks, MARK, sizeof marks);
    return memmem(block, size, marks, sizeof marks) != NULL;
}

static bool is_refused(void)
{
    return until_refused && --until_refused == 0;
}

void *__wrap_malloc(size_t size)
{
    void *block = is_refused() ? NULL : __real_malloc(size);
    live += block != NULL;
    return block;
}

void *__wrap_calloc(size_t n, size_t size)
{
    void *block = is_refused() ? NULL : __real_calloc(n, size);
    live += block != NULL;
    return block;
}

void *__wrap_realloc(void *block, size_t size)
{
    traces += block && holds_marks(block, malloc_usable_size(block));
    return __real_realloc(block, size);
}

void __wrap_free(void *block)
{
    traces += block && holds_marks(block, malloc_usable_size(block));
    live -= block != NULL;
    __real_free(block);
}

/* keep(plain, refused) -> whether an image was made of a memory with small and large blocks; bytes
 * that the memory has after it; blocks of the C library after it, and after all was forgotten.
 * `refused`: which one of its allocations, 0 = none. */
static int keep(lua_State *L)
{
    struct jig_memory memory = {.plain = lua_toboolean(L, 1)};
    void *blocks[3];
    static const size_t sizes[3] = {16, JIG_MEMORY_SMALL + 1, 100000};
    lua_Integer before = live;
    for (int i = 0; i < 3; i++)
        blocks[i] = jig_memory_allocate(&memory, NULL, 0, sizes[i]);
    until_refused = luaL_checkinteger(L, 2);
    struct jig_memory_image *image = jig_memory_keep(&memory);
    until_refused = 0;
    lua_pushboolean(L, image != NULL);
    lua_pushinteger(L, (lua_Integer)memory.used);
    lua_pushinteger(L, live - before);
    jig_memory_forget(image);
    for (int i = 0; i < 3 && memory.used; i++)
        jig_memory_allocate(&memory, blocks[i], sizes[i], 0);
    lua_pushinteger(L, live - before);
    return 4;
}

static void *filled(struct jig_memory *memory, size_t size)
{
    void *block = jig_memory_allocate(memory, NULL, 0, size);
    return block ? memset(block, MARK, size) : NULL;
}

/* traces(plain, size [, then]) -> how many traces of a block of `size` bytes are left once it got
 * the size `then`, and was freed. A small block's place is looked at for itself: it stays the
 * memory's own. */
static int traces_of_block(lua_State *L)
{
    struct jig_memory memory = {.plain = lua_toboolean(L, 1)};
    size_t size = (size_t)luaL_checkinteger(L, 2), then = (size_t)luaL_optinteger(L, 3, 0);
    bool stays = size <= JIG_MEMORY_SMALL && !memory.plain;
    traces = 0;
    char *place = filled(&memory, size), *block = place;
    if (then) {
        block = jig_memory_allocate(&memory, block, size, then);
        memset(block, 0, then);
    }
    jig_memory_allocate(&memory, block, then ? then : size, 0);
    traces += stays && holds_marks(place, size);
    if (!memory.plain)
        jig_memory_drop(&memory);
    lua_pushinteger(L, traces);
    return 1;
}

/* dropped(image) -> the same, of a memory that is dropped full of blocks; `image`: it began from
 * one, whose places are looked at. */
static int traces_of_drop(lua_State *L)
{
    struct jig_memory memory = {0};
    struct jig_memory_image *image = NULL;
    void *kept[2] = {0};
    traces = 0;
    if (lua_toboolean(L, 1)) {
        kept[0] = jig_memory_allocate(&memory, NULL, 0, 64);
        kept[1] = jig_memory_allocate(&memory, NULL, 0, 4096);
        image = jig_memory_keep(&memory);
        jig_memory_begin(&memory, image);
        memset(kept[0], MARK, 64);
        memset(kept[1], MARK, 4096);
    }
    for (size_t size = 16; size <= 3 * JIG_MEMORY_SMALL; size += 16)
        filled(&memory, size);
    jig_memory_drop(&memory);
    if (image)
        traces += holds_marks(kept[0], 64) + holds_marks(kept[1], 4096);
    jig_memory_forget(image);
    lua_pushinteger(L, traces);
    return 1;
}

int luaopen_spec_memory(lua_State *L);
int luaopen_spec_memory(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"keep", keep}, {"traces", traces_of_block}, {"dropped", traces_of_drop}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
