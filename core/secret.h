/* Bytes that nobody may see: the token's PIN, and what a recipe marks as a secret.
 *
 * Each has pages of its own, kept out of swap as far as the system lets so many be locked, out of
 * core files, and cleared when the last holder drops it.
 */
#ifndef JIG_CORE_SECRET_H
#define JIG_CORE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

enum {
    JIG_SECRET_CAP = 4096, /* bytes */
    JIG_PIN_CAP = 255,     /* of a PIN, which is one line */
};

struct jig_secret;

/* A copy of n bytes, 1 to JIG_SECRET_CAP, which the caller holds; NULL without memory. The caller
 * clears its own. */
struct jig_secret *jig_secret_new(const void *bytes, size_t n);
struct jig_secret *jig_secret_hold(struct jig_secret *secret); /* one more holder; returns it */
void jig_secret_drop(struct jig_secret *secret);               /* NULL is harmless */

const uint8_t *jig_secret_bytes(const struct jig_secret *secret);
size_t jig_secret_size(const struct jig_secret *secret);

/* Compares in a time that depends on the size alone. */
bool jig_secret_is(const struct jig_secret *secret, const void *bytes, size_t n);

/* Writes '*' into `shown`, which has the n bytes of the text, or is the text, for each byte of each
 * place where the secret stands in the text. */
void jig_secret_hide(const struct jig_secret *secret, const void *text, void *shown, size_t n);

/* ---- where a PIN comes from ---- */

/* Reads the one line of a file: 1 to JIG_PIN_CAP bytes without control characters, its line end
 * left out. The file and the folders above it are guarded (guard.h): none but root and this user
 * may change them. `shared`: its group may read it, too, as that of a systemd credential, which is
 * handed to a user by an access list; else it is its owner's alone, as mode 0600. NULL with *err:
 * JIG_ENOTFOUND, JIG_EDENIED, JIG_EINVALID, JIG_ELIMIT, JIG_ENOMEM. */
struct jig_secret *jig_secret_read(const char *path, bool shared, struct jig_error *err);

/* Asks for such a line at the terminal, without showing it; waits for the person, so not in the
 * loop. NULL with *err: JIG_EUNSUPPORTED where there is no terminal, JIG_ECANCELLED when a signal
 * came or more was typed than a PIN may have, JIG_EINVALID. */
struct jig_secret *jig_secret_ask(const char *prompt, struct jig_error *err);

#endif
