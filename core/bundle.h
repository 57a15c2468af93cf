/* A folder that is read whole, once: every file in it and below, with its bytes and their SHA-256.
 *
 * What is read stands below the folder's descriptor: each name is opened as it is, and a link, a
 * device or anything else that is neither a file nor a folder is refused. The bytes that were
 * hashed are those that are kept. All is bounded: see the caps.
 */
#ifndef JIG_CORE_BUNDLE_H
#define JIG_CORE_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "core/digest.h"
#include "core/error.h"

enum {
    JIG_BUNDLE_FILES = 1024,               /* files, and so many folders */
    JIG_BUNDLE_FILE_CAP = 4 * 1024 * 1024, /* bytes of a file */
    JIG_BUNDLE_CAP = 16 * 1024 * 1024,     /* bytes of all files */
    JIG_BUNDLE_PATH = 255,                 /* bytes of a path from the folder */
    JIG_BUNDLE_DEPTH = 8,                  /* folders within folders */
};

struct jig_bundle_file {
    char *path; /* from the folder, with "/": no ".", no "..", no control characters */
    char *bytes;
    size_t size;
    uint8_t sha256[JIG_SHA256_SIZE];
};

struct jig_bundle {
    struct jig_bundle_file *files; /* in the order of the paths' bytes */
    size_t n, size;                /* how many, and the bytes of all */
};

/* JIG_OK; JIG_ENOTFOUND; JIG_EDENIED (a link, no file, may not be read); JIG_EINVALID (a name that
 * cannot stand in a line); JIG_ELIMIT; JIG_EBUSY (a file changed while it was read); JIG_ENOMEM.
 * On failure there is nothing to release. */
int jig_bundle_read(struct jig_bundle *bundle, const char *folder, struct jig_error *err);
void jig_bundle_release(struct jig_bundle *bundle);

#endif
