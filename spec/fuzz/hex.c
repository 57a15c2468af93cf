/* core/hex: what is decoded is encoded to the same digits; what is refused is refused at a
 * character that is no digit; runs of digits are found inside of the text. */
#include "spec/fuzz/fuzz.h"

#include "core/error.h"
#include "core/hex.h"

#include <ctype.h>
#include <string.h>

static void decode(const char *text, size_t n)
{
    char *bytes = malloc(n / 2 + 1), *again = malloc(n + 1);
    struct jig_error err = {0};
    size_t at = n + 1;
    CLAIM(bytes && again);
    if (jig_hex_decode(bytes, text, n, &at, &err) == 0) {
        CLAIM(n % 2 == 0);
        jig_hex_encode(again, bytes, n / 2);
        for (size_t i = 0; i < n; i++)
            CLAIM(again[i] == tolower((unsigned char)text[i]));
    } else {
        CLAIM(at <= n && err.code == JIG_EINVALID && *err.text);
        CLAIM(at == n ? n % 2 == 1 : !isxdigit((unsigned char)text[at]));
    }
    free(bytes);
    free(again);
}

static void find(const char *text, size_t n, size_t least, const char *between)
{
    char *digits = malloc(n + 1);
    size_t end = n + 1;
    CLAIM(digits);
    size_t found = jig_hex_find(text, n, least, between, digits, &end);
    CLAIM(found == 0 || (found >= least && found <= n && end <= n));
    for (size_t i = 0; i < found; i++)
        CLAIM(isxdigit((unsigned char)digits[i]));
    free(digits);
}

/* The text is a copy of just its size, so that a look behind it is seen. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    char *text = malloc(n - 1 ? n - 1 : 1);
    CLAIM(text);
    memcpy(text, bytes + 1, n - 1);
    decode(text, n - 1);
    find(text, n - 1, 1 + bytes[0] % 16, bytes[0] & 0x80 ? NULL : " ,:");
    free(text);
    return 0;
}
