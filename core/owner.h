/* Who a session belongs to: a lock that lives as long as the jig process that opened it, or a call
 * of the CLI that this process started.
 *
 * The lock is a flock on the file FOLDER/owners/ID. Children that are given its descriptor inherit
 * it, so it is free only when the process *and* its CLI are gone; the kernel frees it however they
 * end. A file that is missing belonged to an owner that left nothing behind.
 */
#ifndef JIG_CORE_OWNER_H
#define JIG_CORE_OWNER_H

#include <stdbool.h>

#include "core/error.h"

enum {
    JIG_OWNER_ID = 20,     /* hex digits of a new owner's id: 10 random bytes */
    JIG_OWNER_ID_MAX = 64, /* of any */
};

struct jig_owner {
    char id[JIG_OWNER_ID_MAX + 1];
    char *path;
    int fd; /* close-on-exec; -1 = none */
};

/* Names a new owner: a random id, no lock yet. Nobody looks for it before it is told. */
int jig_owner_name(struct jig_owner *owner, struct jig_error *err);

/* Makes a named owner's file and takes its lock, and the folders that are missing (mode 0750; files
 * 0640). Process id and start time stand in the file. One without a name is named first. */
int jig_owner_new(struct jig_owner *owner, const char *folder, struct jig_error *err);

/* Takes over the lock of an owner that is gone, so that nobody else recovers its sessions at the
 * same time. A file that is missing is made. JIG_EBUSY while it lives, JIG_ELOST when it is gone
 * and a CLI that it started lives, by the process id in the file. JIG_EINVALID: the id is not 1 to
 * 64 hex digits. What its process left in the emergency file is read after this, not before. */
int jig_owner_take(struct jig_owner *owner, const char *folder, const char *id,
                   struct jig_error *err);

/* Gives the lock back. `remove`: nothing was left behind, the file goes too. A zeroed struct with
 * fd -1, and one that was released, are harmless. */
void jig_owner_release(struct jig_owner *owner, bool remove);

#endif
