/* TCP connections: terminal servers, network devices, simulators. `tcp:host:port`.
 *
 * How long connecting may take is the caller's limit.
 */
#include "transports/connect.h"
#include "transports/fd.h"
#include "transports/table.h"

struct tcp {
    struct jig_fd wire;
    struct jig_connect connect;
};

static void connected(struct jig_port *port, const struct jig_error *why)
{
    struct tcp *tcp = port->priv;
    struct jig_error err;
    if (!why && jig_fd_start(&tcp->wire, port, tcp->connect.fd, &err) < 0)
        why = &err;
    jig_port_opened(port, why);
}

static int tcp_open(struct jig_port *port, struct jig_error *err)
{
    static const char *const known[] = {NULL};
    struct tcp *tcp = port->priv;
    int code = jig_port_check_options(port, known, err);
    return code < 0 ? code : jig_connect_start(&tcp->connect, port, connected, err);
}

static void tcp_close(struct jig_port *port)
{
    struct tcp *tcp = port->priv;
    jig_fd_stop(&tcp->wire);
    jig_connect_stop(&tcp->connect);
}

static int tcp_read(struct jig_port *port, void *bytes, size_t n, struct jig_error *err)
{
    struct tcp *tcp = port->priv;
    return jig_fd_read(&tcp->wire, bytes, n, err);
}

static int tcp_write(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err)
{
    struct tcp *tcp = port->priv;
    return jig_fd_write(&tcp->wire, bytes, n, err);
}

static int tcp_want(struct jig_port *port, unsigned events, struct jig_error *err)
{
    struct tcp *tcp = port->priv;
    (void)err;
    return jig_fd_want(&tcp->wire, events);
}

static int tcp_drain(struct jig_port *port, struct jig_error *err)
{
    struct tcp *tcp = port->priv;
    return jig_fd_drain(&tcp->wire, err);
}

const struct jig_transport jig_transport_tcp = {
    .scheme = "tcp",
    .summary = "a TCP connection: network devices, terminal servers",
    .priv_size = sizeof(struct tcp),
    .open = tcp_open,
    .close = tcp_close,
    .read = tcp_read,
    .write = tcp_write,
    .want = tcp_want,
    .drain = tcp_drain,
};
