/* TLS 1.2 and 1.3 over TCP: gateways, remote consoles. `tls:host:port?ca=FILE&cert=FILE&key=FILE`.
 *
 * OpenSSL does no input and output here. It reads and writes a pair of BIOs of a fixed size in
 * memory; this file moves what passes between them and the socket, straight from and into their
 * memory. A read may have to wait until the socket can be written and a write until it can be read:
 * `read_needs` and `write_needs` say so, and arm() turns what the port waits for into what the
 * descriptor is watched for.
 *
 * A write is accepted only when all of its record fits the pair. So it is never begun and told to
 * come again, and whoever gives up after JIG_AGAIN has written nothing. What the socket did not
 * take yet is sent when it can be, also while nobody waits. Reading takes from the socket only what
 * TLS has asked for: a reader that pauses pauses the other side.
 */
#include "transports/tls.h"

#include <openssl/err.h>

#include "transports/table.h"

enum {
    RECORD = SSL3_RT_MAX_PLAIN_LENGTH, /* bytes of one write */
    SPARE = 2048,                      /* what a record adds, and an answer that goes before it */
    PIPE = RECORD + SPARE,
    ROUNDS = 16, /* of one read; a server that sends records without data does not hold the loop */
};

/* ---- between TLS and the wire ---- */

static bool unsent(const struct jig_tls *tls)
{
    return BIO_pending(tls->outside) > 0;
}

/* What the descriptor is watched for, after anything has changed. */
static void arm(struct jig_tls *tls)
{
    unsigned events = 0;
    if (tls->wanted & JIG_READABLE)
        events |= tls->read_needs;
    if (tls->wanted & JIG_WRITABLE)
        events |= tls->write_needs;
    if (unsent(tls) && !tls->broken)
        events |= JIG_WRITABLE;
    jig_watch_want(tls->wire.watch, events);
}

/* Sends what TLS has to send. 0 = all of it, JIG_AGAIN, JIG_ELOST. */
static int flush(struct jig_tls *tls, struct jig_error *err)
{
    char *bytes;
    int n;
    while ((n = BIO_nread0(tls->outside, &bytes)) > 0) {
        int sent = jig_fd_write(&tls->wire, bytes, (size_t)n, err);
        if (sent == JIG_ELOST)
            tls->broken = true;
        if (sent < 0)
            return sent;
        BIO_nread(tls->outside, &bytes, sent);
    }
    return JIG_OK;
}

static int fail_end(const struct jig_tls *tls, struct jig_error *err)
{
    const char *name = tls->port->name;
    if (tls->open)
        return jig_fail(err, JIG_ELOST,
                        "%s: the connection ended without TLS's close_notify: the last bytes may "
                        "be missing",
                        name);
    if (tls->heard)
        return jig_fail(err, JIG_ELOST,
                        "%s: the other side closed the connection in the middle of the TLS "
                        "handshake",
                        name);
    return jig_fail(err, JIG_ELOST,
                    "%s: the other side closed the connection when the TLS handshake began: does "
                    "it speak TLS?",
                    name);
}

/* The first byte of all that a TLS server says is that of a handshake or of an alert. Without this
 * a banner of less than a record's head would be waited with. */
static bool is_plain(struct jig_tls *tls, const char *bytes)
{
    bool first = !tls->heard;
    tls->heard = true;
    return first && *bytes != SSL3_RT_HANDSHAKE && *bytes != SSL3_RT_ALERT;
}

/* Gives TLS what has arrived, after it asked for more. 0, JIG_AGAIN or a failure. */
static int fetch(struct jig_tls *tls, struct jig_error *err)
{
    char *room;
    struct jig_error why;
    int n = BIO_nwrite0(tls->outside, &room);
    if (n <= 0)
        return jig_fail(err, JIG_ELOST, "%s: TLS wants more than it can hold", tls->port->name);
    int got = jig_fd_read(&tls->wire, room, (size_t)n, &why);
    if (got == JIG_ELOST && !why.sys)
        return fail_end(tls, err);
    if (got < 0) {
        if (err && got != JIG_AGAIN)
            *err = why;
        return got;
    }
    if (is_plain(tls, room))
        return jig_fail(err, JIG_EREFUSED,
                        "%s: what answers at host %s, port %u, does not speak TLS", tls->port->name,
                        tls->connect.endpoint.host, (unsigned)tls->connect.endpoint.port);
    BIO_nwrite(tls->outside, &room, got);
    return JIG_OK;
}

/* After an operation of TLS that answered `result`, no success: 0 = it may be tried again at once;
 * JIG_AGAIN when *needs is there; or a failure. */
static int settle(struct jig_tls *tls, int result, unsigned *needs, struct jig_error *err)
{
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        *needs = JIG_READABLE;
        return fetch(tls, err);
    case SSL_ERROR_WANT_WRITE:
        *needs = JIG_WRITABLE;
        return flush(tls, err);
    case SSL_ERROR_ZERO_RETURN:
        return jig_fail(err, JIG_ELOST, "%s: the other side closed the connection",
                        tls->port->name);
    default:
        tls->failed = true;
        return jig_tls_fail(tls, err);
    }
}

/* ---- opening ---- */

/* Goes on with the handshake. The port may be gone when this returns. */
static void shake(struct jig_tls *tls)
{
    struct jig_error err;
    int code = JIG_OK;
    while (code == JIG_OK && !tls->open) {
        ERR_clear_error();
        int result = SSL_do_handshake(tls->ssl);
        tls->open = tls->more = result == 1;
        if (!tls->open)
            code = settle(tls, result, &tls->read_needs, &err);
        flush(tls, NULL); /* an alert, too, that says why we leave; a failure is told by reading */
    }
    if (code != JIG_AGAIN)
        tls->wanted = 0;
    if (code < 0 && code != JIG_AGAIN)
        tls->broken = true;
    arm(tls);
    if (code != JIG_AGAIN)
        jig_port_opened(tls->port, code < 0 ? &err : NULL);
}

static void ready(void *data, unsigned events)
{
    struct jig_tls *tls = data;
    if (unsent(tls))
        flush(tls, NULL);
    if (!tls->open) {
        shake(tls);
        return;
    }
    unsigned told = 0;
    if (events & tls->read_needs)
        told |= JIG_READABLE;
    if (events & tls->write_needs && (tls->broken || !unsent(tls)))
        told |= JIG_WRITABLE;
    arm(tls);
    jig_port_ready(tls->port, told & tls->wanted);
}

static void connected(struct jig_port *port, const struct jig_error *why)
{
    struct jig_tls *tls = port->priv;
    struct jig_error err;
    if (!why && jig_fd_watch(&tls->wire, port, tls->connect.fd, ready, tls, &err) < 0)
        why = &err;
    if (why)
        jig_port_opened(port, why);
    else
        shake(tls);
}

static void run_tell(struct jig_deferred *deferred)
{
    struct jig_tls *tls = deferred->data;
    jig_port_ready(tls->port, tls->wanted & JIG_READABLE);
}

static void release(struct jig_tls *tls)
{
    jig_defer_cancel(tls->port->loop, &tls->tell);
    jig_fd_stop(&tls->wire);
    SSL_free(tls->ssl);
    BIO_free(tls->outside);
    jig_connect_stop(&tls->connect);
}

static int tls_open(struct jig_port *port, struct jig_error *err)
{
    static const char *const known[] = {JIG_TLS_OPTIONS, NULL};
    struct jig_tls *tls = port->priv;
    tls->port = port;
    tls->connect.fd = -1;
    tls->tell = (struct jig_deferred){.run = run_tell, .data = tls};
    tls->wanted = tls->read_needs = JIG_READABLE; /* the handshake reads */
    tls->write_needs = JIG_WRITABLE;
    int code = jig_port_check_options(port, known, err);
    if (code == JIG_OK)
        code = jig_tls_make(tls, err);
    if (code < 0)
        return code;
    if (BIO_new_bio_pair(&tls->inside, PIPE, &tls->outside, PIPE) == 1) {
        SSL_set_bio(tls->ssl, tls->inside, tls->inside);
        SSL_set_connect_state(tls->ssl);
        code = jig_connect_start(&tls->connect, port, connected, err);
    } else {
        code = jig_fail(err, JIG_ENOMEM, "%s: no memory for TLS", port->name);
    }
    if (code != JIG_AGAIN)
        release(tls);
    return code;
}

/* Says good-bye without waiting for an answer, or for room. */
static void tls_close(struct jig_port *port)
{
    struct jig_tls *tls = port->priv;
    if (tls->open && !tls->failed) {
        ERR_clear_error();
        SSL_shutdown(tls->ssl);
        flush(tls, NULL);
    }
    release(tls);
}

/* ---- bytes ---- */

static int tls_read(struct jig_port *port, void *bytes, size_t n, struct jig_error *err)
{
    struct jig_tls *tls = port->priv;
    int most = n < RECORD ? (int)n : RECORD, got = 0, code = JIG_OK;
    for (int round = 0; round < ROUNDS && got <= 0 && code == JIG_OK; round++) {
        ERR_clear_error();
        got = SSL_read(tls->ssl, bytes, most);
        if (got <= 0)
            code = settle(tls, got, &tls->read_needs, err);
        flush(tls, NULL); /* an answer of TLS's own, or an alert */
    }
    tls->more = code == JIG_OK;
    arm(tls);
    if (got > 0)
        return got;
    return code < 0 ? code : JIG_AGAIN;
}

/* A server that refuses says why before it closes. What it said goes before what the write met. */
static int fail_write(struct jig_tls *tls, struct jig_error *err)
{
    struct jig_error said;
    char byte;
    int code = JIG_OK;
    for (int round = 0; round < ROUNDS && code == JIG_OK; round++) {
        ERR_clear_error();
        int got = SSL_peek(tls->ssl, &byte, 1);
        code = got > 0 ? JIG_AGAIN : settle(tls, got, &tls->read_needs, &said);
    }
    if (tls->failed && err)
        *err = said;
    return JIG_ELOST;
}

static int tls_write(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err)
{
    struct jig_tls *tls = port->priv;
    size_t piece = n < RECORD ? n : RECORD;
    int put = 0, code = flush(tls, err);
    tls->write_needs = JIG_WRITABLE;
    if (code == JIG_AGAIN && BIO_ctrl_get_write_guarantee(tls->inside) >= piece + SPARE)
        code = JIG_OK;
    for (int round = 0; round < ROUNDS && put <= 0 && code == JIG_OK; round++) {
        ERR_clear_error();
        put = SSL_write(tls->ssl, bytes, (int)piece);
        if (put <= 0)
            code = settle(tls, put, &tls->write_needs, err);
        flush(tls, NULL); /* a failure is told by the next write */
    }
    arm(tls);
    if (put > 0)
        return put;
    if (code == JIG_ELOST && tls->broken)
        return fail_write(tls, err);
    return code < 0 ? code : JIG_AGAIN;
}

static int tls_want(struct jig_port *port, unsigned events, struct jig_error *err)
{
    struct jig_tls *tls = port->priv;
    (void)err;
    tls->wanted = events;
    if (events & JIG_READABLE && tls->more)
        jig_defer(port->loop, &tls->tell);
    arm(tls);
    return JIG_OK;
}

static int tls_drain(struct jig_port *port, struct jig_error *err)
{
    struct jig_tls *tls = port->priv;
    int code = flush(tls, err);
    return code < 0 ? code : jig_fd_drain(&tls->wire, err);
}

const struct jig_transport jig_transport_tls = {
    .scheme = "tls",
    .summary = "a TCP connection under TLS, with both sides' certificates checked",
    .priv_size = sizeof(struct jig_tls),
    .open = tls_open,
    .close = tls_close,
    .read = tls_read,
    .write = tls_write,
    .want = tls_want,
    .drain = tls_drain,
};
