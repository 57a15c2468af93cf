/* A terminal for one process only. Two programs on one device each get half of its answers, so the
 * lock is taken before anything is changed on the line.
 *
 * flock on the device's own node, which every name of it shares and which ends with the process,
 * however it ends; and TIOCEXCL, which keeps out those who do not look at locks (not root).
 */
#ifndef JIG_TRANSPORTS_LOCK_H
#define JIG_TRANSPORTS_LOCK_H

#include "core/error.h"
#include <stdbool.h>

/* Opens `path` for reading and writing (non-blocking, never as controlling terminal, close-on-exec)
 * and locks it. A descriptor, or JIG_ENOTFOUND, JIG_EDENIED, JIG_EBUSY (held by another process or
 * port), JIG_EUNSUPPORTED (not a terminal). `name` begins the message. */
int jig_tty_open(const char *path, const char *name, struct jig_error *err);

/* TIOCEXCL on or off. Off before closing: a pseudo-terminal would keep it. */
void jig_tty_exclude(int fd, bool on);

#endif
