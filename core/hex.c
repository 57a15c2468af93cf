/* One table look-up per byte written and one per digit read: fast enough that SIMD would gain a few
 * microseconds per device, and the same on every machine. */
#include "core/hex.h"

#include <stdbool.h>
#include <string.h>

/* The digit pairs of all bytes in order, "000102...ff". */
#define ROW(h)                                                                                     \
    h "0" h "1" h "2" h "3" h "4" h "5" h "6" h "7" h "8" h "9" h "a" h "b" h "c" h "d" h "e" h "f"

static const char pairs[] = ROW("0") ROW("1") ROW("2") ROW("3") ROW("4") ROW("5") ROW("6") ROW("7")
    ROW("8") ROW("9") ROW("a") ROW("b") ROW("c") ROW("d") ROW("e") ROW("f");

/* What a digit says about its byte: VALID, its own half, and ones in the other half. Two digits
 * make VALID plus the byte when combined with `&`; with any other character they make 0. */
enum { VALID = 0x100 };

#define HIGH(v) (VALID | (v) << 4 | 0x0f)
#define LOW(v)  (VALID | 0xf0 | (v))
#define DIGITS(half)                                                                               \
    ['0'] = half(0), ['1'] = half(1), ['2'] = half(2), ['3'] = half(3), ['4'] = half(4),           \
    ['5'] = half(5), ['6'] = half(6), ['7'] = half(7), ['8'] = half(8), ['9'] = half(9),           \
    ['a'] = half(10), ['b'] = half(11), ['c'] = half(12), ['d'] = half(13), ['e'] = half(14),      \
    ['f'] = half(15), ['A'] = half(10), ['B'] = half(11), ['C'] = half(12), ['D'] = half(13),      \
    ['E'] = half(14), ['F'] = half(15)

static const uint16_t high_half[256] = {DIGITS(HIGH)};
static const uint16_t low_half[256] = {DIGITS(LOW)};

static bool is_digit(char c)
{
    return low_half[(unsigned char)c] != 0;
}

void jig_hex_encode(char *text, const void *bytes, size_t n)
{
    const uint8_t *from = bytes;
    for (size_t i = 0; i < n; i++)
        memcpy(text + 2 * i, pairs + (size_t)2 * from[i], 2);
}

static int refuse_character(const char *text, size_t at, size_t *offset, struct jig_error *err)
{
    unsigned char c = (unsigned char)text[at];
    if (offset)
        *offset = at;
    if (c > 0x20 && c < 0x7f)
        return jig_fail(err, JIG_EINVALID, "character %zu is '%c', not a hex digit", at + 1, c);
    return jig_fail(err, JIG_EINVALID, "character %zu is byte 0x%02x, not a hex digit", at + 1, c);
}

int jig_hex_decode(void *bytes, const char *text, size_t n, size_t *offset, struct jig_error *err)
{
    uint8_t *to = bytes;
    for (size_t i = 0; i + 1 < n; i += 2) {
        unsigned both = high_half[(unsigned char)text[i]] & low_half[(unsigned char)text[i + 1]];
        if (!both)
            return refuse_character(text, is_digit(text[i]) ? i + 1 : i, offset, err);
        to[i / 2] = (uint8_t)both;
    }
    if (n % 2 == 0)
        return 0;
    if (!is_digit(text[n - 1]))
        return refuse_character(text, n - 1, offset, err);
    if (offset)
        *offset = n;
    return jig_fail(err, JIG_EINVALID, "an odd number of hex digits (%zu): the last byte is cut",
                    n);
}

/* The length of "0x" where it stands before a digit. */
static size_t prefix(const char *text, size_t n)
{
    return n > 2 && text[0] == '0' && text[1] == 'x' && is_digit(text[2]) ? 2 : 0;
}

/* The run that begins at *at, which is moved behind it. */
static size_t run_of(const char *text, size_t n, const char *between, char *digits, size_t *at)
{
    size_t count = 0, gap = 0, i = *at;
    while (i < n && gap <= 2) {
        size_t skip = between ? prefix(text + i, n - i) : 0;
        if (skip) {
            i += skip;
        } else if (is_digit(text[i])) {
            digits[count++] = text[i++];
            *at = i;
            gap = 0;
        } else if (count && between && text[i] && strchr(between, text[i])) {
            gap++;
            i++;
        } else {
            break;
        }
    }
    return count;
}

size_t jig_hex_find(const char *text, size_t n, size_t least, const char *between, char *digits,
                    size_t *end)
{
    for (size_t at = 0; at < n; at++) {
        size_t count = run_of(text, n, between, digits, &at);
        *end = at;
        if (count >= least)
            return count;
    }
    return 0;
}
