/* See options.h. */
#include "transports/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail_word(const struct jig_address *a, const char *key, const char *value,
                     const char *const *words, struct jig_error *err)
{
    char list[128] = "";
    for (; *words; words++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", *words);
    }
    return jig_fail(err, JIG_EINVALID, "%s: %s is '%.40s', must be one of: %s", a->scheme, key,
                    value, list);
}

int jig_option_word(const struct jig_address *a, const char *key, const char *const *words,
                    int *index, struct jig_error *err)
{
    const char *value = jig_address_option(a, key);
    if (!value)
        return JIG_OK;
    for (int i = 0; words[i]; i++) {
        if (!strcmp(words[i], value)) {
            *index = i;
            return JIG_OK;
        }
    }
    return fail_word(a, key, value, words, err);
}

/* strtod would also read hexadecimal, "inf", blanks and signs. */
static int is_decimal(const char *text)
{
    return *text && strspn(text, "0123456789.") == strlen(text);
}

int jig_option_fraction(const struct jig_address *a, const char *key, double high, double *value,
                        struct jig_error *err)
{
    const char *text = jig_address_option(a, key);
    if (!text)
        return JIG_OK;
    char *end;
    double number = strtod(text, &end);
    if (!is_decimal(text) || *end || number > high)
        return jig_fail(err, JIG_EINVALID, "%s: %s is '%.40s', must be a number from 0 to %g",
                        a->scheme, key, text, high);
    *value = number;
    return JIG_OK;
}

bool jig_hex_number(const char *text, size_t digits, int *number)
{
    size_t n = strspn(text, "0123456789abcdefABCDEF");
    if (!n || n > digits || text[n])
        return false;
    *number = (int)strtol(text, NULL, 16);
    return true;
}

int jig_option_hex(const struct jig_address *a, const char *key, size_t digits, int *number,
                   struct jig_error *err)
{
    const char *text = jig_address_option(a, key);
    if (!text || jig_hex_number(text, digits, number))
        return JIG_OK;
    return jig_fail(err, JIG_EINVALID, "%s: %s is '%.40s', must be 1 to %zu hex digits", a->scheme,
                    key, text, digits);
}

int jig_option_line(const struct jig_address *a, struct jig_line *line, struct jig_error *err)
{
    static const char *const parities[] = {"none", "odd", "even", "mark", "space", NULL};
    static const char *const flows[] = {"none", "rtscts", "xonxoff", NULL};
    *line = (struct jig_line){.baud = 115200, .bits = 8, .stop = 1};
    int code = jig_address_number(a, "baud", 1, JIG_BAUD_MAX, &line->baud, err);
    if (code == JIG_OK)
        code = jig_address_number(a, "bits", 5, 8, &line->bits, err);
    if (code == JIG_OK)
        code = jig_address_number(a, "stop", 1, 2, &line->stop, err);
    if (code == JIG_OK)
        code = jig_option_word(a, "parity", parities, &line->parity, err);
    if (code == JIG_OK)
        code = jig_option_word(a, "flow", flows, &line->flow, err);
    return code;
}
