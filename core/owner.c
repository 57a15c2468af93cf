/* See owner.h. The lock is never given back by LOCK_UN, which would take it from children, too:
 * only by closing. */
#include "core/owner.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/folder.h"
#include "core/hex.h"
#include "core/process.h"

enum { TRIES = 8, LINE = 64 };

/* For people, and for busy(): not needed for the lock, so a disk that is full does no harm. */
static void sign(int fd, const char *what)
{
    char line[LINE];
    int n = snprintf(line, sizeof line, "%ld %" PRIu64 " %s\n", (long)getpid(),
                     jig_process_start(getpid()), what);
    if (ftruncate(fd, 0) < 0 || pwrite(fd, line, (size_t)n, 0) < 0)
        return;
}

static int busy(int fd, const char *id, struct jig_error *err)
{
    char line[LINE];
    int64_t pid = 0;
    uint64_t start = 0;
    char *end;
    ssize_t n = pread(fd, line, sizeof line - 1, 0);
    line[n > 0 ? n : 0] = '\0';
    pid = strtoll(line, &end, 10);
    start = strtoull(end, &end, 10);
    if (pid <= 0)
        return jig_fail(err, JIG_EBUSY, "owner %s is held by another process", id);
    if (!jig_process_lives(pid, start))
        return jig_fail(err, JIG_ELOST,
                        "owner %s: its jig (process %" PRId64
                        ") is gone, a CLI that it started still runs",
                        id, pid);
    if (strncmp(end, " recovers", 9) == 0)
        return jig_fail(err, JIG_EBUSY, "owner %s: another jig (process %" PRId64 ") recovers it",
                        id, pid);
    return jig_fail(err, JIG_EBUSY, "owner %s: its jig (process %" PRId64 ") still runs", id, pid);
}

/* `fresh`: it must not be there. One try: the descriptor of the locked file, JIG_AGAIN when it was
 * removed meanwhile, or made. */
static int lock_file(const struct jig_owner *owner, bool fresh, struct jig_error *err)
{
    int fd = jig_folder_open(owner->path,
                             O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_CREAT | (fresh ? O_EXCL : 0));
    if (fd < 0 && errno == EEXIST && !fresh)
        return JIG_AGAIN;
    if (fd < 0)
        return jig_fail_sys(err, errno, "cannot open the owner's file %s", owner->path);
    int rc = JIG_OK;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        rc = errno == EWOULDBLOCK
                 ? busy(fd, owner->id, err)
                 : jig_fail_sys(err, errno, "cannot lock the owner's file %s", owner->path);
    else if (!jig_folder_names(owner->path, fd))
        rc = JIG_AGAIN;
    if (rc == JIG_OK)
        return fd;
    close(fd);
    return rc;
}

/* FOLDER/owners/ID, in a folder that is there. */
static int make_path(struct jig_owner *owner, const char *folder, struct jig_error *err)
{
    if (asprintf(&owner->path, "%s/owners", folder) < 0) {
        owner->path = NULL;
        jig_fail(err, JIG_ENOMEM, "no memory for an owner");
        return JIG_ENOMEM;
    }
    int rc = jig_folder_make(owner->path, err);
    free(owner->path);
    if (asprintf(&owner->path, "%s/owners/%s", folder, owner->id) < 0) {
        owner->path = NULL;
        jig_fail(err, JIG_ENOMEM, "no memory for an owner");
        return JIG_ENOMEM;
    }
    return rc;
}

/* The descriptor of the locked file. */
static int lock_path(const struct jig_owner *owner, bool fresh, struct jig_error *err)
{
    int rc = JIG_AGAIN;
    for (int i = 0; i < TRIES && rc == JIG_AGAIN; i++)
        rc = lock_file(owner, fresh, err);
    return rc == JIG_AGAIN
               ? jig_fail(err, JIG_EBUSY, "owner %s changes hands all the time", owner->id)
               : rc;
}

static int claim(struct jig_owner *owner, const char *folder, bool fresh, const char *what,
                 struct jig_error *err)
{
    owner->path = NULL;
    owner->fd = -1;
    int rc = make_path(owner, folder, err);
    if (rc == JIG_OK)
        rc = lock_path(owner, fresh, err);
    if (rc < 0) {
        jig_owner_release(owner, false);
        return rc;
    }
    owner->fd = rc;
    sign(owner->fd, what);
    return JIG_OK;
}

int jig_owner_name(struct jig_owner *owner, struct jig_error *err)
{
    uint8_t bytes[JIG_OWNER_ID / 2];
    *owner = (struct jig_owner){.fd = -1};
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return jig_fail_sys(err, errno, "no random bytes for an owner's id");
    jig_hex_encode(owner->id, bytes, sizeof bytes);
    return JIG_OK;
}

int jig_owner_new(struct jig_owner *owner, const char *folder, struct jig_error *err)
{
    int rc = owner->id[0] ? JIG_OK : jig_owner_name(owner, err);
    return rc == JIG_OK ? claim(owner, folder, true, "owns", err) : rc;
}

int jig_owner_take(struct jig_owner *owner, const char *folder, const char *id,
                   struct jig_error *err)
{
    size_t n = strlen(id), digits = 0;
    while (digits < n && isxdigit((unsigned char)id[digits]))
        digits++;
    *owner = (struct jig_owner){.fd = -1};
    if (n == 0 || n > JIG_OWNER_ID_MAX || digits < n)
        return jig_fail(err, JIG_EINVALID, "an owner's id has 1 to %d hex digits",
                        JIG_OWNER_ID_MAX);
    memcpy(owner->id, id, n + 1);
    return claim(owner, folder, false, "recovers", err);
}

void jig_owner_release(struct jig_owner *owner, bool remove)
{
    if (owner->fd >= 0) {
        if (remove)
            unlink(owner->path);
        close(owner->fd);
    }
    free(owner->path);
    owner->path = NULL;
    owner->fd = -1;
}
