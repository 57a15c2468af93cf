/* Hexadecimal text to bytes and back, on the caller's memory: no allocation, no state.
 *
 * Two digits a byte, high half first, no separators, no prefix. Written in lower case; upper and
 * lower case are read alike. The empty text stands for no bytes.
 */
#ifndef JIG_CORE_HEX_H
#define JIG_CORE_HEX_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

/* Writes the 2 * n digits of `bytes` at `text`, with no terminating NUL. The two areas must not
 * overlap; n is at most SIZE_MAX / 2. */
void jig_hex_encode(char *text, const void *bytes, size_t n);

/* Writes the n / 2 bytes that the n characters of `text` stand for. `bytes` may be the same memory
 * as `text`, which is then decoded in place.
 *
 * Returns 0. Otherwise JIG_EINVALID: *offset (may be NULL) is the index, from 0, of the first
 * character that is no digit, or n when only the last digit is missing; the error's text counts
 * characters from 1 and shows no other character; what was decoded so far stays in `bytes`. */
int jig_hex_decode(void *bytes, const char *text, size_t n, size_t *offset, struct jig_error *err);

/* The next run of at least `least` digits (from 1 on) in the n characters of `text`, as long as it
 * goes. Up to two characters of `between` may stand between two digits, and "0x" before any: "0x61,
 * 0x6e" holds 616e; NULL: none may. Writes the digits at `digits`, which has room for n; gives how
 * many, 0 = there is no such run, and in *end the index behind it. */
size_t jig_hex_find(const char *text, size_t n, size_t least, const char *between, char *digits,
                    size_t *end);

#endif
