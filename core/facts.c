/* See facts.h. The struct's text is the object without its closing brace, for which, and for the
 * NUL, the cap keeps room. */
#include "core/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOSING = 2 };

static void add(struct jig_facts *facts, const void *bytes, size_t n)
{
    facts->text.cap = JIG_FACTS_CAP - CLOSING + 1;
    if (!facts->failed && jig_buf_append(&facts->text, bytes, n) < 0)
        facts->failed = 1;
}

static void add_name(struct jig_facts *facts, const char *name)
{
    add(facts, jig_buf_len(&facts->text) ? ",\"" : "{\"", 2);
    add(facts, name, strlen(name));
    add(facts, "\":", 2);
}

/* How many of n bytes the well-formed UTF-8 character at `s` has (Unicode, table 3-7); 0 = none is
 * there. n is not 0. */
static size_t character(const uint8_t *s, size_t n)
{
    uint8_t low = 0x80, high = 0xBF;
    size_t more = s[0] < 0x80                   ? 0
                  : s[0] >= 0xC2 && s[0] < 0xE0 ? 1
                  : s[0] >= 0xE0 && s[0] < 0xF0 ? 2
                  : s[0] >= 0xF0 && s[0] < 0xF5 ? 3
                                                : n;
    if (more >= n)
        return 0;
    if (s[0] == 0xE0)
        low = 0xA0; /* not longer than it must be */
    else if (s[0] == 0xF0)
        low = 0x90;
    else if (s[0] == 0xED)
        high = 0x9F; /* no surrogates */
    else if (s[0] == 0xF4)
        high = 0x8F; /* nothing behind U+10FFFF */
    for (size_t i = 1; i <= more; i++, low = 0x80, high = 0xBF) {
        if (s[i] < low || s[i] > high)
            return 0;
    }
    return more + 1;
}

/* Adds one character and returns how many bytes it had. */
static size_t add_character(struct jig_facts *facts, const uint8_t *s, size_t n)
{
    static const char escaped[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *e = escaped; *e; e += 2) {
        if (s[0] == (uint8_t)*e) {
            add(facts, (char[]){'\\', e[1]}, 2);
            return 1;
        }
    }
    size_t length = character(s, n);
    if (!length) {
        add(facts, "\xEF\xBF\xBD", 3);
        return 1;
    }
    if (s[0] < 0x20) {
        char code[8];
        add(facts, code, (size_t)snprintf(code, sizeof code, "\\u%04x", s[0]));
    } else {
        add(facts, s, length);
    }
    return length;
}

void jig_facts_text_member(struct jig_facts *facts, const char *name, const char *text)
{
    if (!text)
        return;
    add_name(facts, name);
    add(facts, "\"", 1);
    const uint8_t *s = (const uint8_t *)text;
    for (size_t n = strlen(text); n && !facts->failed;) {
        size_t length = add_character(facts, s, n);
        s += length;
        n -= length;
    }
    add(facts, "\"", 1);
}

void jig_facts_integer(struct jig_facts *facts, const char *name, int64_t value)
{
    char digits[24];
    add_name(facts, name);
    add(facts, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, value));
}

void jig_facts_json(struct jig_facts *facts, const char *name, const char *json)
{
    if (!json)
        return;
    add_name(facts, name);
    add(facts, json, strlen(json));
}

char *jig_facts_take(struct jig_facts *facts)
{
    size_t n = jig_buf_len(&facts->text);
    char *text = facts->failed ? NULL : malloc(n + 1 + CLOSING);
    if (text) {
        memcpy(text, jig_buf_data(&facts->text), n);
        strcpy(text + n, n ? "}" : "{}");
    }
    jig_facts_release(facts);
    return text;
}

void jig_facts_release(struct jig_facts *facts)
{
    jig_buf_release(&facts->text);
    facts->failed = 0;
}
