/* See guard.h. */
#include "core/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What was opened: `path` is that part of the whole. */
static int check(int fd, const char *path, uid_t owner, struct jig_error *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return jig_fail_sys(err, errno, "%s", path);
    if (st.st_uid != 0 && st.st_uid != owner)
        return jig_fail(err, JIG_EDENIED, "%s belongs to user %u, who may change it: chown %s it",
                        path, (unsigned)st.st_uid, owner == 0 ? "root" : "the right user");
    bool sticky = S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX);
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) && !sticky)
        return jig_fail(err, JIG_EDENIED, "%s may be written by others than its owner: chmod go-w",
                        path);
    return JIG_OK;
}

static int fail_open(int folder, const char *name, const char *path, struct jig_error *err)
{
    struct stat st;
    int sys = errno;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode))
        return jig_fail(err, JIG_EDENIED, "%s is a link: name what it leads to", path);
    return jig_fail_sys(err, sys, "%s", path);
}

/* Opens the part `name` of `folder`, which is closed; a descriptor, or a code. */
static int step(int folder, const char *name, bool last, const char *path, uid_t owner,
                struct jig_error *err)
{
    int flags = last ? O_RDONLY | O_NONBLOCK | O_NOCTTY : O_PATH | O_DIRECTORY;
    int fd = openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC);
    int rc = fd < 0 ? fail_open(folder, name, path, err) : check(fd, path, owner, err);
    close(folder);
    if (rc < 0 && fd >= 0)
        close(fd);
    return rc < 0 ? rc : fd;
}

static int check_regular(int fd, const char *path, struct jig_error *err)
{
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
        return fd;
    close(fd);
    return jig_fail(err, JIG_EDENIED, "%s is no file", path);
}

static bool is_plain(const char *name, size_t n)
{
    return n > 0 && !(n == 1 && name[0] == '.') && !(n == 2 && memcmp(name, "..", 2) == 0);
}

/* Each turn cuts the path off behind one more part. */
int jig_guard_open(const char *path, uid_t owner, struct jig_error *err)
{
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (path[0] != '/' || length >= sizeof part || path[length - 1] == '/')
        return jig_fail(err, JIG_EINVALID, "'%.200s' is no absolute path of a file", path);
    int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return jig_fail_sys(err, errno, "/");
    int rc = check(fd, "/", owner, err);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    memcpy(part, path, length + 1);
    for (size_t at = 1, n; fd >= 0 && at < length; at += n + 1) {
        n = strcspn(path + at, "/");
        if (!is_plain(path + at, n)) {
            close(fd);
            return jig_fail(err, JIG_EINVALID, "'%.200s' has a part that is empty, '.' or '..'",
                            path);
        }
        part[at + n] = '\0';
        fd = step(fd, part + at, at + n == length, part, owner, err);
        part[at + n] = path[at + n];
    }
    return fd < 0 ? fd : check_regular(fd, path, err);
}

int jig_guard_read(const char *path, uid_t owner, struct jig_buf *bytes, struct jig_error *err)
{
    int rc = JIG_OK, fd = jig_guard_open(path, owner, err);
    if (fd < 0)
        return fd;
    for (ssize_t n = 1; rc == JIG_OK && n > 0;) {
        uint8_t *to = jig_buf_reserve(bytes, 4096);
        if (!to)
            rc = jig_fail(err, JIG_ENOMEM, "no memory to read %s", path);
        else if ((n = read(fd, to, 4096)) < 0)
            rc = jig_fail_sys(err, errno, "%s", path);
        else
            jig_buf_added(bytes, (size_t)n);
        if (rc == JIG_OK && jig_buf_len(bytes) > JIG_GUARD_CAP)
            rc = jig_fail(err, JIG_ELIMIT, "%s has more than %d bytes", path, JIG_GUARD_CAP);
    }
    close(fd);
    return rc;
}
