/* Issues device certificates; makes the authority when there is none yet. */
#include "authority.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "agreement.h"

static const char AUTHORITY_FILE[] = "authority.pem";
static const char AUTHORITY_NAME[] = "jig simulator factory authority";

enum { VALID_SECONDS = 10 * 365 * 24 * 3600, SERIAL_BITS = 127 };

struct authority {
    X509 *certificate;
    EVP_PKEY *key;
};

static void authority_release(struct authority *a)
{
    X509_free(a->certificate);
    EVP_PKEY_free(a->key);
    *a = (struct authority){0};
}

static int set_random_serial(X509 *x)
{
    BIGNUM *number = BN_new();
    int ok = number != NULL &&
             BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
             BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x)) != NULL;
    BN_free(number);
    return ok ? 0 : -1;
}

static int set_name(X509_NAME *to, const char *name)
{
    return X509_NAME_add_entry_by_NID(to, NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)name, -1, -1, 0) == 1
               ? 0
               : -1;
}

static int add_constraints(X509 *x, bool is_authority)
{
    BASIC_CONSTRAINTS *constraints = BASIC_CONSTRAINTS_new();
    if (constraints == NULL) {
        return -1;
    }
    constraints->ca = is_authority ? 0xFF : 0;
    int ok = X509_add1_ext_i2d(x, NID_basic_constraints, constraints, 1, X509V3_ADD_DEFAULT) == 1;
    BASIC_CONSTRAINTS_free(constraints);
    return ok ? 0 : -1;
}

/* issuer == NULL: signed by its own key. */
static X509 *make_certificate(const char *name, EVP_PKEY *subject, const struct authority *issuer,
                              EVP_PKEY *signer)
{
    X509 *x = X509_new();
    bool is_authority = issuer == NULL;
    int ok =
        x != NULL && X509_set_version(x, X509_VERSION_3) == 1 && set_random_serial(x) == 0 &&
        X509_gmtime_adj(X509_getm_notBefore(x), 0) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(x), VALID_SECONDS) != NULL &&
        set_name(X509_get_subject_name(x), name) == 0 &&
        X509_set_issuer_name(x, is_authority ? X509_get_subject_name(x)
                                             : X509_get_subject_name(issuer->certificate)) == 1 &&
        X509_set_pubkey(x, subject) == 1 && add_constraints(x, is_authority) == 0 &&
        X509_sign(x, signer, EVP_sha256()) > 0;
    if (!ok) {
        X509_free(x);
        return NULL;
    }
    return x;
}

static int authority_parse(const struct sim_bytes *pem, struct authority *a)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    if (bio != NULL) {
        a->certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        a->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    }
    BIO_free(bio);
    if (a->certificate == NULL || a->key == NULL) {
        authority_release(a);
        return -1;
    }
    return 0;
}

static int authority_print(const struct authority *a, struct sim_bytes *pem)
{
    BIO *bio = BIO_new(BIO_s_mem());
    int ok = bio != NULL && PEM_write_bio_X509(bio, a->certificate) == 1 &&
             PEM_write_bio_PrivateKey(bio, a->key, NULL, NULL, 0, NULL, NULL) == 1;
    if (ok) {
        char *text = NULL;
        long len = BIO_get_mem_data(bio, &text);
        sim_bytes_add(pem, text, (size_t)len);
    }
    BIO_free(bio);
    return ok ? 0 : -1;
}

/* Gives the finished file its name only if no other process was faster: link, unlike rename, never
 * replaces. */
static int publish(int dir, const struct sim_bytes *pem)
{
    char temporary[64];
    (void)snprintf(temporary, sizeof temporary, "authority.%ld", (long)getpid());
    if (sim_replace_file(dir, temporary, pem->data, pem->len) < 0) {
        return -1;
    }
    int result = linkat(dir, temporary, dir, AUTHORITY_FILE, 0);
    if (result < 0 && errno == EEXIST) {
        result = 0;
    }
    (void)unlinkat(dir, temporary, 0);
    return result;
}

static int authority_create(int dir)
{
    struct sim_bytes pem = {0};
    struct authority a = {.key = sim_key_new()};
    int result = -1;
    if (a.key != NULL) {
        a.certificate = make_certificate(AUTHORITY_NAME, a.key, NULL, a.key);
    }
    if (a.certificate != NULL && authority_print(&a, &pem) == 0) {
        result = publish(dir, &pem);
    }
    sim_bytes_free(&pem);
    authority_release(&a);
    return result;
}

static int authority_load(int dir, struct authority *a)
{
    struct sim_bytes pem = {0};
    int result = sim_read_file(dir, AUTHORITY_FILE, &pem);
    if (result < 0 && errno == ENOENT && authority_create(dir) == 0) {
        result = sim_read_file(dir, AUTHORITY_FILE, &pem);
    }
    if (result == 0) {
        result = authority_parse(&pem, a);
    }
    sim_bytes_free(&pem);
    return result;
}

static int add_der(X509 *x, struct sim_bytes *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509(x, &der);
    if (len <= 0) {
        return -1;
    }
    sim_bytes_add(out, der, (size_t)len);
    OPENSSL_free(der);
    return 0;
}

int authority_issue(int dir, EVP_PKEY *device, const char *name, struct sim_bytes *certificate,
                    struct sim_bytes *authority)
{
    struct authority a = {0};
    if (authority_load(dir, &a) < 0) {
        return -1;
    }
    X509 *x = make_certificate(name, device, &a, a.key);
    int result = x != NULL && add_der(x, certificate) == 0 && add_der(a.certificate, authority) == 0
                     ? 0
                     : -1;
    X509_free(x);
    authority_release(&a);
    return result;
}
