/* spec.memory: bindings/memory.c with a C library that refuses. For tests only, a shared object
 * that has memory.c of its own, whose malloc, calloc and free are those here (--wrap). */
#include "bindings/memory.h"

#include <lauxlib.h>
#include <lua.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_free(void *block);

static lua_Integer live, until_refused; /* blocks; 0 = none is refused */

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

void __wrap_free(void *block)
{
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

int luaopen_spec_memory(lua_State *L);
int luaopen_spec_memory(lua_State *L)
{
    static const luaL_Reg functions[] = {{"keep", keep}, {NULL, NULL}};
    luaL_newlib(L, functions);
    return 1;
}
