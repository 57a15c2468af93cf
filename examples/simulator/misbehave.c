/* Every way in which a command-line tool may disappoint its caller, each on request. */
#include "misbehave.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum kind {
    EXIT,
    KILL,
    HANG,
    HANG_TERM,
    SLOW,
    LOST_ANSWER,
    EMPTY,
    MISSING,
    REPEATED,
    ODD_HEX,
    BAD_HEX,
    NUL,
    EMPTY_VALUE,
    SCP_NEGATIVE,
    SCP_OVER,
    SCP_WORD,
    OVERSIZE,
    EXTRA_LINES,
    CRLF,
    ONE_LINE,
    LEADING_BLANKS,
    UPPER,
    SWAPPED,
    CHATTER,
    HELPER,
};

enum fits {
    FITS_PAYLOAD = 1,
    FITS_FINGERPRINT = 2,
    FITS_REPORT = 4,
    FITS_ALL = 7,
    FITS_ANSWER = 3
};
enum value { NO_VALUE, NUMBER, OPTIONAL_NUMBER, KEY };

static const struct {
    const char *name;
    enum fits fits;
    enum value value;
    bool spoils; /* the documented answer is lost */
} KINDS[] = {
    [EXIT] = {"exit", FITS_ALL, NUMBER, true},
    [KILL] = {"kill", FITS_ALL, NUMBER, true},
    [HANG] = {"hang", FITS_ALL, NO_VALUE, true},
    [HANG_TERM] = {"hang-term", FITS_ALL, NO_VALUE, true},
    [SLOW] = {"slow", FITS_ALL, NUMBER, false},
    [LOST_ANSWER] = {"lost-answer", FITS_ALL, NO_VALUE, true},
    [EMPTY] = {"empty", FITS_ANSWER, NO_VALUE, true},
    [MISSING] = {"missing", FITS_ANSWER, KEY, true},
    [REPEATED] = {"repeated", FITS_ANSWER, KEY, true},
    [ODD_HEX] = {"odd-hex", FITS_ANSWER, NO_VALUE, true},
    [BAD_HEX] = {"bad-hex", FITS_ANSWER, NO_VALUE, true},
    [NUL] = {"nul", FITS_ANSWER, NO_VALUE, true},
    [EMPTY_VALUE] = {"empty-value", FITS_ANSWER, NO_VALUE, true},
    [SCP_NEGATIVE] = {"scp-negative", FITS_PAYLOAD, NO_VALUE, true},
    [SCP_OVER] = {"scp-over", FITS_PAYLOAD, NO_VALUE, true},
    [SCP_WORD] = {"scp-word", FITS_PAYLOAD, NO_VALUE, true},
    [OVERSIZE] = {"oversize", FITS_ALL, NO_VALUE, true},
    [EXTRA_LINES] = {"extra-lines", FITS_ALL, NO_VALUE, false},
    [CRLF] = {"crlf", FITS_ANSWER, NO_VALUE, false},
    [ONE_LINE] = {"one-line", FITS_PAYLOAD, NO_VALUE, false},
    [LEADING_BLANKS] = {"leading-blanks", FITS_ANSWER, NO_VALUE, false},
    [UPPER] = {"upper", FITS_ANSWER, NO_VALUE, false},
    [SWAPPED] = {"swapped", FITS_PAYLOAD, NO_VALUE, false},
    [CHATTER] = {"chatter", FITS_ALL, OPTIONAL_NUMBER, false},
    [HELPER] = {"helper", FITS_ALL, OPTIONAL_NUMBER, false},
};

enum {
    KIND_COUNT = sizeof KINDS / sizeof KINDS[0],
    NUMBER_MAX = 10 * 1000 * 1000,
    CAP = 1024 * 1024
};
enum { CHATTER_LINES = 3, HELPER_SECONDS = 5 };

/* ---- reading the switches ---- */

static enum fits fits_of(const char *command)
{
    if (strcmp(command, "new_device") == 0 || strcmp(command, "get_device_configuration") == 0) {
        return FITS_PAYLOAD;
    }
    return strcmp(command, "handle_device_response") == 0 ? FITS_FINGERPRINT : FITS_REPORT;
}

static bool is_command(const char *command)
{
    static const char *const names[] = {"new_device", "get_device_configuration",
                                        "handle_device_response", "report_error", "any"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(command, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int find_kind(const char *name)
{
    for (int i = 0; i < KIND_COUNT; i++) {
        if (strcmp(KINDS[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

/* Cuts text at the last `mark`; returns what follows, or NULL. */
static char *cut(char *text, char mark)
{
    char *at = strrchr(text, mark);
    if (at == NULL) {
        return NULL;
    }
    *at = 0;
    return at + 1;
}

static bool value_fits(enum value wanted, const char *value, enum fits fits)
{
    unsigned long number;
    switch (wanted) {
    case NO_VALUE:
        return value == NULL;
    case NUMBER:
        return value != NULL && sim_number(value, NUMBER_MAX, &number) == 0;
    case OPTIONAL_NUMBER:
        return value == NULL || sim_number(value, NUMBER_MAX, &number) == 0;
    default:
        break;
    }
    if (value == NULL) {
        return false;
    }
    bool of_payload = strcmp(value, "SCP") == 0 || strcmp(value, "PAYLOAD") == 0;
    bool of_fingerprint = strcmp(value, "FINGERPRINT") == 0;
    return ((fits & FITS_PAYLOAD) != 0 && of_payload) ||
           ((fits & FITS_FINGERPRINT) != 0 && of_fingerprint);
}

/* Counts this call; true while the count is not above the limit. The file grows by a byte per call:
 * appending is atomic, and the position after it is this call's own number. */
static bool within_count(int dir, const char *command, const char *name, unsigned long limit)
{
    char path[96];
    (void)snprintf(path, sizeof path, "faults.%s.%s", command, name);
    int fd = openat(dir, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    off_t number = sim_write_all(fd, "x", 1) == 0 ? lseek(fd, 0, SEEK_CUR) : 0;
    (void)close(fd);
    return number > 0 && (unsigned long)number <= limit;
}

/* One fault; *why stays NULL when it is well formed. */
static void parse_one(struct misbehave *m, int dir, char *text, const char *command,
                      const char **why)
{
    unsigned long limit = 0;
    char *count = cut(text, '#');
    char *when = cut(text, '@');
    char *colon = strchr(text, ':');
    if (colon == NULL || (when != NULL && strcmp(when, "after") != 0) ||
        (count != NULL && sim_number(count, NUMBER_MAX, &limit) < 0)) {
        *why = "a fault is command:name[=value][@after][#count]";
        return;
    }
    *colon = 0;
    char *value = cut(colon + 1, '=');
    int kind = find_kind(colon + 1);
    bool is_any = strcmp(text, "any") == 0;
    if (kind < 0 || !is_command(text)) {
        *why = kind < 0 ? "unknown fault" : "unknown command in a fault";
        return;
    }
    enum fits fits = is_any ? FITS_ALL : fits_of(text);
    if ((KINDS[kind].fits & fits) == 0 || !value_fits(KINDS[kind].value, value, fits) ||
        (when != NULL && kind > SLOW)) {
        *why = "a fault's value does not fit, or the fault does not fit its command";
        return;
    }
    bool applies = (is_any || strcmp(text, command) == 0) &&
                   (KINDS[kind].fits & fits_of(command)) != 0 &&
                   value_fits(KINDS[kind].value, value, fits_of(command));
    if (!applies || (count != NULL && !within_count(dir, text, KINDS[kind].name, limit))) {
        return;
    }
    if (m->count == MISBEHAVE_MAX) {
        *why = "too many faults";
        return;
    }
    m->list[m->count++] =
        (struct misbehaviour){.kind = kind, .after = when != NULL, .value = value};
    m->spoils_answer = m->spoils_answer || KINDS[kind].spoils;
}

int misbehave_parse(struct misbehave *m, int dir, char *text, const char *command, const char **why)
{
    *why = NULL;
    char *rest = text;
    while (rest != NULL && *why == NULL) {
        char *one = strsep(&rest, ",");
        parse_one(m, dir, one, command, why);
    }
    return *why == NULL ? 0 : -1;
}

/* ---- doing it ---- */

static unsigned long number_of(const struct misbehaviour *b, unsigned long otherwise)
{
    unsigned long number = otherwise;
    if (b->value != NULL) {
        (void)sim_number(b->value, NUMBER_MAX, &number);
    }
    return number;
}

static void sleep_for_ever(void)
{
    for (;;) {
        (void)pause();
    }
}

static void die(int signal_number)
{
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number);
    sleep_for_ever(); /* the signal was one that does not kill */
}

int misbehave_act(const struct misbehave *m, bool after)
{
    for (size_t i = 0; i < m->count; i++) {
        const struct misbehaviour *b = &m->list[i];
        if (b->kind == LOST_ANSWER && after) {
            die(SIGKILL);
        }
        if (b->kind > SLOW || b->after != after) {
            continue;
        }
        switch (b->kind) {
        case EXIT:
            (void)fprintf(stderr, "factory_tool: refused by a fault switch\n");
            return (int)(number_of(b, 1) & 0xFF);
        case KILL:
            die((int)number_of(b, SIGKILL));
            break;
        case HANG_TERM:
            (void)signal(SIGTERM, SIG_IGN);
            sleep_for_ever();
            break;
        case HANG:
            sleep_for_ever();
            break;
        default:
            sim_sleep_ms(number_of(b, 0));
            break;
        }
    }
    return -1;
}

/* ---- printing ---- */

static const struct misbehaviour *find(const struct misbehave *m, enum kind kind)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->list[i].kind == (int)kind) {
            return &m->list[i];
        }
    }
    return NULL;
}

static bool names_key(const struct misbehave *m, enum kind kind, const char *key)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->list[i].kind == (int)kind && strcmp(m->list[i].value, key) == 0) {
            return true;
        }
    }
    return false;
}

static void add_extra(const struct misbehave *m, struct sim_bytes *out)
{
    if (find(m, EXTRA_LINES) != NULL) {
        sim_bytes_text(out,
                       "factory_tool (simulator) notes what nobody asked for\nENROLLMENT none\n\n");
    }
    if (find(m, OVERSIZE) != NULL) {
        while (out->len <= CAP) {
            sim_bytes_text(out, "NOTE filler filler filler filler filler filler filler filler..\n");
        }
    }
}

static void add_line(const struct misbehave *m, const char *key, const char *value,
                     struct sim_bytes *out)
{
    const char *end = find(m, CRLF) != NULL ? "\r\n" : find(m, ONE_LINE) != NULL ? " " : "\n";
    int times = names_key(m, MISSING, key) ? 0 : names_key(m, REPEATED, key) ? 2 : 1;
    for (int i = 0; i < times; i++) {
        if (find(m, LEADING_BLANKS) != NULL) {
            sim_bytes_text(out, " \t  ");
        }
        sim_bytes_text(out, key);
        sim_bytes_byte(out, ' ');
        sim_bytes_text(out, value);
        sim_bytes_text(out, end);
    }
}

/* The hex value, spoiled. The result ends with NUL. */
static void spoil_hex(const struct misbehave *m, struct sim_bytes *hex)
{
    if (find(m, ODD_HEX) != NULL) {
        hex->len--;
    }
    if (find(m, BAD_HEX) != NULL) {
        hex->data[hex->len / 2] = 'x';
    }
    if (find(m, EMPTY_VALUE) != NULL) {
        hex->len = 0;
    }
    for (size_t i = 0; i < hex->len && find(m, UPPER) != NULL; i++) {
        if (hex->data[i] >= 'a' && hex->data[i] <= 'f') {
            hex->data[i] = (uint8_t)(hex->data[i] - 'a' + 'A');
        }
    }
    sim_bytes_byte(hex, 0);
}

static void add_payload(const struct misbehave *m, const struct service_answer *answer,
                        struct sim_bytes *out)
{
    char number[32];
    const char *scp = number;
    (void)snprintf(number, sizeof number, "%u", answer->scp);
    if (find(m, SCP_NEGATIVE) != NULL) {
        scp = "-1";
    } else if (find(m, SCP_OVER) != NULL) {
        scp = "4294967296";
    } else if (find(m, SCP_WORD) != NULL) {
        scp = "many";
    }
    struct sim_bytes hex = {0};
    sim_bytes_hex(&hex, answer->payload.data, answer->payload.len);
    spoil_hex(m, &hex);
    if (find(m, SWAPPED) != NULL) {
        add_line(m, "PAYLOAD", (const char *)hex.data, out);
        add_line(m, "SCP", scp, out);
    } else {
        add_line(m, "SCP", scp, out);
        add_line(m, "PAYLOAD", (const char *)hex.data, out);
    }
    sim_bytes_free(&hex);
}

static void add_fingerprint(const struct misbehave *m, const struct service_answer *answer,
                            struct sim_bytes *out)
{
    struct sim_bytes hex = {0};
    sim_bytes_text(&hex, answer->fingerprint);
    spoil_hex(m, &hex);
    add_line(m, "FINGERPRINT", (const char *)hex.data, out);
    sim_bytes_free(&hex);
}

static void chatter(unsigned long lines)
{
    struct sim_bytes text = {0};
    for (unsigned long i = 0; i < lines; i++) {
        sim_bytes_text(&text, "factory_tool: debug: the simulator talks on its error output\n");
    }
    (void)sim_write_all(STDERR_FILENO, text.data, text.len);
    sim_bytes_free(&text);
}

/* A child that holds both outputs open for a while after the tool has gone. */
static void leave_helper(unsigned long seconds)
{
    if (fork() == 0) {
        sim_sleep_ms(seconds * 1000);
        _exit(0);
    }
}

int misbehave_print(const struct misbehave *m, const struct service_answer *answer)
{
    struct sim_bytes out = {0};
    const struct misbehaviour *talk = find(m, CHATTER);
    const struct misbehaviour *helper = find(m, HELPER);
    if (talk != NULL) {
        chatter(number_of(talk, CHATTER_LINES));
    }
    add_extra(m, &out);
    if (find(m, EMPTY) == NULL && answer->payload.len > 0) {
        add_payload(m, answer, &out);
    } else if (find(m, EMPTY) == NULL && answer->fingerprint[0] != 0) {
        add_fingerprint(m, answer, &out);
    }
    if (find(m, NUL) != NULL && out.len > 3) {
        out.data[out.len - 3] = 0; /* in the middle of the last value's last byte */
    }
    if (helper != NULL) {
        leave_helper(number_of(helper, HELPER_SECONDS));
    }
    int result = sim_write_all(STDOUT_FILENO, out.data, out.len);
    sim_bytes_free(&out);
    return result;
}
