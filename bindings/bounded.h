/* Functions of Lua's libraries that could be busy in C for ever, where no hook is called: bounded
 * before they begin. For slots' states; all that runs there gets them, methods of strings, too.
 */
#ifndef JIG_BINDINGS_BOUNDED_H
#define JIG_BINDINGS_BOUNDED_H

#include <lua.h>

enum {
    JIG_BOUNDED_ELEMENTS = 1 << 20, /* that a function of `table` goes over */
    JIG_BOUNDED_SORT = 1 << 16,     /* that table.sort does */
    JIG_BOUNDED_TEXT = 16 << 20,    /* bytes of its strings, each counted as often as it is there */
};

/* Replaces them in a state whose libraries are open. [-0, +0, m] */
void jigL_bound_libraries(lua_State *L);

/* setmetatable without __gc, for the sandbox in any state. A lua_CFunction. */
int jigL_set_metatable(lua_State *L);

#endif
