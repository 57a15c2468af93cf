/* Lua's patterns (manual, section 6.4.1), with a bound on the work of one call. Lua's own matcher
 * may be busy for years with a pattern such as ".-.-.-.-b", and no hook is called meanwhile.
 */
#ifndef JIG_BINDINGS_PATTERN_H
#define JIG_BINDINGS_PATTERN_H

#include <lua.h>

/* A step is one character that is compared, one part of the pattern that is tried, one escape of a
 * replacement, or 16 bytes of a set or of a text that is copied. */
enum { JIG_PATTERN_STEPS = 10000000 };

/* string.find, match, gmatch, gsub: results and errors are Lua's; more steps raise. */
int jigL_find(lua_State *L);
int jigL_match(lua_State *L);
int jigL_gmatch(lua_State *L);
int jigL_gsub(lua_State *L);

#endif
