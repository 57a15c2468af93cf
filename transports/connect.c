/* See connect.h. */
#include "transports/connect.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* Which of the ways to fail it was decides what the operator looks at: the device is up but its
 * service is not, there is no such device, or something swallows the packets. */
static int fail_connect(const struct jig_connect *c, int sys, struct jig_error *err)
{
    const char *host = c->endpoint.host, *name = c->port->name;
    unsigned number = c->endpoint.port;
    switch (sys) {
    case ECONNREFUSED:
        jig_fail(err, JIG_EREFUSED, "%s: host %s answers, but refuses connections to port %u", name,
                 host, number);
        break;
    case ETIMEDOUT:
        jig_fail(err, JIG_ETIMEOUT, "%s: no answer from host %s, port %u", name, host, number);
        break;
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
        jig_fail(err, JIG_ENOTFOUND, "%s: host %s cannot be reached", name, host);
        break;
    default:
        return jig_fail_sys(err, sys, "%s: cannot connect to host %s, port %u", name, host, number);
    }
    err->sys = sys;
    return err->code;
}

static void connect_ended(void *data, unsigned events);

/* Starts one attempt. 0 or an errno value. */
static int start_attempt(struct jig_connect *c, const struct addrinfo *to)
{
    int on = 1;
    c->fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (c->fd < 0)
        return errno;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    int rc = connect(c->fd, to->ai_addr, to->ai_addrlen);
    if (rc < 0 && errno != EINPROGRESS)
        return errno;
    struct jig_error err;
    c->connecting = jig_watch_new(c->port->loop, c->fd, connect_ended, c, &err);
    if (!c->connecting)
        return ENOMEM;
    jig_watch_want(c->connecting, JIG_WRITABLE);
    return 0;
}

static void end_attempt(struct jig_connect *c)
{
    jig_watch_free(c->connecting);
    c->connecting = NULL;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
}

/* Tries the addresses that are left until an attempt is under way. JIG_AGAIN, or the failure of the
 * last one; `sys` is that of the attempt before. */
static int try_next(struct jig_connect *c, int sys, struct jig_error *err)
{
    while (c->next) {
        const struct addrinfo *to = c->next;
        c->next = to->ai_next;
        sys = start_attempt(c, to);
        if (!sys)
            return JIG_AGAIN;
        end_attempt(c);
    }
    return fail_connect(c, sys, err);
}

static void connect_ended(void *data, unsigned events)
{
    struct jig_connect *c = data;
    struct jig_error err;
    int sys = 0;
    socklen_t size = sizeof sys;
    (void)events;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &sys, &size);
    if (sys) {
        end_attempt(c);
        if (try_next(c, sys, &err) != JIG_AGAIN)
            c->connected(c->port, &err);
        return;
    }
    jig_watch_free(c->connecting);
    c->connecting = NULL;
    c->connected(c->port, NULL);
}

static void looked_up(void *data, struct addrinfo *found, const struct jig_error *why)
{
    struct jig_connect *c = data;
    c->lookup = NULL;
    c->found = c->next = found;
    if (!found) {
        c->connected(c->port, why);
        return;
    }
    struct jig_error err;
    if (try_next(c, 0, &err) != JIG_AGAIN)
        c->connected(c->port, &err);
}

int jig_connect_start(struct jig_connect *c, struct jig_port *port, jig_connected_fn *connected,
                      struct jig_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    char service[8];
    *c = (struct jig_connect){.port = port, .connected = connected, .fd = -1};
    int code = jig_address_endpoint(&port->address, &c->endpoint, err);
    if (code < 0)
        return code;
    snprintf(service, sizeof service, "%u", (unsigned)c->endpoint.port);
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    if (getaddrinfo(c->endpoint.host, service, &hints, &c->found) != 0) {
        c->lookup = jig_lookup_start(port->loop, c->endpoint.host, service, looked_up, c, err);
        return c->lookup ? JIG_AGAIN : JIG_ESYSTEM;
    }
    c->next = c->found;
    struct jig_error why;
    code = try_next(c, 0, &why);
    if (code != JIG_AGAIN) {
        jig_connect_stop(c);
        if (err)
            *err = why;
    }
    return code;
}

void jig_connect_stop(struct jig_connect *c)
{
    end_attempt(c);
    if (c->lookup)
        jig_lookup_cancel(c->lookup);
    c->lookup = NULL;
    if (c->found)
        freeaddrinfo(c->found);
    c->found = NULL;
}
