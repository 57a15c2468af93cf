/* The board's wire, for the programs of this folder: `>I2 length`, payload, `>I2` CRC-16/IBM-3740
 * (CRC RevEng catalogue: poly 0x1021, init 0xffff, not reflected) over length and payload.
 *
 * The messages have the sizes of the vendor's documented example. The CRC goes byte by byte through
 * one table, as a small program written for one product would do it. */
#ifndef JIG_SPEC_BENCH_FRAME_H
#define JIG_SPEC_BENCH_FRAME_H

#include <stdint.h>
#include <string.h>
#include <sys/types.h>

enum {
    REQUEST_1 = 4,    /* bytes from new_device to the board */
    RESPONSE_1 = 90,  /* what the board answers */
    REQUEST_2 = 1984, /* bytes from get_device_configuration to the board */
    RESPONSE_2 = 24,
    FRAME_EXTRA = 4, /* bytes of a frame beside the payload */
    FRAME_MAX = REQUEST_2 + FRAME_EXTRA,
};

struct crc_table {
    uint16_t entry[256];
};

static inline void crc_fill(struct crc_table *t)
{
    for (unsigned i = 0; i < 256; i++) {
        unsigned c = i << 8;
        for (int bit = 0; bit < 8; bit++)
            c = c & 0x8000 ? c << 1 ^ 0x1021 : c << 1;
        t->entry[i] = (uint16_t)c;
    }
}

static inline unsigned crc_of(const struct crc_table *t, const uint8_t *bytes, size_t n)
{
    unsigned c = 0xffff;
    for (size_t i = 0; i < n; i++)
        c = (c << 8 & 0xffff) ^ t->entry[c >> 8 ^ bytes[i]];
    return c;
}

/* Writes n + FRAME_EXTRA bytes and returns that number. */
static inline size_t frame_put(const struct crc_table *t, uint8_t *out, const void *payload,
                               size_t n)
{
    out[0] = (uint8_t)(n >> 8);
    out[1] = (uint8_t)n;
    memcpy(out + 2, payload, n);
    unsigned c = crc_of(t, out, n + 2);
    out[n + 2] = (uint8_t)(c >> 8);
    out[n + 3] = (uint8_t)c;
    return n + FRAME_EXTRA;
}

/* The length of the whole frame at the front of `bytes`; 0 = more is needed, -1 = damaged. */
static inline ssize_t frame_check(const struct crc_table *t, const uint8_t *bytes, size_t n)
{
    if (n < 2)
        return 0;
    size_t length = (size_t)bytes[0] << 8 | bytes[1];
    if (length > REQUEST_2)
        return -1;
    if (n < length + FRAME_EXTRA)
        return 0;
    unsigned sent = (unsigned)bytes[length + 2] << 8 | bytes[length + 3];
    return sent == crc_of(t, bytes, length + 2) ? (ssize_t)length + FRAME_EXTRA : -1;
}

#endif
