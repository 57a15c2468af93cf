/* core/facts: text from outside becomes a JSON string: one object, in UTF-8, without control
 * characters; well-formed text without any comes back as it was. */
#include "spec/fuzz/fuzz.h"

#include <string.h>

#include "core/facts.h"

/* How many bytes the UTF-8 character at s has (RFC 3629, section 4); 0 = there is none. */
static size_t utf8(const uint8_t *s)
{
    unsigned code = s[0] < 0xE0 ? s[0] & 0x1F : s[0] < 0xF0 ? s[0] & 0x0F : s[0] & 0x07;
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xC0 ? 0
               : s[0] < 0xE0 ? 2
               : s[0] < 0xF0 ? 3
               : s[0] < 0xF8 ? 4
                             : 0;
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (n < 2)
        return n;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (s[i] & 0x3F);
    }
    return code < least[n] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0 : n;
}

/* The length of what an escape stands for is 1; its character in *c. */
static const uint8_t *unescape(const uint8_t *s, char *c)
{
    static const char known[] = "\"\"\\\\b\bf\fn\nr\rt\t";
    unsigned code;
    for (const char *k = known; *k; k += 2) {
        if ((char)s[1] == *k) {
            *c = k[1];
            return s + 2;
        }
    }
    CLAIM(s[1] == 'u' && sscanf((const char *)s + 2, "%4x", &code) == 1 && code > 0 && code < 0x20);
    *c = (char)code;
    return s + 6;
}

/* The text of the member that begins at s, in `text`; where it ends. */
static const uint8_t *read_string(const uint8_t *s, char *text)
{
    while (*s != '"') {
        size_t n = utf8(s);
        CLAIM(n > 0 && *s >= 0x20);
        if (*s == '\\') {
            s = unescape(s, text++);
            continue;
        }
        memcpy(text, s, n);
        text += n;
        s += n;
    }
    *text = '\0';
    return s + 1;
}

static int is_utf8(const char *text)
{
    size_t n;
    for (const uint8_t *s = (const uint8_t *)text; *s; s += n) {
        n = utf8(s);
        if (!n)
            return 0;
    }
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct jig_facts facts = {0};
    char *text = malloc(n + 1);
    CLAIM(text);
    memcpy(text, bytes, n);
    text[n] = '\0';
    jig_facts_text_member(&facts, "a", text);
    jig_facts_integer(&facts, "b", (int64_t)n);
    jig_facts_text_member(&facts, "c", NULL);
    char *json = jig_facts_take(&facts);
    if (!json) {
        CLAIM(6 * n > JIG_FACTS_CAP - 64);
    } else {
        char *again = malloc(strlen(json) + 1), end[32];
        CLAIM(again && strlen(json) <= JIG_FACTS_CAP && strncmp(json, "{\"a\":\"", 6) == 0);
        const uint8_t *rest = read_string((const uint8_t *)json + 6, again);
        snprintf(end, sizeof end, ",\"b\":%zu}", n);
        CLAIM(strcmp((const char *)rest, end) == 0);
        CLAIM(!is_utf8(text) || strcmp(again, text) == 0);
        free(again);
    }
    free(json);
    free(text);
    return 0;
}
