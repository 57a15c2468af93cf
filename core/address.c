/* The parser of addresses. It copies the text once and decodes each piece where it stands: no piece
 * grows, and the character that ends it leaves room for its NUL.
 *
 *     address = plain / fault
 *     plain   = scheme ":" ( word *( SP word ) [ query ] / query )
 *     query   = "?" option *( "&" option )
 *     fault   = "fault:" [ option *( "," option ) ] ":" plain
 *     option  = key "=" value
 *     scheme  = lower *( lower / digit / "-" / "_" )
 *     key     = scheme
 *     word    = 1*( char / escape )      ; no space, no "?"
 *     value   = *( char / escape )       ; no space, no "&"; in a fault address no "," and no ":"
 *     escape  = "%" hex hex              ; any byte but NUL
 *     char    = any byte but "%" and control characters (00 to 1f, 7f)
 *
 * So a space inside a word is %20 and a question mark %3F. There is no quoting, "+" and "#" mean
 * themselves, and bytes over 7f pass as they are. Refused: an empty word, so two spaces in a row;
 * an option twice; an option without "="; a fault address in a fault address.
 */
#include "core/address.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/hex.h"

struct parser {
    struct jig_address *a;
    char *text;
    size_t n, at;
    size_t start;  /* where the last piece began */
    char stop;     /* what ended it; 0 = the end of the text */
    size_t before; /* characters of the whole address in front of the text, for messages */
    struct jig_error *err;
};

static int refuse(const struct parser *p, size_t at, const char *what)
{
    return jig_fail(p->err, JIG_EINVALID, "address, character %zu: %s", p->before + at + 1, what);
}

static int check_characters(const struct parser *p)
{
    for (size_t i = 0; i < p->n; i++) {
        unsigned char c = (unsigned char)p->text[i];
        if (c < 0x20 || c == 0x7f)
            return refuse(p, i, "a control character (write it as % and two hex digits)");
    }
    return 0;
}

/* Reads the escape at p->at. */
static int unescape(struct parser *p, char *out)
{
    if (p->n - p->at < 3 || jig_hex_decode(out, p->text + p->at + 1, 2, NULL, NULL) < 0)
        return refuse(p, p->at, "two hex digits must follow % (write % itself as %25)");
    if (!*out)
        return refuse(p, p->at, "%00 cannot be passed on");
    p->at += 3;
    return 0;
}

/* Decodes up to one of `stops`, and steps over it. */
static int read_piece(struct parser *p, const char *stops, char **piece)
{
    size_t out = p->at;
    p->start = p->at;
    *piece = p->text + p->at;
    while (p->at < p->n && !strchr(stops, p->text[p->at])) {
        char c = p->text[p->at];
        if (c != '%')
            p->at++;
        else if (unescape(p, &c) < 0)
            return JIG_EINVALID;
        p->text[out++] = c;
    }
    p->stop = '\0';
    if (p->at < p->n)
        p->stop = p->text[p->at++];
    p->text[out] = '\0';
    return 0;
}

/* Reads a scheme or a key, and steps over the `stop` that must follow. */
static int read_name(struct parser *p, char stop, const char *refusal, char **name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t n = strspn(p->text + p->at, allowed);
    *name = p->text + p->at;
    if (n == 0 || (*name)[0] < 'a' || (*name)[n] != stop)
        return refuse(p, p->at, refusal);
    (*name)[n] = '\0';
    p->at += n + 1;
    return 0;
}

static int read_words(struct parser *p)
{
    if (p->text[p->at] == '?') { /* a device that is selected by options alone */
        p->stop = p->text[p->at++];
        return 0;
    }
    do {
        if (p->a->n_words == JIG_ADDRESS_WORDS)
            return jig_fail(p->err, JIG_ELIMIT, "address: more than %d words", JIG_ADDRESS_WORDS);
        char *word;
        int rc = read_piece(p, " ?", &word);
        if (rc < 0)
            return rc;
        if (!*word)
            return refuse(p, p->start, "a word is missing");
        p->a->words[p->a->n_words++] = word;
    } while (p->stop == ' ');
    return 0;
}

static int add_option(struct parser *p, const char *stops)
{
    struct jig_address *a = p->a;
    size_t start = p->at;
    char *key, *value;
    int rc = read_name(p, '=', "an option must be key=value", &key);
    if (rc < 0)
        return rc;
    if (jig_address_option(a, key))
        return refuse(p, start, "an option for the second time");
    if (a->n_options == JIG_ADDRESS_OPTIONS)
        return jig_fail(p->err, JIG_ELIMIT, "address: more than %d options", JIG_ADDRESS_OPTIONS);
    rc = read_piece(p, stops, &value);
    if (rc < 0)
        return rc;
    if (p->stop == ' ')
        return refuse(p, p->at - 1, "a space in an option (write it as %20)");
    a->options[a->n_options++] = (struct jig_option){key, value};
    return 0;
}

static int read_plain(struct parser *p)
{
    int rc = read_words(p);
    while (rc == 0 && p->stop)
        rc = add_option(p, " &");
    return rc;
}

static int parse(struct parser *p, bool wrapped);

/* Checks the rest of the text as an address of its own; it is kept as text. */
static int check_inner(struct parser *p)
{
    struct jig_address inner = {0};
    struct parser q = {.a = &inner, .n = p->n - p->at, .before = p->before + p->at, .err = p->err};
    q.text = inner.text = strdup(p->text + p->at);
    int rc = q.text ? parse(&q, true) : jig_fail(p->err, JIG_ENOMEM, "no memory for an address");
    jig_address_release(&inner);
    return rc;
}

static int read_fault(struct parser *p)
{
    if (p->text[p->at] == ':') {
        p->at++;
    } else {
        do {
            int rc = add_option(p, " ,:");
            if (rc < 0)
                return rc;
        } while (p->stop == ',');
        if (p->stop != ':')
            return refuse(p, p->at, "\":\" and the address to wrap must follow");
    }
    p->a->inner = p->text + p->at;
    return check_inner(p);
}

static int parse(struct parser *p, bool wrapped)
{
    char *scheme;
    int rc = read_name(p, ':', "an address begins with a scheme and \":\", like tcp:", &scheme);
    if (rc < 0)
        return rc;
    p->a->scheme = scheme;
    if (strcmp(scheme, "fault") != 0)
        return read_plain(p);
    if (wrapped)
        return refuse(p, 0, "a fault address in a fault address");
    return read_fault(p);
}

int jig_address_parse(struct jig_address *a, const char *text, size_t n, struct jig_error *err)
{
    memset(a, 0, sizeof *a);
    if (n > JIG_ADDRESS_CAP)
        return jig_fail(err, JIG_ELIMIT, "address: %zu bytes, at most %d are allowed", n,
                        JIG_ADDRESS_CAP);
    a->text = malloc(n + 1);
    if (!a->text)
        return jig_fail(err, JIG_ENOMEM, "no memory for an address");
    memcpy(a->text, text, n);
    a->text[n] = 0;
    struct parser p = {.a = a, .text = a->text, .n = n, .err = err};
    int rc = check_characters(&p);
    if (rc == 0)
        rc = parse(&p, false);
    if (rc < 0)
        jig_address_release(a);
    return rc;
}

void jig_address_release(struct jig_address *a)
{
    free(a->text);
    memset(a, 0, sizeof *a);
}

const char *jig_address_option(const struct jig_address *a, const char *key)
{
    for (size_t i = 0; i < a->n_options; i++) {
        if (strcmp(a->options[i].key, key) == 0)
            return a->options[i].value;
    }
    return NULL;
}

/* A decimal number of at most 18 digits and, if negative, a "-". */
static bool read_number(const char *text, int64_t *number)
{
    bool negative = *text == '-';
    const char *digits = text + negative;
    size_t n = strspn(digits, "0123456789");
    if (n == 0 || n > 18 || digits[n])
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value * 10 + (digits[i] - '0');
    *number = negative ? -value : value;
    return true;
}

int jig_address_number(const struct jig_address *a, const char *key, int64_t low, int64_t high,
                       int64_t *number, struct jig_error *err)
{
    int64_t value;
    const char *text = jig_address_option(a, key);
    if (!text)
        return 0;
    if (!read_number(text, &value) || value < low || value > high)
        return jig_fail(err, JIG_EINVALID, "%s: %s must be a whole number from %lld to %lld",
                        a->scheme, key, (long long)low, (long long)high);
    *number = value;
    return 0;
}

static bool is_in(const char *const *list, const char *key)
{
    for (; *list; list++) {
        if (strcmp(*list, key) == 0)
            return true;
    }
    return false;
}

int jig_address_check_options(const struct jig_address *a, const char *const *known,
                              struct jig_error *err)
{
    for (size_t i = 0; i < a->n_options; i++) {
        if (!is_in(known, a->options[i].key))
            return jig_fail(err, JIG_EINVALID, "%s: unknown option '%.40s'", a->scheme,
                            a->options[i].key);
    }
    return 0;
}

/* Splits host:port at the last colon; false unless both are there. A host with colons of its own
 * must stand in brackets. */
static bool split_endpoint(const char *word, struct jig_endpoint *endpoint)
{
    const char *colon = strrchr(word, ':');
    if (!colon || colon == word)
        return false;
    const char *host = word;
    size_t n = (size_t)(colon - word);
    bool bracketed = n > 2 && host[0] == '[' && host[n - 1] == ']';
    if (bracketed) {
        host++;
        n -= 2;
    }
    if (n > JIG_ADDRESS_HOST_CAP || memchr(host, '[', n) || memchr(host, ']', n) ||
        bracketed != (memchr(host, ':', n) != NULL))
        return false;
    int64_t port;
    if (!read_number(colon + 1, &port) || port < 1 || port > UINT16_MAX)
        return false;
    memcpy(endpoint->host, host, n);
    endpoint->host[n] = 0;
    endpoint->port = (uint16_t)port;
    return true;
}

int jig_address_endpoint(const struct jig_address *a, struct jig_endpoint *endpoint,
                         struct jig_error *err)
{
    if (a->n_words != 1 || !split_endpoint(a->words[0], endpoint))
        return jig_fail(err, JIG_EINVALID, "%s: must be %s:HOST:PORT or %s:[IPV6]:PORT", a->scheme,
                        a->scheme, a->scheme);
    return 0;
}
