/* Making a TCP connection: what tcp and tls share. */
#ifndef JIG_TRANSPORTS_CONNECT_H
#define JIG_TRANSPORTS_CONNECT_H

#include "core/port.h"

struct addrinfo;

/* Told once that the attempt ended: connected, or why not. From the loop only. */
typedef void jig_connected_fn(struct jig_port *port, const struct jig_error *err);

/* In the port's private struct, zeroed by port.c before each open. */
struct jig_connect {
    struct jig_port *port;
    jig_connected_fn *connected;
    struct jig_endpoint endpoint;
    struct jig_lookup *lookup;     /* under way */
    struct jig_watch *connecting;  /* under way */
    struct addrinfo *found, *next; /* all addresses, and the one to try after this */
    int fd;                        /* of the connection, which is this struct's; -1 = none */
};

/* Starts to connect to the port's address, HOST:PORT. A host that is a number needs no look-up; a
 * name's addresses are tried in turn, and the last failure is told. JIG_AGAIN, or a failure that
 * leaves nothing to undo. */
int jig_connect_start(struct jig_connect *c, struct jig_port *port, jig_connected_fn *connected,
                      struct jig_error *err);

/* Ends what is under way and closes the connection; whoever watches it stopped before. Only after a
 * start, also one that failed; twice is once. */
void jig_connect_stop(struct jig_connect *c);

#endif
