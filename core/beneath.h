/* Files that a script names: read whole, under a cap, and from inside one folder where that is
 * said, wherever ".." and links lead.
 */
#ifndef JIG_CORE_BENEATH_H
#define JIG_CORE_BENEATH_H

#include "core/error.h"
#include <stddef.h>
#include <sys/types.h>

/* Reads the regular file `path` into `to`, which has room for `room` bytes: one more than it may
 * hold. Does not wait for a FIFO. With `folder` (NULL = none; with its last '/') `path` begins with
 * it, and the file must be in it or below: the kernel sees to that (openat2, RESOLVE_BENEATH), or,
 * before Linux 5.6, the path is compared with where it really leads, which somebody could change in
 * between. The number of bytes, or *err: JIG_ENOTFOUND, JIG_EDENIED (it leads out of the folder,
 * too), JIG_EINVALID (no regular file), JIG_ELIMIT (the room is full), JIG_EBUSY (the host's files
 * are renamed so often that the path could not be followed, 101 times), JIG_ESYSTEM. */
ssize_t jig_beneath_read(const char *folder, const char *path, char *to, size_t room,
                         struct jig_error *err);

#endif
