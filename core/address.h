/* Addresses: the one line of text that selects a port.
 *
 *     serial:/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0?baud=921600
 *     usb:1209:0001?serial=A17        tcp:[::1]:7777        exec:my%20program --flag word
 *     fault:seed=7,loss=0.01:tcp:10.0.0.7:7777
 *
 * The grammar stands in address.c. Only its form is checked here: which schemes exist, how many
 * words one takes and which options it knows is the transports' business.
 */
#ifndef JIG_CORE_ADDRESS_H
#define JIG_CORE_ADDRESS_H

#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

enum {
    JIG_ADDRESS_CAP = 4096, /* bytes of a whole address */
    JIG_ADDRESS_WORDS = 64,
    JIG_ADDRESS_OPTIONS = 32,
    JIG_ADDRESS_HOST_CAP = 255, /* bytes of a host; a DNS name has 253 at most (RFC 1035, 3.1) */
};

struct jig_option {
    const char *key, *value;
};

/* All strings are decoded, hold no NUL but their last byte, and live until the release. The struct
 * may be moved by assignment; a zeroed one is empty and may be released. */
struct jig_address {
    char *text; /* what the strings point into */
    const char *scheme;
    const char *inner; /* of a fault address: the address it wraps, not decoded; else NULL */
    size_t n_words, n_options;
    char *words[JIG_ADDRESS_WORDS + 1]; /* ended by NULL, so it is an argument vector */
    struct jig_option options[JIG_ADDRESS_OPTIONS];
};

/* Reads the n bytes of `text`; fills *a, to be released. JIG_EINVALID with the position counted
 * from 1 and what is wrong there; JIG_ELIMIT over a cap; JIG_ENOMEM. *a is empty after a failure.
 * An address that a fault address wraps has been checked too. */
int jig_address_parse(struct jig_address *a, const char *text, size_t n, struct jig_error *err);
void jig_address_release(struct jig_address *a);

/* The value of an option, NULL if it is not there. */
const char *jig_address_option(const struct jig_address *a, const char *key);

/* An option that is a whole decimal number from `low` to `high`; *number is left alone if it is not
 * there. 0 or JIG_EINVALID. */
int jig_address_number(const struct jig_address *a, const char *key, int64_t low, int64_t high,
                       int64_t *number, struct jig_error *err);

/* 0 if every option is in the NULL-terminated list, else JIG_EINVALID with the first that is not.
 */
int jig_address_check_options(const struct jig_address *a, const char *const *known,
                              struct jig_error *err);

struct jig_endpoint {
    char host[JIG_ADDRESS_HOST_CAP + 1]; /* name or number, without brackets */
    uint16_t port;                       /* 1 to 65535 */
};

/* Reads an address whose only word is `host:port` or `[IPv6]:port`. 0 or JIG_EINVALID. */
int jig_address_endpoint(const struct jig_address *a, struct jig_endpoint *endpoint,
                         struct jig_error *err);

#endif
