/* hash of an event = SHA-256(hash of the one before (32 bytes; zeros before the first) || encoding)
 *
 * The encoding begins with the byte 1, its version. Six fields follow: id, time, kind, session,
 * attempt, facts. Each is its length in bytes as 4 bytes, high byte first, and then its bytes; a
 * number is written in decimal digits, with "-" in front of a negative one. So no two events have
 * the same encoding, and a line of shell can make it:
 *
 *     { head -c 32 /dev/zero; printf '\1\0\0\0\1%s\0\0\0\1%s' 1 7 ...; } | openssl sha256
 */
#include "core/chain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { ENCODING = 1 };

static int add(struct jig_buf *b, const void *bytes, size_t n)
{
    const uint8_t length[] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
                              (uint8_t)n};
    return n > UINT32_MAX || jig_buf_append(b, length, sizeof length) < 0 ||
                   jig_buf_append(b, bytes, n) < 0
               ? -1
               : 0;
}

static int add_number(struct jig_buf *b, int64_t number)
{
    char digits[24];
    return add(b, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, number));
}

static int encode(struct jig_chain *chain, const struct jig_link *link)
{
    struct jig_buf *b = &chain->work;
    const uint8_t version = ENCODING;
    jig_buf_consume(b, jig_buf_len(b));
    return jig_buf_append(b, chain->hash, sizeof chain->hash) < 0 ||
                   jig_buf_append(b, &version, 1) < 0 || add_number(b, chain->id + 1) < 0 ||
                   add_number(b, link->time) < 0 || add(b, link->kind, link->kind_n) < 0 ||
                   add(b, link->session, link->session_n) < 0 || add_number(b, link->attempt) < 0 ||
                   add(b, link->facts, link->facts_n) < 0
               ? -1
               : 0;
}

int jig_chain_next(struct jig_chain *chain, const struct jig_link *link, struct jig_error *err)
{
    uint8_t hash[JIG_SHA256_SIZE];
    if (encode(chain, link) < 0)
        return jig_fail(err, JIG_ENOMEM, "no memory to hash an event");
    jig_digest_sum(JIG_SHA256, hash, jig_buf_data(&chain->work), jig_buf_len(&chain->work));
    memcpy(chain->hash, hash, sizeof hash);
    chain->id++;
    return 0;
}

void jig_chain_release(struct jig_chain *chain)
{
    jig_buf_release(&chain->work);
}
