/* Digests by OpenSSL's EVP interface. */
#include "core/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "core/hex.h"

static const EVP_MD *method(enum jig_digest_kind kind)
{
    return kind == JIG_SHA1 ? EVP_sha1() : EVP_sha256();
}

static int refused(enum jig_digest_kind kind, struct jig_error *err)
{
    return jig_fail(err, JIG_EUNSUPPORTED, "the crypto library refuses %s",
                    kind == JIG_SHA1 ? "SHA-1" : "SHA-256");
}

size_t jig_digest_size(enum jig_digest_kind kind)
{
    return kind == JIG_SHA1 ? JIG_SHA1_SIZE : JIG_SHA256_SIZE;
}

int jig_digest_sum(enum jig_digest_kind kind, uint8_t *out, const void *bytes, size_t n,
                   struct jig_error *err)
{
    if (!EVP_Digest(bytes, n, out, NULL, method(kind), NULL))
        return refused(kind, err);
    return 0;
}

static int add_file(struct jig_digest *d, int fd, const char *path, struct jig_error *err)
{
    static const size_t piece = 65536;
    uint8_t *bytes = malloc(piece);
    int rc = bytes ? 0 : jig_fail(err, JIG_ENOMEM, "no memory for a digest");
    while (rc == 0) {
        ssize_t n = read(fd, bytes, piece);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            rc = jig_fail_sys(err, errno, "%s", path);
        else if (n > 0)
            rc = jig_digest_update(d, bytes, (size_t)n, err);
    }
    free(bytes);
    return rc;
}

int jig_digest_file(enum jig_digest_kind kind, uint8_t *out, const char *path,
                    struct jig_error *err)
{
    struct jig_digest d = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return jig_fail_sys(err, errno, "%s", path);
    int rc = jig_digest_init(&d, kind, err);
    if (rc == 0)
        rc = add_file(&d, fd, path, err);
    if (rc == 0)
        rc = jig_digest_finish(&d, out, err);
    jig_digest_release(&d);
    close(fd);
    return rc;
}

int jig_digest_init(struct jig_digest *d, enum jig_digest_kind kind, struct jig_error *err)
{
    d->kind = kind;
    d->context = EVP_MD_CTX_new();
    if (!d->context)
        return jig_fail(err, JIG_ENOMEM, "no memory for a digest");
    if (!EVP_DigestInit_ex(d->context, method(kind), NULL)) {
        jig_digest_release(d);
        return refused(kind, err);
    }
    return 0;
}

int jig_digest_update(struct jig_digest *d, const void *bytes, size_t n, struct jig_error *err)
{
    if (!EVP_DigestUpdate(d->context, bytes, n))
        return refused(d->kind, err);
    return 0;
}

int jig_digest_finish(struct jig_digest *d, uint8_t *out, struct jig_error *err)
{
    if (!EVP_DigestFinal_ex(d->context, out, NULL))
        return refused(d->kind, err);
    return 0;
}

void jig_digest_release(struct jig_digest *d)
{
    EVP_MD_CTX_free(d->context);
    d->context = NULL;
}

const char *jig_digest_brief(char *out, size_t size, const void *bytes, size_t n)
{
    uint8_t digest[JIG_SHA256_SIZE];
    const char *unit = n == 1 ? "byte" : "bytes";
    if (jig_digest_sum(JIG_SHA256, digest, bytes, n, NULL) < 0) {
        snprintf(out, size, "%zu %s", n, unit);
        return out;
    }
    char digits[8];
    jig_hex_encode(digits, digest, sizeof digits / 2);
    snprintf(out, size, "%zu %s sha256:%.*s", n, unit, (int)sizeof digits, digits);
    return out;
}
