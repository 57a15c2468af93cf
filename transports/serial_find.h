/* Which serial ports there are, and which of them an address means. Nothing is opened here. */
#ifndef JIG_TRANSPORTS_SERIAL_FIND_H
#define JIG_TRANSPORTS_SERIAL_FIND_H

#include <limits.h>

#include "core/port.h"

/* The device's own node, which libserialport knows it by, into path[PATH_MAX]. JIG_ENOTFOUND;
 * JIG_EINVALID when several match, with a list: which of them is on which slot is not for chance to
 * say. `name` begins messages. */
int jig_serial_find(const struct jig_address *address, const char *name, char *path,
                    struct jig_error *err);

/* As the transport's members. */
int jig_serial_present(struct jig_loop *loop, const struct jig_address *address,
                       struct jig_error *err);
int jig_serial_list(jig_port_info_fn *fn, void *data, struct jig_error *err);

#endif
