/* Ed25519 signatures (RFC 8032), with keys in PEM files as `openssl genpkey -algorithm ed25519` and
 * `openssl pkey -pubout` write them. This file and core/digest.c alone know which library makes
 * them.
 */
#ifndef JIG_CORE_SIGN_H
#define JIG_CORE_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

enum { JIG_SIGNATURE_SIZE = 64, JIG_PUBLIC_KEY_SIZE = 32 };

struct jig_key {
    void *key;                           /* NULL = none */
    uint8_t public[JIG_PUBLIC_KEY_SIZE]; /* the public half */
};

/* Reads the private key in the file. JIG_ENOTFOUND; JIG_EDENIED: it cannot be read, is not this
 * user's (the effective one), or its mode lets others than its owner do anything with it;
 * JIG_EINVALID: no Ed25519 key, a public one, or one under a passphrase, for which nothing asks. */
int jig_key_private(struct jig_key *key, const char *path, struct jig_error *err);

/* Reads a public key, or the public half of a private one, whose mode does not matter here. */
int jig_key_public(struct jig_key *key, const char *path, struct jig_error *err);

/* The same from n bytes of such a file that were read; `name` is for the message. */
int jig_key_parse(struct jig_key *key, const char *pem, size_t n, const char *name,
                  struct jig_error *err);

/* Makes a new pair: two files that were not there, the private one with mode 0600. JIG_EDUPLICATE:
 * one is there. On failure neither is left behind. */
int jig_key_generate(const char *private_path, const char *public_path, struct jig_error *err);

/* A public key from its bytes. */
int jig_key_of(struct jig_key *key, const uint8_t *public, struct jig_error *err);

/* A zeroed struct may be released, and one that was released again. */
void jig_key_release(struct jig_key *key);

/* Signs n bytes: JIG_SIGNATURE_SIZE bytes at `signature`. */
int jig_key_sign(const struct jig_key *key, const void *message, size_t n, uint8_t *signature,
                 struct jig_error *err);

/* Whether the signature is right. */
bool jig_key_verify(const struct jig_key *key, const void *message, size_t n,
                    const uint8_t *signature);

#endif
