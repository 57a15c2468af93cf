/* See fd.h. */
#include "transports/fd.h"

#include <errno.h>
#include <limits.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static void ready(void *data, unsigned events)
{
    struct jig_fd *f = data;
    jig_port_ready(f->port, events);
}

static bool is_socket(int fd)
{
    struct stat about;
    return fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode);
}

int jig_fd_watch(struct jig_fd *f, struct jig_port *port, int fd, jig_watch_fn *fn, void *data,
                 struct jig_error *err)
{
    f->fd = fd;
    f->is_socket = is_socket(fd);
    f->port = port;
    f->watch = jig_watch_new(port->loop, fd, fn, data, err);
    return f->watch ? JIG_OK : JIG_ESYSTEM;
}

int jig_fd_start(struct jig_fd *f, struct jig_port *port, int fd, struct jig_error *err)
{
    return jig_fd_watch(f, port, fd, ready, f, err);
}

void jig_fd_stop(struct jig_fd *f)
{
    jig_watch_free(f->watch);
    f->watch = NULL;
}

static int lost(const struct jig_fd *f, int sys, struct jig_error *err)
{
    const char *what =
        f->is_socket ? "the other side closed the connection" : "the device went away";
    if (!sys)
        return jig_fail(err, JIG_ELOST, "%s: %s", f->port->name, what);
    jig_fail(err, JIG_ELOST, "%s: %s (%s)", f->port->name, what, strerror(sys));
    if (err)
        err->sys = sys;
    return JIG_ELOST;
}

int jig_fd_read(struct jig_fd *f, void *bytes, size_t n, struct jig_error *err)
{
    ssize_t got;
    do {
        got = read(f->fd, bytes, n < INT_MAX ? n : INT_MAX);
    } while (got < 0 && errno == EINTR);
    if (got > 0)
        return (int)got;
    if (got < 0 && errno == EAGAIN)
        return JIG_AGAIN;
    return lost(f, got < 0 ? errno : 0, err);
}

/* A socket whose peer is gone would raise SIGPIPE. */
static ssize_t put(const struct jig_fd *f, const void *bytes, size_t n)
{
    return f->is_socket ? send(f->fd, bytes, n, MSG_NOSIGNAL) : write(f->fd, bytes, n);
}

int jig_fd_write(struct jig_fd *f, const void *bytes, size_t n, struct jig_error *err)
{
    ssize_t taken;
    do {
        taken = put(f, bytes, n < INT_MAX ? n : INT_MAX);
    } while (taken < 0 && errno == EINTR);
    if (taken > 0)
        return (int)taken;
    if (taken == 0 || errno == EAGAIN)
        return JIG_AGAIN;
    return lost(f, errno, err);
}

int jig_fd_want(struct jig_fd *f, unsigned events)
{
    jig_watch_want(f->watch, events);
    return JIG_OK;
}

/* SIOCOUTQ and TIOCOUTQ are one number: bytes that the peer has not acknowledged, or that the
 * driver has not sent. */
int jig_fd_drain(struct jig_fd *f, struct jig_error *err)
{
    int waiting = 0;
    if (ioctl(f->fd, SIOCOUTQ, &waiting) < 0)
        return lost(f, errno, err);
    return waiting ? JIG_AGAIN : JIG_OK;
}
