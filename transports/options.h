/* Address options that several transports read the same way. */
#ifndef JIG_TRANSPORTS_OPTIONS_H
#define JIG_TRANSPORTS_OPTIONS_H

#include <stdbool.h>

#include "core/address.h"

/* An option that is one of a NULL-terminated list of words: *index is its place there, left alone
 * when the option is absent. 0, or JIG_EINVALID with the words that are possible. */
int jig_option_word(const struct jig_address *a, const char *key, const char *const *words,
                    int *index, struct jig_error *err);

/* An option that is a decimal fraction such as 0.05, from 0 to `high`; left alone when absent. */
int jig_option_fraction(const struct jig_address *a, const char *key, double high, double *value,
                        struct jig_error *err);

/* 1 to `digits` hex digits and nothing else; *number is left alone otherwise. */
bool jig_hex_number(const char *text, size_t digits, int *number);

/* An option that is such a number, as USB ids are wherever they are written; left alone when
 * absent. */
int jig_option_hex(const struct jig_address *a, const char *key, size_t digits, int *number,
                   struct jig_error *err);

/* Settings of an asynchronous line, with the options baud (115200), bits (8), parity (none, odd,
 * even, mark, space), stop (1) and flow (none, rtscts, xonxoff). */
enum jig_parity {
    JIG_PARITY_NONE,
    JIG_PARITY_ODD,
    JIG_PARITY_EVEN,
    JIG_PARITY_MARK,
    JIG_PARITY_SPACE
};
enum jig_flow { JIG_FLOW_NONE, JIG_FLOW_RTSCTS, JIG_FLOW_XONXOFF };

enum { JIG_BAUD_MAX = 20000000 }; /* above what any UART of today does */

struct jig_line {
    int64_t baud, bits, stop;
    int parity, flow; /* enum jig_parity, enum jig_flow */
};

#define JIG_LINE_OPTIONS "baud", "bits", "flow", "parity", "stop"

/* 0, or JIG_EINVALID. *line is complete after success. */
int jig_option_line(const struct jig_address *a, struct jig_line *line, struct jig_error *err);

#endif
