/* Message digests, and the few words that stand for bytes in logs. Only this file and core/sign.c
 * know which library computes them; nothing is initialised before the first call.
 */
#ifndef JIG_CORE_DIGEST_H
#define JIG_CORE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

/* FIPS 180-4. SHA-1 is here because certificate fingerprints are made with it, for nothing else. */
enum jig_digest_kind { JIG_SHA256, JIG_SHA1 };

enum { JIG_SHA256_SIZE = 32, JIG_SHA1_SIZE = 20, JIG_DIGEST_SIZE_MAX = 32 };

/* How many bytes a digest of that kind has. */
size_t jig_digest_size(enum jig_digest_kind kind);

/* The digest of n bytes, jig_digest_size() bytes at `out`. */
void jig_digest_sum(enum jig_digest_kind kind, uint8_t *out, const void *bytes, size_t n);

/* The digest of a whole file. 0, or a code: it cannot be opened or read. */
int jig_digest_file(enum jig_digest_kind kind, uint8_t *out, const char *path,
                    struct jig_error *err);

/* A digest in pieces: init, update as often as needed, finish once, which clears it. Nothing is
 * allocated. */
enum { JIG_DIGEST_STATE = 128 };
struct jig_digest {
    enum jig_digest_kind kind;
    _Alignas(8) uint8_t state[JIG_DIGEST_STATE]; /* private */
};

void jig_digest_init(struct jig_digest *d, enum jig_digest_kind kind);
void jig_digest_update(struct jig_digest *d, const void *bytes, size_t n);
void jig_digest_finish(struct jig_digest *d, uint8_t *out);

/* Room for every text of jig_digest_brief(), with its NUL. */
enum { JIG_DIGEST_BRIEF_SIZE = 48 };

/* What logs and records show of bytes that nobody may see: their number and the first 8 hex digits
 * of their SHA-256, "1984 bytes sha256:4f1a2b3c". Writes at most `size` bytes with the NUL and
 * returns `out`. */
const char *jig_digest_brief(char *out, size_t size, const void *bytes, size_t n);

#endif
