/* See lock.h. */
#include "transports/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int fail_open(const char *path, const char *name, int sys, struct jig_error *err)
{
    if (sys == EBUSY || sys == EWOULDBLOCK)
        return jig_fail(err, JIG_EBUSY, "%s: %s is in use by another process", name, path);
    if (sys == ENOTTY)
        return jig_fail(err, JIG_EUNSUPPORTED, "%s: %s is not a terminal", name, path);
    return jig_fail_sys(err, sys, "%s: cannot open %s", name, path);
}

/* 0 or an errno value. */
static int claim(int fd)
{
    if (!isatty(fd))
        return ENOTTY;
    return flock(fd, LOCK_EX | LOCK_NB) < 0 ? errno : 0;
}

int jig_tty_open(const char *path, const char *name, struct jig_error *err)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return fail_open(path, name, errno, err);
    int sys = claim(fd);
    if (sys) {
        close(fd);
        return fail_open(path, name, sys, err);
    }
    return fd;
}

void jig_tty_exclude(int fd, bool on)
{
    ioctl(fd, on ? TIOCEXCL : TIOCNXCL);
}
