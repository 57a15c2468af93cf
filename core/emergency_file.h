/* One file of the emergency folder, and the entries in it: see emergency.h, which alone uses this.
 *
 * What stands in a file is read as if somebody else had written it: lengths are checked before they
 * are used.
 */
#ifndef JIG_CORE_EMERGENCY_FILE_H
#define JIG_CORE_EMERGENCY_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/emergency.h"

enum { JIG_EMERGENCY_MARK = 16 }; /* bytes before the first entry */

/* An existing file, locked, as it stands on disk. */
struct jig_emergency_file {
    char *path;
    int fd;
    size_t size;
    int64_t first; /* time of the first entry; 0 when there is none */
    uint8_t bytes[JIG_EMERGENCY_SIZE];
};

/* Opens, locks and reads FOLDER/NUMBER. JIG_AGAIN: it is not there, somebody else's, or no file. */
int jig_emergency_file_open(struct jig_emergency_file **file, const char *folder, int number,
                            bool make, struct jig_error *err);
void jig_emergency_file_close(struct jig_emergency_file *file); /* NULL is harmless */

/* Whether it is known to be on disk in full; begins and ends as such a file does; holds nothing. */
bool jig_emergency_file_marked(const struct jig_emergency_file *file);
bool jig_emergency_file_sound(const struct jig_emergency_file *file);
bool jig_emergency_file_empty(const struct jig_emergency_file *file);

/* Reserves its bytes on disk and marks it. */
int jig_emergency_file_reserve(const struct jig_emergency_file *file, const char *folder,
                               struct jig_error *err);

/* Removes all entries, and syncs. */
int jig_emergency_file_clear(const struct jig_emergency_file *file, struct jig_error *err);

/* Keeps it under another name, which the caller frees. */
int jig_emergency_file_rename(const struct jig_emergency_file *file, char **name,
                              struct jig_error *err);

/* The next entry from *at on, which moves behind it: 1 with *event (its texts stand in the file's
 * bytes), 0 at the end. JIG_EINVALID: what stands there is damaged; *at moves behind it when what
 * follows can be read, else to the end. */
int jig_emergency_file_next(const struct jig_emergency_file *file, size_t *at,
                            struct jig_event *event);

/* An event as an entry, which the caller frees, of *n bytes. JIG_ELIMIT: it cannot be in a file. */
int jig_emergency_entry(const struct jig_event *event, uint8_t **entry, size_t *n,
                        struct jig_error *err);

/* Writes all n bytes at `at`; -1 with errno. */
int jig_emergency_write(int fd, const void *bytes, size_t n, size_t at);

#endif
