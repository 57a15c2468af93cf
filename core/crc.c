/* One loop serves every model. The register is kept so that the bits which the next byte meets are
 * its lowest eight: a reflected register as it is, the other kind aligned to 32 bits and with its
 * bytes swapped. Either then moves on by `state >> 8`, and only the tables differ.
 *
 * table[k][b] is the register after byte b and k zero bytes, beginning from zero. Eight bytes at a
 * time are therefore the exclusive or of eight entries ("slicing by 8").
 */
#include "core/crc.h"

#include <endian.h>
#include <string.h>

static uint32_t reflect(uint32_t value, unsigned width)
{
    uint32_t out = 0;
    for (unsigned i = 0; i < width; i++)
        out |= (value >> i & 1) << (width - 1 - i);
    return out;
}

/* A number as the model writes it, as a register. */
static uint32_t to_register(const struct jig_crc *c, uint32_t value)
{
    if (c->refin)
        return reflect(value, c->width);
    return __builtin_bswap32(value << (32 - c->width));
}

/* The register after one byte and none before, bit by bit. */
static uint32_t first_byte(const struct jig_crc *c, uint32_t poly, uint32_t byte)
{
    uint32_t r = c->refin ? byte : byte << 24;
    for (int i = 0; i < 8; i++) {
        if (c->refin)
            r = r >> 1 ^ (r & 1 ? poly : 0);
        else
            r = r << 1 ^ (r >> 31 ? poly : 0);
    }
    return c->refin ? r : __builtin_bswap32(r);
}

static uint32_t next_byte(const struct jig_crc *c, uint32_t state, uint8_t byte)
{
    return state >> 8 ^ c->table[0][(state ^ byte) & 0xff];
}

/* Entries are linear: eight of them make all 256. */
static void fill(uint32_t table[256])
{
    table[0] = 0;
    for (unsigned bit = 1; bit < 256; bit *= 2)
        for (unsigned below = 1; below < bit; below++)
            table[bit + below] = table[bit] ^ table[below];
}

static void build(struct jig_crc *c, uint32_t model_poly)
{
    uint32_t poly =
        c->refin ? reflect(model_poly, c->width) : model_poly << (JIG_CRC_WIDTH_MAX - c->width);
    for (unsigned bit = 1; bit < 256; bit *= 2)
        c->table[0][bit] = first_byte(c, poly, bit);
    fill(c->table[0]);
    for (int k = 1; k < 8; k++) {
        for (unsigned bit = 1; bit < 256; bit *= 2)
            c->table[k][bit] = next_byte(c, c->table[k - 1][bit], 0);
        fill(c->table[k]);
    }
}

static int check_model(const struct jig_crc_model *m, struct jig_error *err)
{
    if (m->width < JIG_CRC_WIDTH_MIN || m->width > JIG_CRC_WIDTH_MAX)
        return jig_fail(err, JIG_EINVALID, "width is %u, must be %d to %d bits", m->width,
                        JIG_CRC_WIDTH_MIN, JIG_CRC_WIDTH_MAX);
    const struct {
        const char *name;
        uint32_t value;
    } numbers[] = {{"poly", m->poly}, {"init", m->init}, {"xorout", m->xorout}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if ((uint64_t)numbers[i].value >> m->width)
            return jig_fail(err, JIG_EINVALID, "%s is 0x%x, more than %u bits", numbers[i].name,
                            numbers[i].value, m->width);
    }
    if (!(m->poly & 1))
        return jig_fail(err, JIG_EINVALID,
                        "poly is 0x%x, must be odd (most significant bit first, not reflected)",
                        m->poly);
    return 0;
}

int jig_crc_init(struct jig_crc *c, const struct jig_crc_model *model, struct jig_error *err)
{
    int rc = check_model(model, err);
    if (rc < 0)
        return rc;
    c->width = model->width;
    c->refin = model->refin;
    c->refout = model->refout;
    c->xorout = model->xorout;
    c->start = to_register(c, model->init);
    build(c, model->poly);
    return 0;
}

uint32_t jig_crc_start(const struct jig_crc *c)
{
    return c->start;
}

uint32_t jig_crc_update(const struct jig_crc *c, uint32_t state, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    for (; n >= 8; n -= 8, at += 8) {
        /* Only the first four bytes wait for the state. */
        uint32_t near, far;
        memcpy(&near, at, 4);
        memcpy(&far, at + 4, 4);
        near = le32toh(near) ^ state;
        far = le32toh(far);
        uint32_t ahead = c->table[3][far & 0xff] ^ c->table[2][far >> 8 & 0xff] ^
                         c->table[1][far >> 16 & 0xff] ^ c->table[0][far >> 24];
        state = c->table[7][near & 0xff] ^ c->table[6][near >> 8 & 0xff] ^
                c->table[5][near >> 16 & 0xff] ^ c->table[4][near >> 24] ^ ahead;
    }
    for (; n > 0; n--)
        state = next_byte(c, state, *at++);
    return state;
}

uint32_t jig_crc_finish(const struct jig_crc *c, uint32_t state)
{
    uint32_t value = c->refin ? state : __builtin_bswap32(state) >> (32 - c->width);
    if (c->refin != c->refout)
        value = reflect(value, c->width);
    return value ^ c->xorout;
}

uint32_t jig_crc_sum(const struct jig_crc *c, const void *bytes, size_t n)
{
    return jig_crc_finish(c, jig_crc_update(c, c->start, bytes, n));
}

const struct jig_crc_model *jig_crc_find(const char *name)
{
    for (const struct jig_crc_model *m = jig_crc_models; m->name; m++) {
        if (strcmp(m->name, name) == 0)
            return m;
    }
    return NULL;
}

/* From the CRC RevEng catalogue (reveng.sourceforge.io/crc-catalogue), with its names. */
const struct jig_crc_model jig_crc_models[] = {
    /* name, width, poly, init, refin, refout, xorout, check */
    {"CRC-8/MAXIM-DOW", 8, 0x31, 0x00, true, true, 0x00, 0xa1},
    {"CRC-8/SMBUS", 8, 0x07, 0x00, false, false, 0x00, 0xf4},
    {"CRC-16/ARC", 16, 0x8005, 0x0000, true, true, 0x0000, 0xbb3d},
    {"CRC-16/IBM-3740", 16, 0x1021, 0xffff, false, false, 0x0000, 0x29b1},
    {"CRC-16/IBM-SDLC", 16, 0x1021, 0xffff, true, true, 0xffff, 0x906e},
    {"CRC-16/KERMIT", 16, 0x1021, 0x0000, true, true, 0x0000, 0x2189},
    {"CRC-16/MODBUS", 16, 0x8005, 0xffff, true, true, 0x0000, 0x4b37},
    {"CRC-16/USB", 16, 0x8005, 0xffff, true, true, 0xffff, 0xb4c8},
    {"CRC-16/XMODEM", 16, 0x1021, 0x0000, false, false, 0x0000, 0x31c3},
    {"CRC-32/BZIP2", 32, 0x04c11db7, 0xffffffff, false, false, 0xffffffff, 0xfc891918},
    {"CRC-32/ISCSI", 32, 0x1edc6f41, 0xffffffff, true, true, 0xffffffff, 0xe3069283},
    {"CRC-32/ISO-HDLC", 32, 0x04c11db7, 0xffffffff, true, true, 0xffffffff, 0xcbf43926},
    {"CRC-32/MPEG-2", 32, 0x04c11db7, 0xffffffff, false, false, 0x00000000, 0x0376e6e7},
    {.name = NULL},
};
