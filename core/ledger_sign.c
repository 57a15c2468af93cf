/* Signed heads of a ledger.
 *
 * What is signed is the text
 *
 *     jig journal head v1
 *     ID
 *     HASH
 *
 * with a newline behind each line: the id of an event in decimal and its hash in 64 hex digits. The
 * copy has one line, "ID HASH SIGNATURE", the signature in 128 hex digits. With the text in `head`
 * and the signature's bytes in `sig`, openssl agrees:
 *
 *     openssl pkeyutl -verify -rawin -pubin -inkey public.pem -in head -sigfile sig
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hex.h"
#include "core/ledger_inside.h"
#include "core/sign.h"

size_t jig_ledger_head_text(char *text, int64_t event, const uint8_t *hash)
{
    char digits[2 * JIG_SHA256_SIZE];
    jig_hex_encode(digits, hash, JIG_SHA256_SIZE);
    return (size_t)snprintf(text, JIG_HEAD_TEXT, "jig journal head v1\n%" PRId64 "\n%.*s\n", event,
                            (int)sizeof digits, digits);
}

/* ---- the copy ---- */

static int write_all(int fd, const char *text, size_t n)
{
    while (n) {
        ssize_t put = write(fd, text, n);
        if (put < 0 && errno != EINTR)
            return -1;
        n -= put > 0 ? (size_t)put : 0;
        text += put > 0 ? put : 0;
    }
    return 0;
}

static void sync_folder(const char *path)
{
    char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        slash[slash == folder ? 1 : 0] = '\0';
    int fd = folder ? open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(folder);
}

/* Replaces the file in one step: whoever reads it sees the old line or the new one. */
static int replace(const char *path, const char *text, size_t n, struct jig_error *err)
{
    char *new = NULL;
    if (asprintf(&new, "%s.XXXXXX", path) < 0)
        return jig_fail(err, JIG_ENOMEM, "no memory to write %s", path);
    int rc = 0, fd = mkostemp(new, O_CLOEXEC);
    if (fd < 0) {
        rc = jig_fail_sys(err, errno, "cannot make %s", new);
    } else if (write_all(fd, text, n) < 0 || fchmod(fd, 0644) < 0 || fsync(fd) < 0 ||
               rename(new, path) < 0) {
        rc = jig_fail_sys(err, errno, "cannot write %s", path);
        unlink(new);
    }
    if (fd >= 0)
        close(fd);
    free(new);
    if (rc == 0)
        sync_folder(path);
    return rc;
}

static int write_copy(const char *path, int64_t event, const uint8_t *hash,
                      const uint8_t *signature, struct jig_error *err)
{
    char hash_digits[2 * JIG_SHA256_SIZE], digits[2 * JIG_SIGNATURE_SIZE];
    char line[32 + sizeof hash_digits + sizeof digits];
    jig_hex_encode(hash_digits, hash, JIG_SHA256_SIZE);
    jig_hex_encode(digits, signature, JIG_SIGNATURE_SIZE);
    int n = snprintf(line, sizeof line, "%" PRId64 " %.*s %.*s\n", event, (int)sizeof hash_digits,
                     hash_digits, (int)sizeof digits, digits);
    return replace(path, line, (size_t)n, err);
}

/* ---- the row ---- */

/* The time is the event's, so that nothing in the row can be changed unseen. */
static const char insert_sql[] =
    "INSERT INTO main.head (event, hash, time, signature, key)"
    " SELECT id, hash, time, ?2, ?3 FROM main.event WHERE id = ?1"
    " ON CONFLICT (event) DO UPDATE SET hash = excluded.hash, time = excluded.time,"
    " signature = excluded.signature, key = excluded.key"
    " WHERE signature <> excluded.signature OR key <> excluded.key";

static int insert(struct jig_ledger *l, int64_t event, const uint8_t *signature,
                  const struct jig_key *key, struct jig_error *err)
{
    char digits[2 * JIG_PUBLIC_KEY_SIZE];
    struct jig_query *q = jig_query_new(l->store, insert_sql, false, err);
    if (!q)
        return err->code;
    jig_hex_encode(digits, key->public, sizeof key->public);
    jig_query_bind_integer(q, 1, event);
    jig_query_bind_bytes(q, 2, signature, JIG_SIGNATURE_SIZE);
    jig_query_bind_text(q, 3, digits, sizeof digits);
    int rc = jig_query_run(q, err);
    jig_query_free(q);
    return rc;
}

/* Ed25519 gives the same signature for the same text, so a head that is signed already stays. */
static int sign_head(struct jig_ledger *l, const struct jig_key *key, struct jig_chain *head,
                     uint8_t *signature, struct jig_error *err)
{
    char text[JIG_HEAD_TEXT];
    int rc = jig_store_begin(l->store, err);
    if (rc < 0)
        return rc;
    rc = jig_ledger_tail(l, head, err);
    if (rc == 0 && head->id > 0) {
        size_t n = jig_ledger_head_text(text, head->id, head->hash);
        rc = jig_key_sign(key, text, n, signature, err);
        if (rc == 0)
            rc = insert(l, head->id, signature, key, err);
    }
    int end =
        jig_store_end(l->store, rc == 0 && jig_store_changes(l->store) > 0, rc == 0 ? err : NULL);
    return rc < 0 ? rc : end;
}

int jig_ledger_sign(struct jig_ledger *ledger, const char *key, const char *copy,
                    struct jig_error *err)
{
    struct jig_key private;
    struct jig_chain head = {0};
    uint8_t signature[JIG_SIGNATURE_SIZE];
    struct jig_error ours = {0};
    err = err ? err : &ours;
    int rc = jig_key_private(&private, key, err);
    if (rc < 0)
        return rc;
    rc = sign_head(ledger, &private, &head, signature, err);
    if (rc == 0 && copy && head.id > 0)
        rc = write_copy(copy, head.id, head.hash, signature, err);
    jig_key_release(&private);
    jig_chain_release(&head);
    return rc;
}
