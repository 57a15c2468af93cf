/* A JSON object (RFC 8259), written member by member: what an event says. Never payload bytes.
 *
 * A zeroed struct begins an object. Nothing fails at the call: a lack of memory, or an object over
 * the cap, is remembered and told by jig_facts_take().
 */
#ifndef JIG_CORE_FACTS_H
#define JIG_CORE_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

enum { JIG_FACTS_CAP = 16384 }; /* bytes of an object, without its NUL: a traceback fits */

struct jig_facts {
    struct jig_buf text;
    int failed;
};

/* Members; `name` is plain ASCII without quotes. Text from outside: control characters are escaped,
 * bytes that are not UTF-8 become U+FFFD. NULL text adds nothing. */
void jig_facts_text_member(struct jig_facts *facts, const char *name, const char *text);
void jig_facts_integer(struct jig_facts *facts, const char *name, int64_t value);
/* A member whose value is JSON already: an object from jig_facts_take(), an array. NULL adds
 * nothing. */
void jig_facts_json(struct jig_facts *facts, const char *name, const char *json);

/* The object, ended by NUL, as memory that the caller frees; NULL when it failed. The struct is
 * empty again in any case. An object without members is "{}". */
char *jig_facts_take(struct jig_facts *facts);
void jig_facts_release(struct jig_facts *facts);

#endif
