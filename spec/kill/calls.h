/* Which system calls change something that outlives the process that makes them: the points of a
 * trace. See README.md.
 *
 * A call counts when what comes after a death could tell that it was made: on disk, at a terminal,
 * in another process. What only the caller has, and what death does anyhow (descriptors close,
 * locks go), does not. A call that the table does not know counts.
 */
#ifndef JIG_SPEC_KILL_CALLS_H
#define JIG_SPEC_KILL_CALLS_H

#include <stdbool.h>
#include <stdint.h>

/* Where the thing that a call works on stands among its arguments. */
enum call_target { CALL_NOTHING, CALL_PATH, CALL_DESCRIPTOR, CALL_CHILD };

struct call {
    const char *name;
    bool changes;
    enum call_target target;
    int argument; /* its place, from 0 */
};

/* What the call with that number and these arguments is. A number that is not known has a name of
 * the form "call 435", in `spare`. */
struct call call_of(uint64_t number, const uint64_t argument[6], char spare[static 32]);

#endif
