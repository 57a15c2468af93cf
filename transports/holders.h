/* Which programs have a device's node open, as far as this user may see it: by the descriptors in
 * /proc, and, of programs of others and of those that may not be dumped (a jig that runs sessions:
 * core/dumps.h), by their locks. */
#ifndef JIG_TRANSPORTS_HOLDERS_H
#define JIG_TRANSPORTS_HOLDERS_H

#include "core/port.h"

struct jig_holders;

/* Looks once, for all nodes below /dev: a few ms, and waits for no file of a network or of a server
 * that a program holds. NULL: no memory, and nobody is known. To be freed. */
struct jig_holders *jig_holders_look(void);
void jig_holders_free(struct jig_holders *holders); /* NULL is harmless */

/* Those that hold the node, each once: how many, JIG_PORT_HOLDERS at most. */
size_t jig_holders_of(const struct jig_holders *holders, const char *node,
                      struct jig_port_holder out[JIG_PORT_HOLDERS]);

#endif
