/* See beneath.h. */
#include "core/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    FLAGS = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
    AGAIN = 100, /* how often a path is followed once more: openat2(2) leaves that to its caller */
};

/* Whether the path leads below the folder, both as they really are; -1 with errno. */
static int leads_below(const char *folder, const char *path)
{
    char *whole = realpath(folder, NULL), *to = whole ? realpath(path, NULL) : NULL;
    size_t n = whole ? strlen(whole) : 0;
    int rc = to ? strncmp(to, whole, n) == 0 && (to[n] == '/' || n == 1) : -1;
    free(whole);
    free(to);
    return rc;
}

/* For systems that do not know openat2. */
static int open_compared(const char *folder, const char *path)
{
    int below = leads_below(folder, path);
    if (below == 0)
        errno = EXDEV;
    return below > 0 ? open(path, FLAGS) : -1;
}

/* EAGAIN: something was renamed or mounted, anywhere on the host, while ".." was followed. */
static int follow(int at, const char *path)
{
    struct open_how how = {.flags = FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    for (int left = AGAIN;; left--) {
        int fd = (int)syscall(SYS_openat2, at, path, &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || left == 0)
            return fd;
    }
}

static int open_below(const char *folder, const char *path)
{
    int at = open(*folder ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return -1;
    int fd = follow(at, path + strlen(folder));
    int rc = errno;
    close(at);
    errno = rc;
    return fd < 0 && (rc == ENOSYS || rc == EPERM) ? open_compared(folder, path) : fd;
}

static int fail_open(const char *folder, const char *path, int sys, struct jig_error *err)
{
    if (folder && sys == EXDEV)
        return jig_fail(err, JIG_EDENIED, "%s: it leads out of the folder %s", path, folder);
    if (folder && (sys == EAGAIN || sys == EINTR))
        return jig_fail(err, JIG_EBUSY,
                        "%s: files of this host are renamed all the time: the path could not be "
                        "followed in %d tries",
                        path, AGAIN + 1);
    return jig_fail_sys(err, sys, "%s", path);
}

/* Up to the end of the file, or of the room; -1 with errno. */
static ssize_t read_all(int fd, char *to, size_t room)
{
    size_t n = 0;
    while (n < room) {
        ssize_t more = read(fd, to + n, room - n);
        if (more < 0 && errno == EINTR)
            continue;
        if (more < 0)
            return -1;
        if (more == 0)
            break;
        n += (size_t)more;
    }
    return (ssize_t)n;
}

ssize_t jig_beneath_read(const char *folder, const char *path, char *to, size_t room,
                         struct jig_error *err)
{
    int fd = folder ? open_below(folder, path) : open(path, FLAGS);
    if (fd < 0)
        return fail_open(folder, path, errno, err);
    struct stat st;
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    ssize_t n = regular ? read_all(fd, to, room) : 0;
    int rc = errno;
    close(fd);
    if (!regular)
        return jig_fail(err, JIG_EINVALID, "%s: it is no regular file", path);
    if (n < 0)
        return jig_fail_sys(err, rc, "%s", path);
    if ((size_t)n == room)
        return jig_fail(err, JIG_ELIMIT, "%s: it is larger than the %zu bytes that it may have",
                        path, room - 1);
    return n;
}
