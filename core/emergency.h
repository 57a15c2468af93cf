/* The emergency file: where outcomes go that the journal cannot take.
 *
 * 64 KiB, preallocated and synced before the first new_device, so that a full disk does not stop
 * it. FOLDER/0, FOLDER/1, ...: a process takes the first that no other process holds (flock) and
 * that is empty, and makes a new one when there is none.
 *
 * The file begins with 16 bytes, "jig emergency 1\n", or zeros while it is not known to be on disk
 * in full. Entries follow without gaps, then zeros. An entry, numbers little-endian: "ENTR", u32
 * bytes that follow the digest, SHA-256 of these, then them: i64 time, i32 attempt, u8 lengths of
 * the kind's name and the session, u32 length of the facts, and the three texts without NULs. It is
 * written and synced in one step, and read only when it is whole.
 */
#ifndef JIG_CORE_EMERGENCY_H
#define JIG_CORE_EMERGENCY_H

#include <stddef.h>

#include "core/error.h"
#include "core/ledger.h"

enum { JIG_EMERGENCY_SIZE = 65536, JIG_EMERGENCY_FILES = 64 /* see jig_folder_numbers */ };

struct jig_emergency {
    char *path; /* NULL = none */
    int fd;
    size_t used;
};

/* Takes or makes a file in `folder`, which is made when it is missing. When this succeeds the file
 * has its full size on disk, synced with its folder. */
int jig_emergency_open(struct jig_emergency *e, const char *folder, struct jig_error *err);

/* Writes an event and syncs. JIG_ELIMIT: the file is full. An event that could not be written
 * leaves its place to the next. */
int jig_emergency_append(struct jig_emergency *e, const struct jig_event *event,
                         struct jig_error *err);

/* Gives it back; what was written stays until it is folded in. Harmless on a zeroed struct with fd
 * -1 and twice. */
void jig_emergency_close(struct jig_emergency *e);

/* Appends what stands in the files of dead processes to the ledger, oldest first, and empties each
 * when its events are durable there. An event that the ledger has already is dropped. *folded =
 * events appended. A file that is damaged, or with an event that the ledger refuses, is kept under
 * another name, NAME.damaged or NAME.damaged.N, after what can be read of it was appended; the text
 * says so (JIG_EINVALID, after all others were folded). Any other code: the ledger or the disk
 * failed, and some files may still wait. A folder that is missing is none. */
int jig_emergency_fold(const char *folder, struct jig_ledger *ledger, size_t *folded,
                       struct jig_error *err);

#endif
