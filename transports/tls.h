/* What the files of the tls transport share: tls.c moves bytes, tls_trust.c says whom to trust and
 * who we are, tls_words.c says why it came to nothing. No other file sees OpenSSL's TLS. */
#ifndef JIG_TRANSPORTS_TLS_H
#define JIG_TRANSPORTS_TLS_H

#include <openssl/ssl.h>

#include "transports/connect.h"
#include "transports/fd.h"

struct jig_tls {
    struct jig_port *port;
    struct jig_connect connect;
    struct jig_fd wire;
    struct jig_deferred tell;

    /* TLS sees one end of a pair of BIOs, and what passes through the other end is the wire's. */
    SSL *ssl;
    BIO *inside;  /* the SSL's own */
    BIO *outside; /* ours */

    bool open;            /* the handshake is over */
    bool heard;           /* the other side has said something */
    bool more;            /* TLS may hold bytes that can be read */
    bool broken;          /* sending failed */
    bool failed;          /* TLS itself ended the connection */
    unsigned wanted;      /* events that the port waits for */
    unsigned read_needs;  /* what the descriptor must be for a read to go on */
    unsigned write_needs; /* and for a write */

    char server[JIG_ADDRESS_HOST_CAP + 1]; /* the name or number that its certificate must have */
    bool has_certificate;                  /* we have one of our own */
    bool asked;                            /* the server wants one, and we have none that fits */
    struct jig_error refusal;              /* what is wrong with the server's; code 0 = nothing */
};

/* ---- tls_trust.c ---- */

#define JIG_TLS_OPTIONS "ca", "cert", "key", "name"

/* Makes tls->ssl, without its BIOs, as the options of the port's address say. 0, or a failure that
 * leaves nothing to undo. What a file's key is made of is not kept but by OpenSSL, which clears it.
 */
int jig_tls_make(struct jig_tls *tls, struct jig_error *err);

/* ---- tls_words.c ---- */

/* Told by OpenSSL of each certificate of the server's chain: fills tls->refusal. */
int jig_tls_verified(int good, X509_STORE_CTX *store);

/* Why the last operation of TLS failed, taken from OpenSSL's queue of errors. JIG_ELOST when the
 * port was open. */
int jig_tls_fail(const struct jig_tls *tls, struct jig_error *err);

#endif
