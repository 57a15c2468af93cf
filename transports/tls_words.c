/* Why TLS came to nothing, in words for whoever stands at the line. See tls.h.
 *
 * What a certificate says of itself comes from outside: it is shown without control characters and
 * cut. A check of ours that fails is "denied"; what the other side will not do is "refused".
 */
#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "transports/tls.h"

/* ---- what a certificate says ---- */

struct words {
    char text[120];
    size_t n;
    bool full;
};

/* Appends a name; one that does not fit is left out, and so are those after it. */
static void add_name(struct words *words, const char *kind, const void *name, size_t n)
{
    const unsigned char *bytes = name;
    size_t need = strlen(kind) + n + 2;
    if (words->full || need > sizeof words->text - sizeof ", …" - words->n) {
        words->full = true;
        return;
    }
    if (words->n)
        words->n += (size_t)sprintf(words->text + words->n, ", ");
    words->n += (size_t)sprintf(words->text + words->n, "%s", kind);
    for (size_t i = 0; i < n; i++)
        words->text[words->n++] = (char)(bytes[i] > ' ' && bytes[i] < 0x7f ? bytes[i] : '?');
    words->text[words->n] = '\0';
}

static void add_number(struct words *words, const ASN1_OCTET_STRING *address)
{
    char text[INET6_ADDRSTRLEN] = "";
    int n = ASN1_STRING_length(address);
    if (n == 4 || n == 16)
        inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(address), text, sizeof text);
    add_name(words, "IP ", text, strlen(text));
}

/* The names that a certificate has. */
static void list_names(X509 *certificate, struct words *words)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            add_name(words, "", ASN1_STRING_get0_data(name->d.dNSName),
                     (size_t)ASN1_STRING_length(name->d.dNSName));
        else if (name->type == GEN_IPADD)
            add_number(words, name->d.iPAddress);
    }
    if (words->full)
        strcpy(words->text + words->n, words->n ? ", …" : "…");
    GENERAL_NAMES_free(names);
}

static void format_time(const ASN1_TIME *time, char *text, size_t size)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(time, &tm) != 1 || !strftime(text, size, "%Y-%m-%d %H:%M UTC", &tm))
        strcpy(text, "?");
}

/* OpenSSL writes bytes that cannot be shown as \xNN. */
static void format_owner(const X509_NAME *name, char *text, int size)
{
    if (!name || !X509_NAME_oneline(name, text, size))
        strcpy(text, "?");
}

/* ---- checks of ours ---- */

static int fail_name(const struct jig_tls *tls, X509 *certificate, struct jig_error *err)
{
    struct words names = {.n = 0};
    const char *name = tls->port->name;
    list_names(certificate, &names);
    if (!*names.text)
        return jig_fail(err, JIG_EDENIED,
                        "%s: the server's certificate is not for '%.60s': it has no names "
                        "(subjectAltName)",
                        name, tls->server);
    return jig_fail(err, JIG_EDENIED, "%s: the server's certificate is not for '%.60s', but for %s",
                    name, tls->server, names.text);
}

static int fail_time(const struct jig_tls *tls, X509 *certificate, bool expired, int depth,
                     struct jig_error *err)
{
    char when[40], owner[60] = "";
    const char *whose = depth ? "the authority's certificate " : "the server's certificate";
    format_time(expired ? X509_get0_notAfter(certificate) : X509_get0_notBefore(certificate), when,
                sizeof when);
    if (depth)
        format_owner(X509_get_subject_name(certificate), owner, sizeof owner);
    return jig_fail(err, JIG_EDENIED, "%s: %s%s %s %s (is this machine's clock right?)",
                    tls->port->name, whose, owner, expired ? "expired on" : "is not valid before",
                    when);
}

static int fail_issuer(const struct jig_tls *tls, const X509_NAME *issuer, struct jig_error *err)
{
    char owner[60];
    format_owner(issuer, owner, sizeof owner);
    return jig_fail(
        err, JIG_EDENIED, "%s: the server's certificate comes from %s, which is not in %s",
        tls->port->name, owner,
        jig_address_option(&tls->port->address, "ca") ? "the CA file"
                                                      : "the system's list: add ca=FILE");
}

static int fail_check(const struct jig_tls *tls, X509_STORE_CTX *store, struct jig_error *err)
{
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    int depth = X509_STORE_CTX_get_error_depth(store), what = X509_STORE_CTX_get_error(store);
    const char *name = tls->port->name;
    switch (certificate ? what : X509_V_ERR_UNSPECIFIED) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return fail_time(tls, certificate, what == X509_V_ERR_CERT_HAS_EXPIRED, depth, err);
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return jig_fail(err, JIG_EDENIED,
                        "%s: the server's certificate is self-signed, and none that is trusted "
                        "(ca=FILE may hold it)",
                        name);
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return fail_issuer(tls, X509_get_issuer_name(certificate), err);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return fail_name(tls, certificate, err);
    case X509_V_ERR_INVALID_PURPOSE:
        return jig_fail(err, JIG_EDENIED, "%s: %s certificate is not made for this use", name,
                        depth ? "an authority's" : "the server's");
    default:
        return jig_fail(err, JIG_EDENIED, "%s: the server's certificate cannot be trusted: %s",
                        name, X509_verify_cert_error_string(what));
    }
}

int jig_tls_verified(int good, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct jig_tls *tls = SSL_get_app_data(ssl);
    if (!good)
        fail_check(tls, store, &tls->refusal);
    return good;
}

/* ---- what the other side says ---- */

/* What an alert means here, NULL = its own name says enough. */
static const char *meaning(const struct jig_tls *tls, int alert)
{
    bool unnamed = tls->asked && !tls->has_certificate;
    switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE:
    case TLS13_AD_CERTIFICATE_REQUIRED:
        if (unnamed)
            return "it asks for a client certificate, and the address has none: add cert=FILE and "
                   "key=FILE";
        return alert == SSL_AD_HANDSHAKE_FAILURE ? NULL : "our client certificate does not fit";
    case SSL_AD_PROTOCOL_VERSION:
        return "it does not speak TLS 1.2 or newer";
    case SSL_AD_UNRECOGNIZED_NAME:
        return "it has no such name as we ask for";
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_REVOKED:
    case SSL_AD_CERTIFICATE_EXPIRED:
    case SSL_AD_CERTIFICATE_UNKNOWN:
    case SSL_AD_UNKNOWN_CA:
    case SSL_AD_ACCESS_DENIED:
        return "it does not accept our client certificate";
    default:
        return NULL;
    }
}

static int fail_alert(const struct jig_tls *tls, int alert, struct jig_error *err)
{
    const char *means = meaning(tls, alert);
    return jig_fail(err, tls->open ? JIG_ELOST : JIG_EREFUSED,
                    "%s: the server ended TLS by the alert \"%s\"%s%s", tls->port->name,
                    SSL_alert_desc_string_long(alert), means ? ": " : "", means ? means : "");
}

int jig_tls_fail(const struct jig_tls *tls, struct jig_error *err)
{
    unsigned long first = ERR_peek_error();
    int reason = ERR_GET_REASON(first);
    const char *name = tls->port->name, *text = ERR_reason_error_string(first);
    enum jig_err code = tls->open ? JIG_ELOST : JIG_EREFUSED;
    if (tls->refusal.code) {
        if (err)
            *err = tls->refusal;
        return tls->refusal.code;
    }
    if (ERR_GET_LIB(first) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
        reason < SSL_AD_REASON_OFFSET + 256)
        return fail_alert(tls, reason - SSL_AD_REASON_OFFSET, err);
    if (ERR_GET_LIB(first) == ERR_LIB_SSL &&
        (reason == SSL_R_UNSUPPORTED_PROTOCOL || reason == SSL_R_VERSION_TOO_LOW))
        return jig_fail(err, code, "%s: the server wants a protocol older than TLS 1.2", name);
    return jig_fail(err, code, "%s: TLS failed: %s", name, text ? text : "no reason given");
}
