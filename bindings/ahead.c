/* A slot's state of which an image is kept (state.h, memory.h).
 *
 * The image is memory of the state and nothing else: what is loaded in it may hold nothing outside
 * of it (jig.ahead sees to that), and is never closed. */
#include <stdlib.h>

#include "bindings/slot.h"
#include "bindings/state.h"

struct jig_ahead {
    lua_State *L; /* at its address in the image */
    struct jig_memory_image *image;
};

/* In the state, protected. */
static int load(lua_State *S)
{
    jigL_slot_mark(S, NULL);
    lua_getglobal(S, "require");
    lua_pushliteral(S, "jig.ahead");
    lua_call(S, 1, 0);
    return 0;
}

static void make(struct jig_ahead *ahead, struct jig_engine *program)
{
    struct jig_memory memory = {0};
    lua_State *L = jigL_slot_state(program, &memory);
    if (!L)
        return;
    lua_pushcfunction(L, load);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
        jigL_close_state(L);
        return;
    }
    ahead->L = L;
    ahead->image = jig_memory_keep(&memory);
}

lua_State *jigL_ahead_state(struct jig_engine *program, struct jig_engine *engine,
                            struct jig_memory *memory)
{
    if (!program->ahead) {
        program->ahead = calloc(1, sizeof *program->ahead);
        if (program->ahead && !jig_memory_be_plain())
            make(program->ahead, program);
    }
    const struct jig_ahead *ahead = program->ahead;
    if (!ahead || !ahead->image || !jig_memory_begin(memory, ahead->image))
        return NULL;
    lua_setallocf(ahead->L, jig_memory_allocate, memory);
    jigL_attach(ahead->L, engine);
    return ahead->L;
}

void jigL_ahead_free(struct jig_ahead *ahead)
{
    if (ahead)
        jig_memory_forget(ahead->image);
    free(ahead);
}
