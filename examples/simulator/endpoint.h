/*
 * Where the device's wire ends: the master of a pseudo-terminal, whose slave the host opens through
 * a symbolic link, a TCP server for one client at a time, or the socket that whoever started this
 * program gave it as standard input. Everything is non-blocking.
 *
 * A pseudo-terminal has no modem lines. DTR low shows as speed B0 in its settings (POSIX's
 * hang-up), DTR high as any other speed.
 */
#ifndef SIM_ENDPOINT_H
#define SIM_ENDPOINT_H

#include <poll.h>
#include <sys/types.h>

#include "bytes.h"

enum endpoint_event {
    ENDPOINT_NOTHING,
    ENDPOINT_OPENED,
    ENDPOINT_CLOSED,
    ENDPOINT_DTR_LOW,
    ENDPOINT_DTR_HIGH
};

enum endpoint_limits { ENDPOINT_POLLFDS = 2, ENDPOINT_PATH = 108, ENDPOINT_EVENTS = 4096 };

struct endpoint {
    bool is_pty;
    bool is_stdio;
    int fd;     /* master or connection; -1: no connection */
    int source; /* inotify on the slave, or the listening socket */
    bool open;
    bool lost; /* a read or write found the peer gone */
    char link[ENDPOINT_PATH];
    char slave[ENDPOINT_PATH];
    unsigned openers; /* pty: how many have the slave open, as far as is known */
    bool reopened;    /* pty: OPENED is due, after CLOSED was told */
    bool dtr_low;
    unsigned port;
    uint8_t events[ENDPOINT_EVENTS] __attribute__((aligned(8)));
    size_t events_at;
    size_t events_len;
};

/* "pty:LINKPATH", "tcp:PORT" (0: any) or "stdio". Returns 0, or -1 with errno (EINVAL: bad text).
 */
int endpoint_open(struct endpoint *e, const char *text);
void endpoint_close(struct endpoint *e);

/* What to wait for; returns how many. */
nfds_t endpoint_pollfds(const struct endpoint *e, bool wants_write,
                        struct pollfd fds[ENDPOINT_POLLFDS]);
/* True while DTR must be looked at every few milliseconds, for which there is no wake-up; so, too,
 * until the host of standard input is met, which was there before. */
bool endpoint_needs_ticks(const struct endpoint *e);

/* What has happened since; call until it says nothing. */
enum endpoint_event endpoint_next(struct endpoint *e);

/* Count, or 0 for nothing now or peer gone (endpoint_next tells the latter). */
size_t endpoint_read(struct endpoint *e, uint8_t *data, size_t len);
size_t endpoint_write(struct endpoint *e, const uint8_t *data, size_t len);

/* The device goes away: the host sees a hang-up or a closed connection. The next unit can come
 * afterwards. Tells no event. */
int endpoint_hang_up(struct endpoint *e);

#endif
