/* Arguments for the vendor's CLI and the parser of its output.
 *
 * The vendor documents a key, white space and a value, one line each. The parser takes the same
 * words in other layouts too, but never guesses where a value ends:
 *
 *     output = *( line end ) [ line ]
 *     line   = [ blank ] [ item *( blank item ) ] [ blank ]    ; an item is a key or a value
 *            / [ blank ] other                                 ; skipped up to its end
 *     item   = "SCP" / "PAYLOAD" / "FINGERPRINT" / value       ; keys in upper case only
 *     blank  = 1*( SP / TAB / CR )
 *     end    = LF, often after a CR, which is a blank
 *
 * A key is followed by its value, on the same line or as the first item of the next line that is
 * not empty. After a value the line ends or another key follows. A line whose first word is no key,
 * while no value is awaited, is "other". Keys come in any order, each at most once.
 *
 *     SCP value          decimal digits only, at most 4294967295
 *     PAYLOAD value      hex digits of either case, an even number, at least two
 *     FINGERPRINT value  the same, at most 512
 *
 * A NUL is refused anywhere, other lines included.
 */
#include "core/factory_cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/hex.h"

static const char *const commands[] = {
    [JIG_NEW_DEVICE] = "new_device",
    [JIG_GET_DEVICE_CONFIGURATION] = "get_device_configuration",
    [JIG_HANDLE_DEVICE_RESPONSE] = "handle_device_response",
    [JIG_REPORT_ERROR] = "report_error",
};

const char *jig_factory_command_name(enum jig_factory_command command)
{
    return commands[command];
}

/* ---- arguments ---- */

static bool takes_response(enum jig_factory_command command)
{
    return command == JIG_GET_DEVICE_CONFIGURATION || command == JIG_HANDLE_DEVICE_RESPONSE;
}

static int check_session(const struct jig_factory_call *call, struct jig_error *err)
{
    if (call->session_len == 0)
        return jig_fail(err, JIG_EINVALID, "the session id is empty");
    if (call->session_len > JIG_CLI_SESSION_CAP)
        return jig_fail(err, JIG_ELIMIT,
                        "the session id has %zu characters, at most %d are allowed",
                        call->session_len, JIG_CLI_SESSION_CAP);
    if (call->session[0] == '-')
        return jig_fail(err, JIG_EINVALID,
                        "the session id begins with '-', which the CLI would take for a flag");
    for (size_t i = 0; i < call->session_len; i++) {
        unsigned char c = (unsigned char)call->session[i];
        if (c <= 0x20 || c >= 0x7f)
            return jig_fail(err, JIG_EINVALID,
                            "the session id has byte 0x%02x as character %zu: only printable ASCII "
                            "without spaces is allowed",
                            c, i + 1);
    }
    return 0;
}

static int check_response(const struct jig_factory_call *call, struct jig_error *err)
{
    if (call->response_len == 0)
        return jig_fail(err, JIG_EINVALID, "the device's response is empty");
    if (call->response_len > JIG_CLI_RESPONSE_CAP)
        return jig_fail(err, JIG_ELIMIT,
                        "the device's response has %zu bytes: it is handed over as one argument, "
                        "which holds 131,071 characters, so %d bytes in hex",
                        call->response_len, JIG_CLI_RESPONSE_CAP);
    return 0;
}

static bool is_continuation(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* How many bytes the UTF-8 character at s has, 0 if there is none (RFC 3629, section 4). */
static size_t utf8_length(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return 1;
    size_t length = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (length == 0 || length > n)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if (!is_continuation(s[i]))
            return 0;
    }
    bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xed && s[1] > 0x9f;
    bool too_large = s[0] == 0xf4 && s[1] > 0x8f;
    return overlong || surrogate || too_large ? 0 : length;
}

/* C0, DEL and C1, which are U+0080 to U+009F. */
static bool is_control(const unsigned char *s)
{
    return s[0] < 0x20 || s[0] == 0x7f || (s[0] == 0xc2 && s[1] < 0xa0);
}

/* Writes what may be passed on of the reason, with its NUL. */
static void clean_reason(char out[JIG_CLI_REASON_CAP + 1], const struct jig_factory_call *call)
{
    size_t filled = 0;
    for (size_t at = 0; at < call->reason_len;) {
        const unsigned char *s = (const unsigned char *)call->reason + at;
        size_t length = utf8_length(s, call->reason_len - at);
        bool replaced = length == 0 || is_control(s);
        size_t width = replaced ? 1 : length;
        if (filled + width > JIG_CLI_REASON_CAP)
            break;
        memcpy(out + filled, replaced ? "?" : (const char *)s, width);
        filled += width;
        at += length ? length : 1;
    }
    out[filled] = 0;
    if (filled == 0)
        memcpy(out, "unspecified", sizeof "unspecified");
    if (out[0] == '-')
        out[0] = '?';
}

/* Runs twice over the same words: first, while `words` is NULL, only counts. */
struct writer {
    char **words;
    char *at;
    size_t count, bytes;
};

/* Room for a word of n characters; NULL while counting. */
static char *next_word(struct writer *w, size_t n)
{
    w->count++;
    w->bytes += n + 1;
    if (!w->words)
        return NULL;
    char *word = w->at;
    w->at += n + 1;
    word[n] = 0;
    w->words[w->count - 1] = word;
    return word;
}

static void put(struct writer *w, const char *text, size_t n)
{
    char *word = next_word(w, n);
    if (word)
        memcpy(word, text, n);
}

static void put_words(struct writer *w, const struct jig_factory_cli *cli,
                      const struct jig_factory_call *call, const char *reason)
{
    w->count = w->bytes = 0;
    put(w, cli->program, strlen(cli->program));
    for (const char *const *argument = cli->arguments; argument && *argument; argument++)
        put(w, *argument, strlen(*argument));
    put(w, commands[call->command], strlen(commands[call->command]));
    put(w, call->session, call->session_len);
    if (takes_response(call->command)) {
        char *word = next_word(w, 2 * call->response_len);
        if (word)
            jig_hex_encode(word, call->response, call->response_len);
    }
    if (call->command == JIG_REPORT_ERROR) {
        char code[16];
        put(w, code, (size_t)snprintf(code, sizeof code, "%d", (int)call->code));
        put(w, reason, strlen(reason));
    }
}

int jig_factory_cli_argv(struct jig_factory_argv *argv, const struct jig_factory_cli *cli,
                         const struct jig_factory_call *call, struct jig_error *err)
{
    *argv = (struct jig_factory_argv){0};
    int rc = check_session(call, err);
    if (rc == 0 && takes_response(call->command))
        rc = check_response(call, err);
    if (rc < 0)
        return rc;
    char reason[JIG_CLI_REASON_CAP + 1] = "";
    if (call->command == JIG_REPORT_ERROR)
        clean_reason(reason, call);
    struct writer w = {0};
    put_words(&w, cli, call, reason);
    size_t pointers = (w.count + 1) * sizeof *argv->words;
    argv->words = calloc(1, pointers + w.bytes);
    if (!argv->words)
        return jig_fail(err, JIG_ENOMEM, "no memory for the arguments of the CLI");
    argv->size = pointers + w.bytes;
    w.words = argv->words;
    w.at = (char *)argv->words + pointers;
    put_words(&w, cli, call, reason);
    return 0;
}

void jig_factory_argv_release(struct jig_factory_argv *argv)
{
    if (argv->words)
        explicit_bzero(argv->words, argv->size);
    free(argv->words);
    *argv = (struct jig_factory_argv){0};
}

/* ---- output ---- */

enum key { SCP, PAYLOAD, FINGERPRINT, NO_KEY };

static const char *const keys[] = {"SCP", "PAYLOAD", "FINGERPRINT"};

struct word {
    const char *text;
    size_t n;
};

struct reader {
    struct jig_factory_answer *answer;
    size_t line;         /* counted from 1 */
    size_t seen[NO_KEY]; /* the line of each key; 0 = not yet */
    enum key awaiting;   /* whose value comes next */
    struct jig_error *err;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the next word off the front of `rest`; an empty one at its end. */
static struct word take_word(struct word *rest)
{
    while (rest->n > 0 && is_blank(*rest->text)) {
        rest->text++;
        rest->n--;
    }
    struct word word = {rest->text, rest->n};
    static const char blanks[] = " \t\r";
    for (const char *blank = blanks; *blank; blank++) { /* a payload is one long word */
        const char *end = memchr(word.text, *blank, word.n);
        word.n = end ? (size_t)(end - word.text) : word.n;
    }
    rest->text += word.n;
    rest->n -= word.n;
    return word;
}

static enum key key_of(struct word word)
{
    enum key key = SCP;
    while (key < NO_KEY &&
           (strlen(keys[key]) != word.n || memcmp(keys[key], word.text, word.n) != 0))
        key++;
    return key;
}

static int read_scp(struct reader *r, struct word value)
{
    uint64_t number = 0;
    for (size_t i = 0; i < value.n; i++) {
        if (value.text[i] < '0' || value.text[i] > '9')
            return jig_fail(r->err, JIG_EINVALID,
                            "line %zu: SCP must be a decimal number, character %zu is no digit",
                            r->line, i + 1);
        number = number * 10 + (uint64_t)(value.text[i] - '0');
        if (number > UINT32_MAX)
            return jig_fail(r->err, JIG_EINVALID, "line %zu: SCP is over 4294967295", r->line);
    }
    r->answer->scp = (uint32_t)number;
    r->answer->has_scp = true;
    return 0;
}

static int read_hex(struct reader *r, struct word value, uint8_t *bytes)
{
    struct jig_error cause;
    if (jig_hex_decode(bytes, value.text, value.n, NULL, &cause) < 0)
        return jig_fail(r->err, JIG_EINVALID, "line %zu: %s: %s", r->line, keys[r->awaiting],
                        cause.text);
    return 0;
}

static int read_payload(struct reader *r, struct word value)
{
    uint8_t *bytes = malloc(value.n / 2 + 1);
    if (!bytes)
        return jig_fail(r->err, JIG_ENOMEM, "no memory for a payload");
    r->answer->payload = bytes;
    r->answer->payload_len = value.n / 2;
    return read_hex(r, value, bytes);
}

static int read_fingerprint(struct reader *r, struct word value)
{
    uint8_t bytes[JIG_CLI_FINGERPRINT_CAP / 2];
    if (value.n > JIG_CLI_FINGERPRINT_CAP)
        return jig_fail(r->err, JIG_EINVALID, "line %zu: FINGERPRINT has %zu digits, at most %d",
                        r->line, value.n, JIG_CLI_FINGERPRINT_CAP);
    memcpy(r->answer->fingerprint, value.text, value.n);
    return read_hex(r, value, bytes);
}

static int read_value(struct reader *r, struct word value)
{
    enum key key = key_of(value);
    if (key != NO_KEY)
        return jig_fail(r->err, JIG_EINVALID, "line %zu: the value of %s expected, got the key %s",
                        r->line, keys[r->awaiting], keys[key]);
    int rc = r->awaiting == SCP       ? read_scp(r, value)
             : r->awaiting == PAYLOAD ? read_payload(r, value)
                                      : read_fingerprint(r, value);
    r->awaiting = NO_KEY;
    return rc;
}

static int read_key(struct reader *r, enum key key)
{
    if (r->seen[key])
        return jig_fail(r->err, JIG_EINVALID, "line %zu: %s again, it was on line %zu already",
                        r->line, keys[key], r->seen[key]);
    r->seen[key] = r->line;
    r->awaiting = key;
    return 0;
}

static int read_line(struct reader *r, struct word rest)
{
    const char *start = rest.text;
    bool first = true;
    for (struct word word = take_word(&rest); word.n > 0; word = take_word(&rest)) {
        int rc = 0;
        enum key key = key_of(word);
        if (r->awaiting != NO_KEY)
            rc = read_value(r, word);
        else if (key != NO_KEY)
            rc = read_key(r, key);
        else if (first)
            return 0;
        else
            return jig_fail(r->err, JIG_EINVALID, "line %zu, column %zu: text after a value",
                            r->line, (size_t)(word.text - start) + 1);
        if (rc < 0)
            return rc;
        first = false;
    }
    return 0;
}

static int read_output(struct reader *r, const char *text, size_t n)
{
    for (size_t at = 0; at < n;) {
        const char *end = memchr(text + at, '\n', n - at);
        struct word line = {text + at, end ? (size_t)(end - text) - at : n - at};
        r->line++;
        if (memchr(line.text, 0, line.n))
            return jig_fail(r->err, JIG_EINVALID, "line %zu: a NUL byte", r->line);
        int rc = read_line(r, line);
        if (rc < 0)
            return rc;
        at += line.n + 1;
    }
    if (r->awaiting != NO_KEY)
        return jig_fail(r->err, JIG_EINVALID, "line %zu: %s has no value", r->seen[r->awaiting],
                        keys[r->awaiting]);
    return 0;
}

static int require(const struct reader *r, enum key key)
{
    if (r->seen[key])
        return 0;
    return jig_fail(r->err, JIG_EINVALID, "no %s up to the end of the output, line %zu", keys[key],
                    r->line);
}

static int require_keys(const struct reader *r, enum jig_factory_command command)
{
    if (command == JIG_HANDLE_DEVICE_RESPONSE)
        return require(r, FINGERPRINT);
    int rc = require(r, SCP);
    return rc < 0 ? rc : require(r, PAYLOAD);
}

int jig_factory_cli_parse(enum jig_factory_command command, const void *bytes, size_t n,
                          struct jig_factory_answer *answer, struct jig_error *err)
{
    memset(answer, 0, sizeof *answer);
    if (n > JIG_CLI_OUTPUT_CAP)
        return jig_fail(err, JIG_ELIMIT, "the output has more than %d bytes", JIG_CLI_OUTPUT_CAP);
    if (command == JIG_REPORT_ERROR)
        return 0;
    struct reader r = {.answer = answer, .awaiting = NO_KEY, .err = err};
    int rc = read_output(&r, bytes, n);
    if (rc == 0)
        rc = require_keys(&r, command);
    if (rc < 0)
        jig_factory_answer_release(answer);
    return rc;
}

void jig_factory_answer_release(struct jig_factory_answer *answer)
{
    if (answer->payload)
        explicit_bzero(answer->payload, answer->payload_len);
    free(answer->payload);
    explicit_bzero(answer, sizeof *answer);
}
