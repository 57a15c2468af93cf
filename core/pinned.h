/* A program that is pinned: the file that was hashed is what is run.
 *
 * Its file is opened once, as guard.h says, and hashed through that descriptor; each start runs the
 * descriptor (execveat), not the name. A file that took its name is therefore never run. Where its
 * time of change or its size is another than it was, it is hashed again, and not started when it
 * was written to, nor where that could not be seen. Between that look and execveat there is a
 * moment in which a write in place would go unseen: its owner alone can make one, who is root or
 * `owner`.
 *
 * It must be a program that the kernel loads itself (ELF). A script would be read by an interpreter
 * that nobody has hashed, by a name in /dev/fd and in its own time.
 */
#ifndef JIG_CORE_PINNED_H
#define JIG_CORE_PINNED_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "core/digest.h"
#include "core/error.h"

struct jig_pinned {
    int fd;
    uint8_t sha256[JIG_SHA256_SIZE];
    off_t size; /* when it was hashed, or looked at since */
    struct timespec changed;
};

/* The codes of guard.h; JIG_EDENIED also for one that may not be executed, JIG_EINVALID for no
 * program. On failure there is nothing to close. */
int jig_pinned_open(struct jig_pinned *pinned, const char *path, uid_t owner,
                    struct jig_error *err);
void jig_pinned_close(struct jig_pinned *pinned);

/* JIG_EDENIED when the file is not as it was hashed; JIG_ELOST (EIO), JIG_ESYSTEM, JIG_ENOMEM when
 * that cannot be seen, and then the next call looks again. `name` is for the message. */
int jig_pinned_check(struct jig_pinned *pinned, const char *name, struct jig_error *err);

#endif
