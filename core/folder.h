/* Folders that keep what must not be lost. */
#ifndef JIG_CORE_FOLDER_H
#define JIG_CORE_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

/* Makes the folder and those above it that are missing, with mode 0750; one that is made is synced
 * with the folder that it stands in, so that files which are synced in it can be found after a
 * power loss. */
int jig_folder_make(const char *path, struct jig_error *err);

/* Removes a folder and all that stands in it; links are removed, not followed, and nothing on
 * another file system. One that is not there is no failure. */
int jig_folder_remove(const char *path, struct jig_error *err);

/* Syncs the names in a folder. */
int jig_folder_sync(const char *path, struct jig_error *err);

/* Which of the names "0" to "63" stand in a folder: bit n for n. 0 when it cannot be read. */
uint64_t jig_folder_numbers(const char *path);

/* As open(2), O_CREAT and O_EXCL included; what it makes has mode 0640, and if root makes it in
 * somebody's folder it becomes his, who could not open it otherwise. The descriptor, or -1 with
 * errno: EEXIST also without O_EXCL when another made the file at this moment. */
int jig_folder_open(const char *path, int flags);

/* Whether the open file still has that name: one that was locked after it was opened may have been
 * removed or renamed in between, by who had the lock before. */
bool jig_folder_names(const char *path, int fd);

#endif
