/* Cyclic redundancy checks, given by the parameters that the Rocksoft model (Ross Williams, "A
 * painless guide to CRC error detection algorithms", section 15) and the CRC RevEng catalogue use,
 * so that an entry can be copied from there as it is.
 *
 * A `struct jig_crc` is the caller's, holds its own tables (about 8 kB), owns nothing else and does
 * not change once initialised. The state of a running sum is a plain number whose layout is
 * private.
 */
#ifndef JIG_CORE_CRC_H
#define JIG_CORE_CRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

enum { JIG_CRC_WIDTH_MIN = 8, JIG_CRC_WIDTH_MAX = 32 };

/* Numbers are written most significant bit first and without the polynomial's top bit, whatever
 * refin and refout say. `check` is the sum of the nine characters "123456789". */
struct jig_crc_model {
    const char *name;
    unsigned width;
    uint32_t poly, init;
    bool refin, refout;
    uint32_t xorout, check;
};

/* The presets, ended by an entry without a name. */
extern const struct jig_crc_model jig_crc_models[];

/* The preset of that exact name, NULL if there is none. */
const struct jig_crc_model *jig_crc_find(const char *name);

struct jig_crc {
    uint32_t table[8][256];
    uint32_t start, xorout;
    unsigned width;
    bool refin, refout;
};

/* Builds the tables. Name and check are not looked at, the model is not kept. JIG_EINVALID when the
 * width is not 8 to 32, the polynomial has no +1 term, or a number does not fit the width. */
int jig_crc_init(struct jig_crc *c, const struct jig_crc_model *model, struct jig_error *err);

/* A sum in pieces: finish(update(update(start, a), b)). */
uint32_t jig_crc_start(const struct jig_crc *c);
uint32_t jig_crc_update(const struct jig_crc *c, uint32_t state, const void *bytes, size_t n);
uint32_t jig_crc_finish(const struct jig_crc *c, uint32_t state);

/* The sum of n bytes. */
uint32_t jig_crc_sum(const struct jig_crc *c, const void *bytes, size_t n);

#endif
