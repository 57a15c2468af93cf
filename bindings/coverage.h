/* Which lines of Lua files have run: for `jig test --coverage`.
 *
 * JIG_COVERAGE=FOLDER in the environment turns it on for each engine that is opened then, in this
 * process and in those that it starts. A source file has one file of counters in that folder, which
 * they all map and count in: nothing is merged at the end, and what was killed has counted, too.
 *
 * Such a file is an array of 32-bit words of the machine's order: JIG_COVERAGE_PATH of them hold
 * the absolute path of the source, ended by NUL; the next is not 0 when it was loaded as a recipe;
 * then the runs of line 0 (which there is not), line 1, and so on.
 *
 * Lines are told by Lua's line hook, which is the hook of budget.c: a coroutine has but one, and
 * inherits it from where it is made. Without coverage no line hook is set at all.
 */
#ifndef JIG_BINDINGS_COVERAGE_H
#define JIG_BINDINGS_COVERAGE_H

#include <lua.h>

struct jig_coverage;

enum { JIG_COVERAGE_PATH = 1024 /* words: PATH_MAX bytes */ };

/* NULL when JIG_COVERAGE does not ask for it, or there is no memory. */
struct jig_coverage *jig_coverage_new(void);

/* May be NULL. The folder goes, too, when coverage.start made it. */
void jig_coverage_free(struct jig_coverage *coverage);

/* A line event of the hook: counts. [-0, +0, -] */
void jig_coverage_line(struct jig_coverage *coverage, lua_State *L, lua_Debug *ar);

#endif
