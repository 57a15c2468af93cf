/* See pinned.h. */
#include "core/pinned.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/guard.h"

/* The first bytes of every ELF file: elf(5). */
static const char magic[4] = "\177ELF";

enum { PIECE = 65536 };

static int hash(int fd, uint8_t *out, const char *path, struct jig_error *err)
{
    struct jig_digest digest;
    uint8_t *piece = malloc(PIECE);
    if (!piece)
        return jig_fail(err, JIG_ENOMEM, "no memory for a digest");
    jig_digest_init(&digest, JIG_SHA256);
    ssize_t n = 1;
    for (off_t at = 0; n > 0; at += n) {
        n = pread(fd, piece, PIECE, at);
        if (n > 0)
            jig_digest_update(&digest, piece, (size_t)n);
    }
    int sys = errno;
    jig_digest_finish(&digest, out);
    free(piece);
    return n < 0 ? jig_fail_sys(err, sys, "%s", path) : JIG_OK;
}

static int check_program(int fd, const char *path, struct jig_error *err)
{
    char first[sizeof magic];
    if (faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0)
        return jig_fail(err, JIG_EDENIED, "%s: is not executable", path);
    if (pread(fd, first, sizeof first, 0) != sizeof first ||
        memcmp(first, magic, sizeof magic) != 0)
        return jig_fail(err, JIG_EINVALID,
                        "%s is a script, or no program: what would be run is its interpreter, "
                        "which nobody has hashed",
                        path);
    return JIG_OK;
}

/* What tells of a write, from before the hash: what is written meanwhile is noticed afterwards. */
static int look(struct jig_pinned *pinned, const char *path, struct jig_error *err)
{
    struct stat st;
    if (fstat(pinned->fd, &st) < 0)
        return jig_fail_sys(err, errno, "%s", path);
    pinned->size = st.st_size;
    pinned->changed = st.st_ctim;
    return JIG_OK;
}

static bool is_as_seen(const struct jig_pinned *pinned)
{
    struct stat st;
    return fstat(pinned->fd, &st) == 0 && st.st_size == pinned->size &&
           st.st_ctim.tv_sec == pinned->changed.tv_sec &&
           st.st_ctim.tv_nsec == pinned->changed.tv_nsec;
}

static int take(struct jig_pinned *pinned, const char *path, struct jig_error *err)
{
    int rc = look(pinned, path, err);
    if (rc == JIG_OK)
        rc = check_program(pinned->fd, path, err);
    if (rc == JIG_OK)
        rc = hash(pinned->fd, pinned->sha256, path, err);
    return rc == JIG_OK ? jig_pinned_check(pinned, path, err) : rc;
}

int jig_pinned_open(struct jig_pinned *pinned, const char *path, uid_t owner, struct jig_error *err)
{
    *pinned = (struct jig_pinned){.fd = jig_guard_open(path, owner, err)};
    if (pinned->fd < 0)
        return pinned->fd;
    int rc = take(pinned, path, err);
    if (rc < 0)
        jig_pinned_close(pinned);
    return rc;
}

void jig_pinned_close(struct jig_pinned *pinned)
{
    if (pinned->fd >= 0)
        close(pinned->fd);
    pinned->fd = -1;
}

/* A file that lost its name, or whose mode was set, has changed too, and not what is in it. */
int jig_pinned_check(struct jig_pinned *pinned, const char *name, struct jig_error *err)
{
    uint8_t now[JIG_SHA256_SIZE];
    if (is_as_seen(pinned))
        return JIG_OK;
    int rc = look(pinned, name, err);
    if (rc == JIG_OK)
        rc = hash(pinned->fd, now, name, err);
    if (rc == JIG_OK && is_as_seen(pinned) && memcmp(now, pinned->sha256, sizeof now) == 0)
        return JIG_OK;
    pinned->size = -1; /* never again without a look, whatever failed */
    if (rc < 0)
        return rc;
    return jig_fail(err, JIG_EDENIED, "%s was changed after it was hashed: not started", name);
}
