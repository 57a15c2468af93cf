/*
 * The device ends of six ways to put a message on a wire.
 *
 *   length   request  >I2 command, >I2 length, payload, >I2 crc
 *            answer   >I2 command, >I2 length, B status, payload, >I2 crc
 *            crc is CRC-16/IBM-3740 over all before it; length counts the payload only
 *
 *   ftcd     request  "mbedprov", I4 length, payload, SHA-256 of the payload
 *            answer   "mbedprov", I4 status; if that is 0: I4 length, payload, its SHA-256
 *            little-endian, or big-endian on request; as the vendor's public example device
 *
 *   slip     request  B command, payload
 *            answer   B command + 0x80, B status, payload
 *            in frames of RFC 1055
 *
 *   hdlc     the same in frames of RFC 1662: octet-stuffed, FCS-16, no address and control
 *
 *   line     request  hex digits, LF
 *            answer   "OK ", hex digits, LF or "ERR ", status in decimal, LF
 *
 *   raw      request  bytes, ended by a gap
 *            answer   bytes; a failure is answered by silence
 */
#ifndef SIM_WIRE_H
#define SIM_WIRE_H

#include "bytes.h"

enum wire_kind { WIRE_LENGTH, WIRE_FTCD, WIRE_SLIP, WIRE_HDLC, WIRE_LINE, WIRE_RAW, WIRE_KINDS };

enum wire_limits { WIRE_MAX_PAYLOAD = 8192, WIRE_RAW_GAP_MS = 20 };

struct wire {
    enum wire_kind kind;
    bool big_endian;        /* ftcd only */
    size_t matched;         /* ftcd: how much of the token was seen */
    struct sim_bytes frame; /* what was taken in of the current frame, or the whole request */
    bool done;              /* frame is a request that was handed out */
    bool escaped;           /* slip, hdlc */
};

enum wire_event {
    WIRE_MORE,    /* the input is used up */
    WIRE_REQUEST, /* a request; its payload is valid until the next call */
    WIRE_CORRUPT, /* a frame that the firmware answers with wire_corrupt_status, as far as this wire
                     can */
};

struct wire_request {
    uint32_t command; /* 0 where the wire carries none */
    const uint8_t *payload;
    size_t len;
    uint32_t status; /* WIRE_CORRUPT on ftcd: its own status number, else 0 */
};

int wire_kind_from_name(const char *name, enum wire_kind *out); /* 0 or -1 */
bool wire_has_commands(enum wire_kind kind);
/* Whether there is a check to spoil. */
bool wire_has_check(enum wire_kind kind);

/* Takes bytes off the front of `input` until there is something to tell. */
enum wire_event wire_next(struct wire *w, struct sim_bytes *input, struct wire_request *out);
/* The gap of WIRE_RAW_GAP_MS has passed: ends a request on raw. */
enum wire_event wire_gap(struct wire *w, struct wire_request *out);
/* True in the middle of a request. */
bool wire_is_inside(const struct wire *w);

/* Appends the answer; an answer with a status other than 0 has no payload. */
void wire_answer(const struct wire *w, uint32_t command, uint32_t status, const uint8_t *payload,
                 size_t len, struct sim_bytes *out);
/* Spoils the check of an answer that wire_answer made. */
void wire_spoil_check(const struct wire *w, struct sim_bytes *answer);

/* Forgets what was taken in. */
void wire_reset(struct wire *w);
void wire_free(struct wire *w);

#endif
