/* TCP connections: terminal servers, network devices, simulators. `tcp:host:port`.
 *
 * A host that is a number needs no look-up; a name's addresses are tried in turn, and the last
 * failure is told. How long all that may take is the caller's limit.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "transports/fd.h"
#include "transports/table.h"

struct tcp {
    struct jig_fd wire;
    struct jig_endpoint endpoint;
    struct jig_lookup *lookup;     /* under way */
    struct jig_watch *connecting;  /* under way */
    struct addrinfo *found, *next; /* all addresses, and the one to try after this */
    int fd;                        /* -1 = none */
};

/* Which of the ways to fail it was decides what the operator looks at: the device is up but its
 * service is not, there is no such device, or something swallows the packets. */
static int fail_connect(const struct jig_port *port, int sys, struct jig_error *err)
{
    const struct tcp *tcp = port->priv;
    const char *host = tcp->endpoint.host;
    unsigned number = tcp->endpoint.port;
    switch (sys) {
    case ECONNREFUSED:
        jig_fail(err, JIG_EREFUSED, "%s: host %s answers, but refuses connections to port %u",
                 port->name, host, number);
        break;
    case ETIMEDOUT:
        jig_fail(err, JIG_ETIMEOUT, "%s: no answer from host %s, port %u", port->name, host,
                 number);
        break;
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
        jig_fail(err, JIG_ENOTFOUND, "%s: host %s cannot be reached", port->name, host);
        break;
    default:
        return jig_fail_sys(err, sys, "%s: cannot connect to host %s, port %u", port->name, host,
                            number);
    }
    err->sys = sys;
    return err->code;
}

static void connect_ended(void *data, unsigned events);

/* Starts one attempt. 0 or an errno value. */
static int start_attempt(struct jig_port *port, const struct addrinfo *to)
{
    struct tcp *tcp = port->priv;
    int on = 1;
    tcp->fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (tcp->fd < 0)
        return errno;
    setsockopt(tcp->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(tcp->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    int rc = connect(tcp->fd, to->ai_addr, to->ai_addrlen);
    if (rc < 0 && errno != EINPROGRESS)
        return errno;
    struct jig_error err;
    tcp->connecting = jig_watch_new(port->loop, tcp->fd, connect_ended, port, &err);
    if (!tcp->connecting)
        return ENOMEM;
    jig_watch_want(tcp->connecting, JIG_WRITABLE);
    return 0;
}

static void end_attempt(struct tcp *tcp)
{
    jig_watch_free(tcp->connecting);
    tcp->connecting = NULL;
    if (tcp->fd >= 0)
        close(tcp->fd);
    tcp->fd = -1;
}

/* Tries the addresses that are left until an attempt is under way. JIG_AGAIN, or the failure of the
 * last one; `sys` is that of the attempt before. */
static int try_next(struct jig_port *port, int sys, struct jig_error *err)
{
    struct tcp *tcp = port->priv;
    while (tcp->next) {
        const struct addrinfo *to = tcp->next;
        tcp->next = to->ai_next;
        sys = start_attempt(port, to);
        if (!sys)
            return JIG_AGAIN;
        end_attempt(tcp);
    }
    return fail_connect(port, sys, err);
}

static void connect_ended(void *data, unsigned events)
{
    struct jig_port *port = data;
    struct tcp *tcp = port->priv;
    struct jig_error err;
    int sys = 0;
    socklen_t size = sizeof sys;
    (void)events;
    getsockopt(tcp->fd, SOL_SOCKET, SO_ERROR, &sys, &size);
    if (sys) {
        end_attempt(tcp);
        if (try_next(port, sys, &err) != JIG_AGAIN)
            jig_port_opened(port, &err);
        return;
    }
    jig_watch_free(tcp->connecting);
    tcp->connecting = NULL;
    bool started = jig_fd_start(&tcp->wire, port, tcp->fd, &err) == JIG_OK;
    jig_port_opened(port, started ? NULL : &err);
}

static void looked_up(void *data, struct addrinfo *found, const struct jig_error *why)
{
    struct jig_port *port = data;
    struct tcp *tcp = port->priv;
    tcp->lookup = NULL;
    tcp->found = tcp->next = found;
    if (!found) {
        jig_port_opened(port, why);
        return;
    }
    struct jig_error err;
    if (try_next(port, 0, &err) != JIG_AGAIN)
        jig_port_opened(port, &err);
}

static void release(struct tcp *tcp)
{
    jig_fd_stop(&tcp->wire);
    end_attempt(tcp);
    if (tcp->lookup)
        jig_lookup_cancel(tcp->lookup);
    if (tcp->found)
        freeaddrinfo(tcp->found);
}

static int tcp_open(struct jig_port *port, struct jig_error *err)
{
    static const char *const known[] = {NULL};
    struct tcp *tcp = port->priv;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char service[8];
    tcp->fd = -1;
    int code = jig_port_check_options(port, known, err);
    if (code == JIG_OK)
        code = jig_address_endpoint(&port->address, &tcp->endpoint, err);
    if (code < 0)
        return code;
    snprintf(service, sizeof service, "%u", (unsigned)tcp->endpoint.port);
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    if (getaddrinfo(tcp->endpoint.host, service, &hints, &tcp->found) != 0) {
        tcp->lookup =
            jig_lookup_start(port->loop, tcp->endpoint.host, service, looked_up, port, err);
        return tcp->lookup ? JIG_AGAIN : JIG_ESYSTEM;
    }
    tcp->next = tcp->found;
    struct jig_error why;
    code = try_next(port, 0, &why);
    if (code != JIG_AGAIN) {
        release(tcp);
        if (err)
            *err = why;
    }
    return code;
}

static void tcp_close(struct jig_port *port)
{
    release(port->priv);
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
