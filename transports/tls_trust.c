/* Whom a tls wire trusts and who it says it is: the options of its address. See tls.h.
 *
 * The files are PEM. They are read once for each opening, whole and with a cap, from regular files
 * alone: a pipe would block. A key under a passphrase is refused, since nothing asks for one.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "transports/tls.h"

enum { FILE_MAX = 1 << 20 }; /* the usual list of all public authorities has a fifth of it */

/* A PEM file in memory. */
struct pem {
    const char *what, *path; /* "the CA file", for messages */
    char *text;
    size_t n;
    BIO *bio; /* reads `text` */
};

/* ---- files ---- */

static int check_file(const struct jig_tls *tls, const struct pem *pem, const struct stat *st,
                      bool secret, struct jig_error *err)
{
    const char *name = tls->port->name;
    if (!S_ISREG(st->st_mode))
        return jig_fail(err, JIG_EINVALID, "%s: %s %s is no regular file", name, pem->what,
                        pem->path);
    if (st->st_size > FILE_MAX)
        return jig_fail(err, JIG_ELIMIT, "%s: %s %s has more than %d bytes", name, pem->what,
                        pem->path, FILE_MAX);
    if (secret && st->st_mode & (S_IRWXG | S_IRWXO))
        return jig_fail(err, JIG_EDENIED, "%s: others may use %s %s: chmod 600 it", name, pem->what,
                        pem->path);
    return JIG_OK;
}

/* Reads what `fd` has, up to the size that it was seen to have. */
static int read_text(struct pem *pem, int fd, size_t size)
{
    pem->text = malloc(size + 1);
    if (!pem->text)
        return ENOMEM;
    while (pem->n < size) {
        ssize_t got = read(fd, pem->text + pem->n, size - pem->n);
        if (got < 0 && errno != EINTR)
            return errno;
        if (got == 0)
            break;
        pem->n += got > 0 ? (size_t)got : 0;
    }
    pem->bio = BIO_new_mem_buf(pem->text, (int)pem->n);
    return pem->bio ? 0 : ENOMEM;
}

static void close_pem(struct pem *pem)
{
    BIO_free(pem->bio);
    if (pem->text)
        explicit_bzero(pem->text, pem->n);
    free(pem->text);
}

/* To be closed, also after a failure. */
static int open_pem(const struct jig_tls *tls, struct pem *pem, bool secret, struct jig_error *err)
{
    struct stat st;
    const char *name = tls->port->name;
    int fd = open(pem->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return jig_fail_sys(err, errno, "%s: cannot open %s %s", name, pem->what, pem->path);
    int sys = fstat(fd, &st) < 0 ? errno : 0;
    int code = sys ? JIG_OK : check_file(tls, pem, &st, secret, err);
    if (!sys && code == JIG_OK)
        sys = read_text(pem, fd, (size_t)st.st_size);
    close(fd);
    if (sys)
        return jig_fail_sys(err, sys, "%s: cannot read %s %s", name, pem->what, pem->path);
    return code;
}

/* Without it OpenSSL would ask on the terminal. */
static int no_passphrase(char *text, int size, int writing, void *data)
{
    (void)text, (void)size, (void)writing, (void)data;
    return -1;
}

/* Hands each certificate of the file, from 0, to `take`, which says whether it could be used. */
static int each_certificate(const struct jig_tls *tls, struct pem *pem,
                            bool (*take)(SSL_CTX *context, X509 *certificate, int place),
                            SSL_CTX *context, struct jig_error *err)
{
    const char *name = tls->port->name;
    X509 *certificate;
    int n = 0;
    ERR_clear_error();
    while ((certificate = PEM_read_bio_X509(pem->bio, NULL, no_passphrase, NULL))) {
        bool taken = take(context, certificate, n++);
        X509_free(certificate);
        if (!taken)
            return jig_fail(err, JIG_EINVALID, "%s: certificate %d of %s %s cannot be used: %s",
                            name, n, pem->what, pem->path,
                            ERR_reason_error_string(ERR_peek_last_error()));
    }
    unsigned long end = ERR_peek_last_error();
    if (ERR_GET_LIB(end) != ERR_LIB_PEM || ERR_GET_REASON(end) != PEM_R_NO_START_LINE)
        return jig_fail(err, JIG_EINVALID, "%s: certificate %d of %s %s is damaged", name, n + 1,
                        pem->what, pem->path);
    if (n == 0)
        return jig_fail(err, JIG_EINVALID, "%s: %s %s holds no certificate in PEM", name, pem->what,
                        pem->path);
    return JIG_OK;
}

/* ---- whom we trust ---- */

static bool take_authority(SSL_CTX *context, X509 *certificate, int place)
{
    (void)place;
    return X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1;
}

/* Whether the system's folder of authorities is one that OpenSSL can search by a subject's hash. */
static bool can_search(void)
{
    const char *path = getenv(X509_get_default_cert_dir_env());
    DIR *folder = opendir(path ? path : X509_get_default_cert_dir());
    const struct dirent *entry;
    bool found = false;
    while (folder && !found && (entry = readdir(folder)))
        found = strspn(entry->d_name, "0123456789abcdef") == 8 && !strcmp(entry->d_name + 8, ".0");
    if (folder)
        closedir(folder);
    return found;
}

/* The one file with all authorities takes 70 ms to read, for each opening, in the loop: only where
 * there is nothing else. */
static void set_system(SSL_CTX *context)
{
    if (can_search())
        SSL_CTX_set_default_verify_dir(context);
    else
        SSL_CTX_set_default_verify_file(context);
}

/* Each certificate of a CA file is trusted, also one that is no authority: a device's own, say. */
static int set_authorities(const struct jig_tls *tls, SSL_CTX *context, struct jig_error *err)
{
    struct pem pem = {.what = "the CA file", .path = jig_address_option(&tls->port->address, "ca")};
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, jig_tls_verified);
    if (!pem.path) {
        set_system(context);
        return JIG_OK;
    }
    int code = open_pem(tls, &pem, false, err);
    if (code == JIG_OK)
        code = each_certificate(tls, &pem, take_authority, context, err);
    close_pem(&pem);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
    return code;
}

/* ---- who we are ---- */

static bool take_own(SSL_CTX *context, X509 *certificate, int place)
{
    return place == 0 ? SSL_CTX_use_certificate(context, certificate) == 1
                      : SSL_CTX_add1_chain_cert(context, certificate) == 1;
}

static int set_key(const struct jig_tls *tls, SSL_CTX *context, struct pem *pem,
                   struct jig_error *err)
{
    const char *name = tls->port->name;
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem->bio, NULL, no_passphrase, NULL);
    int code = JIG_OK;
    if (!key)
        code = jig_fail(err, JIG_EINVALID, "%s: %s %s holds no private key without a passphrase",
                        name, pem->what, pem->path);
    else if (X509_check_private_key(SSL_CTX_get0_certificate(context), key) != 1)
        code = jig_fail(err, JIG_EINVALID, "%s: %s %s does not belong to the certificate", name,
                        pem->what, pem->path);
    else if (SSL_CTX_use_PrivateKey(context, key) != 1)
        code = jig_fail(err, JIG_EINVALID, "%s: %s %s cannot be used", name, pem->what, pem->path);
    EVP_PKEY_free(key);
    return code;
}

/* The server wants a certificate, and we have none that fits. */
static int asked(SSL *ssl, X509 **certificate, EVP_PKEY **key)
{
    struct jig_tls *tls = SSL_get_app_data(ssl);
    (void)certificate, (void)key;
    tls->asked = true;
    return 0;
}

static int set_own(struct jig_tls *tls, SSL_CTX *context, struct jig_error *err)
{
    const struct jig_address *address = &tls->port->address;
    struct pem cert = {.what = "the certificate", .path = jig_address_option(address, "cert")};
    struct pem key = {.what = "the key", .path = jig_address_option(address, "key")};
    SSL_CTX_set_client_cert_cb(context, asked);
    if (!cert.path && !key.path)
        return JIG_OK;
    if (!cert.path || !key.path)
        return jig_fail(err, JIG_EINVALID, "tls: cert and key belong together: %s is missing",
                        cert.path ? "key" : "cert");
    int code = open_pem(tls, &cert, false, err);
    if (code == JIG_OK)
        code = each_certificate(tls, &cert, take_own, context, err);
    if (code == JIG_OK)
        code = open_pem(tls, &key, true, err);
    if (code == JIG_OK)
        code = set_key(tls, context, &key, err);
    close_pem(&cert);
    close_pem(&key);
    tls->has_certificate = code == JIG_OK;
    return code;
}

/* ---- the server's name ---- */

/* The name, or the address's host, without the zone of a link-local address and the dot that ends a
 * full name: no certificate has these. */
static int choose_name(struct jig_tls *tls, struct jig_error *err)
{
    struct jig_endpoint endpoint;
    int code = jig_address_endpoint(&tls->port->address, &endpoint, err);
    if (code < 0)
        return code;
    const char *name = jig_address_option(&tls->port->address, "name");
    if (!name)
        name = endpoint.host;
    size_t n = strcspn(name, "%");
    if (n > 0 && name[n - 1] == '.')
        n--;
    if (n == 0 || n >= sizeof tls->server)
        return jig_fail(err, JIG_EINVALID, "tls: name must have 1 to %zu characters",
                        sizeof tls->server - 1);
    if (*name == '.') /* OpenSSL would take any name that ends so */
        return jig_fail(err, JIG_EINVALID, "tls: name must not begin with a dot");
    memcpy(tls->server, name, n);
    tls->server[n] = '\0';
    return JIG_OK;
}

static bool is_number(const char *name)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

/* Only what a certificate lists as its names counts, not the text that describes its owner. */
static bool check_name(struct jig_tls *tls)
{
    X509_VERIFY_PARAM *wanted = SSL_get0_param(tls->ssl);
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                                X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (is_number(tls->server))
        return X509_VERIFY_PARAM_set1_ip_asc(wanted, tls->server) == 1;
    return SSL_set1_host(tls->ssl, tls->server) == 1 &&
           SSL_set_tlsext_host_name(tls->ssl, tls->server) == 1;
}

/* ---- all of it ---- */

static void set_protocol(SSL_CTX *context)
{
    /* a machine may ask for more (openssl.cnf), and for no less */
    if (SSL_CTX_get_min_proto_version(context) < TLS1_2_VERSION)
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context,
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF |
                                       SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION |
                                       SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

int jig_tls_make(struct jig_tls *tls, struct jig_error *err)
{
    int code = choose_name(tls, err);
    if (code < 0)
        return code;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context)
        return jig_fail(err, JIG_ENOMEM, "%s: OpenSSL cannot be set up for TLS", tls->port->name);
    set_protocol(context);
    code = set_authorities(tls, context, err);
    if (code == JIG_OK)
        code = set_own(tls, context, err);
    if (code == JIG_OK) {
        tls->ssl = SSL_new(context);
        if (!tls->ssl || SSL_set_app_data(tls->ssl, tls) != 1)
            code = jig_fail(err, JIG_ENOMEM, "%s: no memory for TLS", tls->port->name);
        else if (!check_name(tls))
            code = jig_fail(err, JIG_EINVALID, "tls: '%.60s' is no name of a server", tls->server);
    }
    SSL_CTX_free(context); /* the SSL keeps it */
    if (code < 0) {
        SSL_free(tls->ssl);
        tls->ssl = NULL;
    }
    return code;
}
