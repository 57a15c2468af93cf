/* The device's end of a pseudo-terminal, a TCP connection or a socket that was handed over. */
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

/* ---- pseudo-terminal ---- */

static bool is_hung_up(const struct endpoint *e)
{
    struct pollfd p = {.fd = e->fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP) != 0;
}

/* Raw, at 115200: how a new slave meets its first host. Later ones find what the host before left,
 * as on a real line. */
static int make_raw(const struct endpoint *e)
{
    struct termios t;
    if (tcgetattr(e->fd, &t) < 0) {
        return -1;
    }
    cfmakeraw(&t);
    t.c_cflag |= CLOCAL;
    (void)cfsetispeed(&t, B115200);
    (void)cfsetospeed(&t, B115200);
    return tcsetattr(e->fd, TCSANOW, &t);
}

/* Takes out what the last host wrote and nobody read. Looked at before the hang-up, so that it
 * cannot be the next host's. */
static void drop_unread(const struct endpoint *e)
{
    uint8_t part[4096];
    int waiting = 0;
    if (ioctl(e->fd, FIONREAD, &waiting) < 0 || !is_hung_up(e)) {
        return;
    }
    while (waiting > 0) {
        size_t wanted = (size_t)waiting < sizeof part ? (size_t)waiting : sizeof part;
        ssize_t n = read(e->fd, part, wanted);
        if (n <= 0) {
            return;
        }
        waiting -= (int)n;
    }
}

/*
 * Empties what the last host left unread; a pseudo-terminal, unlike a UART, would keep it for the
 * next one. That one may have opened already, so nothing but its input is touched: nothing was sent
 * to it yet. Opening and closing the slave also makes a new master report that nobody is there.
 */
static int empty_slave(const struct endpoint *e)
{
    int slave = open(e->slave, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (slave < 0) {
        return -1;
    }
    (void)tcflush(slave, TCIFLUSH);
    (void)close(slave);
    return 0;
}

static void drop_events(const struct endpoint *e)
{
    uint8_t part[4096];
    while (read(e->source, part, sizeof part) > 0) {
        continue;
    }
}

/*
 * Watching the slave's opens and closes: a host that closes and opens again at once must be seen as
 * two visits, which the state of the master alone would not tell. Our own opening in empty_slave is
 * done while nobody watches.
 */
static int watch_slave(struct endpoint *e)
{
    close_fd(&e->source);
    e->events_at = 0;
    e->events_len = 0;
    e->openers = 0;
    e->open = false;
    e->lost = false;
    e->reopened = false;
    e->dtr_low = false;
    if (empty_slave(e) < 0 && is_hung_up(e)) {
        return -1;
    }
    e->source = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (e->source < 0 || inotify_add_watch(e->source, e->slave, IN_OPEN | IN_CLOSE) < 0) {
        return -1;
    }
    if (!is_hung_up(e)) { /* the host was faster than the watch */
        drop_events(e);
        e->openers = 1;
        e->reopened = true;
    }
    return 0;
}

/* Points the link at the slave in one step. */
static int publish_link(const struct endpoint *e)
{
    char temporary[ENDPOINT_PATH + 24];
    (void)snprintf(temporary, sizeof temporary, "%s.%ld", e->link, (long)getpid());
    (void)unlink(temporary);
    if (symlink(e->slave, temporary) < 0) {
        return -1;
    }
    return rename(temporary, e->link);
}

/* A new pair. The link leads to it before the old master is closed: a host that sees the hang-up
 * may open the link at once. */
static int pty_open(struct endpoint *e)
{
    int old = e->fd;
    e->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    int result = -1;
    if (e->fd >= 0 && grantpt(e->fd) == 0 && unlockpt(e->fd) == 0 &&
        ptsname_r(e->fd, e->slave, sizeof e->slave) == 0 && make_raw(e) == 0 &&
        watch_slave(e) == 0) {
        result = publish_link(e);
    }
    close_fd(&old);
    return result;
}

/* The host has closed. A slave that it left exclusive (TIOCEXCL) cannot be opened again except by
 * root: then there is a new one. */
static void pty_vacate(struct endpoint *e)
{
    drop_unread(e);
    if (watch_slave(e) < 0 && pty_open(e) < 0) {
        e->open = false;
    }
}

static const struct inotify_event *next_inotify(struct endpoint *e)
{
    if (e->events_at >= e->events_len) {
        ssize_t n = read(e->source, e->events, sizeof e->events);
        e->events_at = 0;
        e->events_len = n > 0 ? (size_t)n : 0;
    }
    if (e->events_at >= e->events_len) {
        return NULL;
    }
    const struct inotify_event *event =
        (const struct inotify_event *)(const void *)(e->events + e->events_at);
    e->events_at += sizeof *event + event->len;
    return event;
}

static enum endpoint_event pty_visits(struct endpoint *e)
{
    if (e->reopened) {
        e->reopened = false;
        e->open = true;
        return ENDPOINT_OPENED;
    }
    for (const struct inotify_event *event = next_inotify(e); event != NULL;
         event = next_inotify(e)) {
        if ((event->mask & IN_OPEN) == 0) {
            e->openers -= e->openers > 0 ? 1 : 0;
            continue;
        }
        e->openers++;
        if (e->open && e->openers == 1) {
            e->open = false;
            e->reopened = true;
            e->dtr_low = false;
            return ENDPOINT_CLOSED;
        }
        if (!e->open) {
            e->open = true;
            return ENDPOINT_OPENED;
        }
    }
    if (e->open && is_hung_up(e)) {
        pty_vacate(e);
        return ENDPOINT_CLOSED;
    }
    return ENDPOINT_NOTHING;
}

static enum endpoint_event pty_dtr(struct endpoint *e)
{
    struct termios t;
    if (!e->open || tcgetattr(e->fd, &t) < 0) {
        return ENDPOINT_NOTHING;
    }
    bool low = cfgetospeed(&t) == B0;
    if (low == e->dtr_low) {
        return ENDPOINT_NOTHING;
    }
    e->dtr_low = low;
    return low ? ENDPOINT_DTR_LOW : ENDPOINT_DTR_HIGH;
}

/* ---- TCP ---- */

static int tcp_open(struct endpoint *e, unsigned long port)
{
    const int on = 1;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    e->source = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (e->source < 0 || setsockopt(e->source, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
        bind(e->source, (const struct sockaddr *)&address, len) < 0 || listen(e->source, 8) < 0 ||
        getsockname(e->source, (struct sockaddr *)&address, &len) < 0) {
        return -1;
    }
    e->port = ntohs(address.sin_port);
    return 0;
}

static enum endpoint_event tcp_visits(struct endpoint *e)
{
    const int on = 1;
    if (e->lost) {
        e->lost = false;
        e->open = false;
        close_fd(&e->fd);
        return ENDPOINT_CLOSED;
    }
    if (e->open) {
        return ENDPOINT_NOTHING;
    }
    e->fd = accept4(e->source, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (e->fd < 0) {
        return ENDPOINT_NOTHING;
    }
    (void)setsockopt(e->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    e->open = true;
    return ENDPOINT_OPENED;
}

/* ---- standard input ---- */

/* The socket is standard output, too. The host is there already. */
static int stdio_open(struct endpoint *e)
{
    int type = 0;
    socklen_t len = sizeof type;
    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
        fcntl(STDIN_FILENO, F_SETFL, O_RDWR | O_NONBLOCK) < 0) {
        return -1;
    }
    e->fd = STDIN_FILENO;
    e->is_stdio = true;
    return 0;
}

/* One visit, and no more after it. */
static enum endpoint_event stdio_visits(struct endpoint *e)
{
    if (e->lost) {
        e->lost = false;
        e->open = false;
        close_fd(&e->fd);
        return ENDPOINT_CLOSED;
    }
    if (e->open || e->fd < 0) {
        return ENDPOINT_NOTHING;
    }
    e->open = true;
    return ENDPOINT_OPENED;
}

/* ---- all ---- */

int endpoint_open(struct endpoint *e, const char *text)
{
    unsigned long port = 0;
    *e = (struct endpoint){.fd = -1, .source = -1};
    if (strncmp(text, "pty:", 4) == 0 && text[4] != 0 && strlen(text + 4) < sizeof e->link) {
        e->is_pty = true;
        (void)strcpy(e->link, text + 4);
        return pty_open(e);
    }
    if (strncmp(text, "tcp:", 4) == 0 && sim_number(text + 4, 65535, &port) == 0) {
        return tcp_open(e, port);
    }
    if (strcmp(text, "stdio") == 0) {
        return stdio_open(e);
    }
    errno = EINVAL;
    return -1;
}

void endpoint_close(struct endpoint *e)
{
    if (e->is_pty) {
        (void)unlink(e->link);
    }
    close_fd(&e->fd);
    close_fd(&e->source);
}

nfds_t endpoint_pollfds(const struct endpoint *e, bool wants_write,
                        struct pollfd fds[ENDPOINT_POLLFDS])
{
    nfds_t n = 0;
    /* A second TCP client waits in the queue until the first has gone. */
    if (e->is_pty || (!e->is_stdio && !e->open)) {
        fds[n++] = (struct pollfd){.fd = e->source, .events = POLLIN};
    }
    if (e->open) {
        fds[n++] =
            (struct pollfd){.fd = e->fd, .events = (short)(POLLIN | (wants_write ? POLLOUT : 0))};
    }
    return n;
}

bool endpoint_needs_ticks(const struct endpoint *e)
{
    return e->is_pty ? e->open : e->is_stdio && !e->open && e->fd >= 0;
}

enum endpoint_event endpoint_next(struct endpoint *e)
{
    if (e->is_stdio) {
        return stdio_visits(e);
    }
    if (!e->is_pty) {
        return tcp_visits(e);
    }
    enum endpoint_event event = pty_visits(e);
    return event == ENDPOINT_NOTHING ? pty_dtr(e) : event;
}

size_t endpoint_read(struct endpoint *e, uint8_t *data, size_t len)
{
    if (!e->open) {
        return 0;
    }
    ssize_t n = read(e->fd, data, len);
    bool nothing_now = n < 0 && (errno == EAGAIN || errno == EINTR);
    e->lost = e->lost || (n <= 0 && !nothing_now);
    return n > 0 ? (size_t)n : 0;
}

size_t endpoint_write(struct endpoint *e, const uint8_t *data, size_t len)
{
    if (!e->open) {
        return 0;
    }
    ssize_t n = e->is_pty ? write(e->fd, data, len) : send(e->fd, data, len, MSG_NOSIGNAL);
    bool nothing_now = n < 0 && (errno == EAGAIN || errno == EINTR);
    e->lost = e->lost || (n < 0 && !nothing_now);
    return n > 0 ? (size_t)n : 0;
}

int endpoint_hang_up(struct endpoint *e)
{
    if (e->is_pty) {
        return pty_open(e);
    }
    close_fd(&e->fd);
    e->open = false;
    e->lost = false;
    return 0;
}
