/* The emergency file: where outcomes go that the journal cannot take.
 *
 * 64 KiB, preallocated and synced before the first new_device, so that a full disk does not stop
 * it. FOLDER/0, FOLDER/1, ...: a process takes the first that no other process holds (flock) and
 * that is empty, and makes a new one when there is none. An entry is length, SHA-256 and JSON; it
 * is written and synced in one step, and read only when it is whole.
 */
#ifndef JIG_CORE_EMERGENCY_H
#define JIG_CORE_EMERGENCY_H

#include <stddef.h>

#include "core/error.h"
#include "core/ledger.h"

enum { JIG_EMERGENCY_SIZE = 65536, JIG_EMERGENCY_FILES = 64 };

struct jig_emergency {
    char *path; /* NULL = none */
    int fd;
    size_t used;
};

/* Takes or makes a file in `folder`, which is made when it is missing. When this succeeds the file
 * has its full size on disk, synced with its folder. */
int jig_emergency_open(struct jig_emergency *e, const char *folder, struct jig_error *err);

/* Writes an event and syncs. JIG_ELIMIT: the file is full. */
int jig_emergency_append(struct jig_emergency *e, const struct jig_event *event,
                         struct jig_error *err);

/* Gives it back; what was written stays until it is folded in. Harmless on a zeroed struct with fd
 * -1 and twice. */
void jig_emergency_close(struct jig_emergency *e);

/* Appends what stands in the files of dead processes to the ledger, oldest first, and empties each
 * when its events are durable there. An event that the ledger refuses because it has it already is
 * dropped. *folded = events appended. A file that is damaged is read up to the damage and renamed
 * to NAME.damaged; the text says so (JIG_EINVALID, after all others were folded). A folder that is
 * missing is none. */
int jig_emergency_fold(const char *folder, struct jig_ledger *ledger, size_t *folded,
                       struct jig_error *err);

#endif
