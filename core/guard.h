/* Files that nobody may change but root, or one more user: what a station trusts.
 *
 * A path is walked from "/" by descriptors, each part opened as it is (no link is followed), and
 * what was opened is what is looked at: the file and every folder above it belong to root or to
 * `owner` and let neither their group nor others write. A folder in which others may make names but
 * not take away those of others (the sticky bit, as of /tmp) will do.
 */
#ifndef JIG_CORE_GUARD_H
#define JIG_CORE_GUARD_H

#include <sys/types.h>

#include "core/buf.h"
#include "core/error.h"

/* Bytes of a file that jig_guard_read reads. */
enum { JIG_GUARD_CAP = 1024 * 1024 };

/* Opens a file to read. The path is absolute, without "." and "..". A descriptor, or JIG_ENOTFOUND,
 * JIG_EDENIED (who could change it, or that a part is a link), JIG_EINVALID (no such path). */
int jig_guard_open(const char *path, uid_t owner, struct jig_error *err);

/* All bytes of such a file, appended to `bytes`; JIG_ELIMIT over JIG_GUARD_CAP. */
int jig_guard_read(const char *path, uid_t owner, struct jig_buf *bytes, struct jig_error *err);

#endif
