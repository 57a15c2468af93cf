/* Digests by OpenSSL's own functions of each, not by its EVP interface, whose first call takes 1.8
 * ms (it reads a configuration and loads providers: as long as all else that a cold run does) and
 * each further one nine times as long on a short text. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "core/hex.h"

_Static_assert(sizeof(SHA256_CTX) <= JIG_DIGEST_STATE, "a digest's state fits");
_Static_assert(sizeof(SHA_CTX) <= JIG_DIGEST_STATE, "a digest's state fits");

size_t jig_digest_size(enum jig_digest_kind kind)
{
    return kind == JIG_SHA1 ? JIG_SHA1_SIZE : JIG_SHA256_SIZE;
}

void jig_digest_init(struct jig_digest *d, enum jig_digest_kind kind)
{
    d->kind = kind;
    if (kind == JIG_SHA1)
        SHA1_Init((SHA_CTX *)d->state);
    else
        SHA256_Init((SHA256_CTX *)d->state);
}

void jig_digest_update(struct jig_digest *d, const void *bytes, size_t n)
{
    if (d->kind == JIG_SHA1)
        SHA1_Update((SHA_CTX *)d->state, bytes, n);
    else
        SHA256_Update((SHA256_CTX *)d->state, bytes, n);
}

void jig_digest_finish(struct jig_digest *d, uint8_t *out)
{
    if (d->kind == JIG_SHA1)
        SHA1_Final(out, (SHA_CTX *)d->state);
    else
        SHA256_Final(out, (SHA256_CTX *)d->state);
    explicit_bzero(d->state, sizeof d->state);
}

void jig_digest_sum(enum jig_digest_kind kind, uint8_t *out, const void *bytes, size_t n)
{
    struct jig_digest d;
    jig_digest_init(&d, kind);
    jig_digest_update(&d, bytes, n);
    jig_digest_finish(&d, out);
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
            jig_digest_update(d, bytes, (size_t)n);
    }
    free(bytes);
    return rc;
}

int jig_digest_file(enum jig_digest_kind kind, uint8_t *out, const char *path,
                    struct jig_error *err)
{
    struct jig_digest d;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return jig_fail_sys(err, errno, "%s", path);
    jig_digest_init(&d, kind);
    int rc = add_file(&d, fd, path, err);
    if (rc == 0)
        jig_digest_finish(&d, out);
    close(fd);
    return rc;
}

const char *jig_digest_brief(char *out, size_t size, const void *bytes, size_t n)
{
    uint8_t digest[JIG_SHA256_SIZE];
    char digits[8];
    jig_digest_sum(JIG_SHA256, digest, bytes, n);
    jig_hex_encode(digits, digest, sizeof digits / 2);
    snprintf(out, size, "%zu %s sha256:%.*s", n, n == 1 ? "byte" : "bytes", (int)sizeof digits,
             digits);
    return out;
}
