/* What jig tells people while it works: lines for stderr, and the trace of traffic.
 *
 * No call here accepts payload bytes as text. Traffic goes in as bytes and comes out as length and
 * digest, unless `payload` was switched on explicitly (--trace=payload), which is the only way that
 * bytes of a message reach any output.
 */
#ifndef JIG_CORE_LOG_H
#define JIG_CORE_LOG_H

#include "core/loop.h"
#include <stdbool.h>
#include <stddef.h>

enum jig_log_level { JIG_LOG_ERROR, JIG_LOG_WARN, JIG_LOG_INFO, JIG_LOG_DEBUG, JIG_LOG_TRACE };

struct jig_log {
    enum jig_log_level level; /* lines above it are dropped before they are formatted */
    bool payload;             /* the trace shows bytes */
    int64_t start;            /* times are shown relative to this (loop clock, ns) */
    struct jig_loop *loop;
    void (*sink)(void *data, enum jig_log_level level, const char *line); /* NULL: dropped */
    void *data;
};

/* One line, without a newline; control characters in it are replaced by '?'. `log` may be NULL. */
void jig_log(const struct jig_log *log, enum jig_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Traffic at level JIG_LOG_TRACE: "  0.012 A > 48 bytes sha256:9f12961b". `where` names the slot or
 * port, direction is '>' (to the device) or '<'. */
void jig_log_traffic(const struct jig_log *log, const char *where, char direction,
                     const void *bytes, size_t n);

#endif
