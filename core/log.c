/* See log.h. Lines are built on the stack and cut at its end: a log never fails and never waits. */
#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/digest.h"
#include "core/hex.h"

enum { LINE_SIZE = 1024, PAYLOAD_LINE = 64 };

static bool wants(const struct jig_log *log, enum jig_log_level level)
{
    return log && log->sink && level <= log->level;
}

/* What a device or a program printed must not move the cursor of the terminal it ends up on: C0
 * and DEL, and C1 in its UTF-8 form (0xC2 0x80..0x9F). */
static void neutralise(char *line)
{
    for (unsigned char *c = (unsigned char *)line; *c; c++) {
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
        else if (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
            c[0] = c[1] = '?';
    }
}

void jig_log(const struct jig_log *log, enum jig_log_level level, const char *format, ...)
{
    if (!wants(log, level))
        return;
    char line[LINE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    neutralise(line);
    log->sink(log->data, level, line);
}

/* The bytes themselves, PAYLOAD_LINE of them a line, under the line that counts them. */
static void show_payload(const struct jig_log *log, const uint8_t *bytes, size_t n)
{
    for (size_t at = 0; at < n; at += PAYLOAD_LINE) {
        char line[2 * PAYLOAD_LINE + 1];
        size_t part = n - at < PAYLOAD_LINE ? n - at : PAYLOAD_LINE;
        jig_hex_encode(line, bytes + at, part);
        line[2 * part] = '\0';
        jig_log(log, JIG_LOG_TRACE, "         %s", line);
    }
}

void jig_log_traffic(const struct jig_log *log, const char *where, char direction,
                     const void *bytes, size_t n)
{
    if (!wants(log, JIG_LOG_TRACE))
        return;
    char brief[JIG_DIGEST_BRIEF_SIZE];
    double seconds = (double)(jig_loop_now(log->loop) - log->start) / JIG_SECOND;
    jig_log(log, JIG_LOG_TRACE, "%7.3f %s %c %s", seconds, where, direction,
            jig_digest_brief(brief, sizeof brief, bytes, n));
    if (log->payload)
        show_payload(log, bytes, n);
}
