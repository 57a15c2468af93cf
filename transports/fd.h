/* A wire that is one descriptor: what tty, serial, tcp, tls and exec share. */
#ifndef JIG_TRANSPORTS_FD_H
#define JIG_TRANSPORTS_FD_H

#include "core/port.h"

struct jig_fd {
    int fd;
    bool is_socket;
    struct jig_port *port;
    struct jig_watch *watch;
};

/* Puts an open, non-blocking descriptor into the port's loop. It stays the caller's, who closes it
 * after jig_fd_stop. 0, or a failure that leaves nothing to undo. */
int jig_fd_start(struct jig_fd *f, struct jig_port *port, int fd, struct jig_error *err);

/* The same for a transport whose bytes are not the port's: fn(data, events) is told instead of the
 * port. */
int jig_fd_watch(struct jig_fd *f, struct jig_port *port, int fd, jig_watch_fn *fn, void *data,
                 struct jig_error *err);

/* Takes it out of the loop. Harmless when it was never started (zeroed) or stopped before. */
void jig_fd_stop(struct jig_fd *f);

/* As the transport's members of the same name. End of file and every failure of the wire are
 * JIG_ELOST: a device that was unplugged answers 0, EIO, ENXIO or ENODEV as it likes. */
int jig_fd_read(struct jig_fd *f, void *bytes, size_t n, struct jig_error *err);
int jig_fd_write(struct jig_fd *f, const void *bytes, size_t n, struct jig_error *err);
int jig_fd_want(struct jig_fd *f, unsigned events);

/* 0 when the driver or the peer has taken all that was written, else JIG_AGAIN. */
int jig_fd_drain(struct jig_fd *f, struct jig_error *err);

#endif
