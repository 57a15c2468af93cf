/* The device ends of the framings. Written from their descriptions, apart from jig's own host ends.
 */
#include "wire.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

static const char *const NAMES[WIRE_KINDS] = {"length", "ftcd", "slip", "hdlc", "line", "raw"};

static const uint8_t TOKEN[8] = {'m', 'b', 'e', 'd', 'p', 'r', 'o', 'v'};

enum { LENGTH_HEADER = 4, LENGTH_CRC = 2, FTCD_LENGTH = 4, DIGEST_LEN = 32 };
enum { SLIP_END = 0xC0, SLIP_ESC = 0xDB, SLIP_ESC_END = 0xDC, SLIP_ESC_ESC = 0xDD };
enum { HDLC_FLAG = 0x7E, HDLC_ESC = 0x7D, HDLC_XOR = 0x20, HDLC_FCS = 2, HDLC_FCS_GOOD = 0xF0B8 };

/* The status numbers of ftcd that its receiver itself uses. */
enum { FTCD_NO_MEMORY = 3, FTCD_NO_SIZE = 4, FTCD_HASH_MISMATCH = 8 };

int wire_kind_from_name(const char *name, enum wire_kind *out)
{
    for (unsigned i = 0; i < WIRE_KINDS; i++) {
        if (strcmp(NAMES[i], name) == 0) {
            *out = (enum wire_kind)i;
            return 0;
        }
    }
    return -1;
}

bool wire_has_commands(enum wire_kind kind)
{
    return kind == WIRE_LENGTH || kind == WIRE_SLIP || kind == WIRE_HDLC;
}

bool wire_has_check(enum wire_kind kind)
{
    return kind == WIRE_LENGTH || kind == WIRE_FTCD || kind == WIRE_HDLC;
}

/* CRC-16/IBM-3740: polynomial 0x1021, start 0xFFFF, not reflected, no final exclusive-or. */
static uint16_t crc16(const uint8_t *data, size_t len)
{
    unsigned crc = 0xFFFF;
    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned)data[i] << 8;
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
        }
    }
    return (uint16_t)(crc & 0xFFFF);
}

/* RFC 1662 appendix C: the running FCS-16, before its final complement. */
static uint16_t fcs16(const uint8_t *data, size_t len)
{
    unsigned fcs = 0xFFFF;
    for (size_t i = 0; i < len; i++) {
        fcs ^= data[i];
        for (int bit = 0; bit < 8; bit++) {
            fcs = (fcs & 1) != 0 ? fcs >> 1 ^ 0x8408 : fcs >> 1;
        }
    }
    return (uint16_t)fcs;
}

static void digest(const uint8_t *data, size_t len, uint8_t out[DIGEST_LEN])
{
    (void)EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL);
}

static enum wire_event corrupt(struct wire *w, struct wire_request *out, uint32_t status)
{
    w->done = true;
    uint32_t command = w->kind == WIRE_LENGTH ? (uint32_t)sim_read_big(w->frame.data, 2) : 0;
    *out = (struct wire_request){.command = command, .status = status};
    return WIRE_CORRUPT;
}

static enum wire_event request(struct wire *w, struct wire_request *out, uint32_t command,
                               size_t from, size_t len)
{
    w->done = true;
    *out = (struct wire_request){.command = command, .payload = w->frame.data + from, .len = len};
    return WIRE_REQUEST;
}

static enum wire_event length_byte(struct wire *w, struct wire_request *out)
{
    if (w->frame.len < LENGTH_HEADER) {
        return WIRE_MORE;
    }
    const uint8_t *frame = w->frame.data;
    size_t len = (size_t)sim_read_big(frame + 2, 2);
    if (len > WIRE_MAX_PAYLOAD) {
        return corrupt(w, out, 0);
    }
    size_t end = LENGTH_HEADER + len;
    if (w->frame.len < end + LENGTH_CRC) {
        return WIRE_MORE;
    }
    if (sim_read_big(frame + end, LENGTH_CRC) != crc16(frame, end)) {
        return corrupt(w, out, 0);
    }
    return request(w, out, (uint32_t)sim_read_big(frame, 2), LENGTH_HEADER, len);
}

static uint64_t ftcd_read(const struct wire *w, const uint8_t *data)
{
    return w->big_endian ? sim_read_big(data, 4) : sim_read_little(data, 4);
}

static void ftcd_write(const struct wire *w, uint32_t value, struct sim_bytes *out)
{
    if (w->big_endian) {
        sim_bytes_big(out, value, 4);
    } else {
        sim_bytes_little(out, value, 4);
    }
}

/* Like the public example device this does not test a byte again that broke off a match:
 * "mmbedprov" is missed. */
static void ftcd_match(struct wire *w)
{
    uint8_t byte = w->frame.data[0];
    w->frame.len = 0;
    w->matched = byte == TOKEN[w->matched] ? w->matched + 1 : 0;
}

static enum wire_event ftcd_byte(struct wire *w, struct wire_request *out)
{
    if (w->matched < sizeof TOKEN) {
        ftcd_match(w);
        return WIRE_MORE;
    }
    if (w->frame.len < FTCD_LENGTH) {
        return WIRE_MORE;
    }
    uint64_t len = ftcd_read(w, w->frame.data);
    if (len == 0 || len > WIRE_MAX_PAYLOAD) {
        return corrupt(w, out, len == 0 ? FTCD_NO_SIZE : FTCD_NO_MEMORY);
    }
    size_t end = FTCD_LENGTH + (size_t)len;
    if (w->frame.len < end + DIGEST_LEN) {
        return WIRE_MORE;
    }
    uint8_t expected[DIGEST_LEN];
    digest(w->frame.data + FTCD_LENGTH, (size_t)len, expected);
    if (memcmp(expected, w->frame.data + end, DIGEST_LEN) != 0) {
        return corrupt(w, out, FTCD_HASH_MISMATCH);
    }
    return request(w, out, 0, FTCD_LENGTH, (size_t)len);
}

/* Both stuffed framings hand over here when a frame's end was seen. */
static enum wire_event stuffed_end(struct wire *w, struct wire_request *out, size_t check)
{
    if (w->frame.len == 0) {
        return WIRE_MORE; /* two delimiters in a row */
    }
    if (w->escaped || w->frame.len < check + 1 || w->frame.len > WIRE_MAX_PAYLOAD ||
        (check > 0 && fcs16(w->frame.data, w->frame.len) != HDLC_FCS_GOOD)) {
        w->escaped = false;
        return corrupt(w, out, 0);
    }
    return request(w, out, w->frame.data[0], 1, w->frame.len - 1 - check);
}

static enum wire_event slip_byte(struct wire *w, struct wire_request *out)
{
    uint8_t *last = &w->frame.data[w->frame.len - 1];
    if (*last == SLIP_END) {
        w->frame.len--;
        return stuffed_end(w, out, 0);
    }
    if (w->escaped) {
        *last = *last == SLIP_ESC_END ? SLIP_END : *last == SLIP_ESC_ESC ? SLIP_ESC : *last;
        w->escaped = false;
    } else if (*last == SLIP_ESC) {
        w->frame.len--;
        w->escaped = true;
    }
    return WIRE_MORE;
}

static enum wire_event hdlc_byte(struct wire *w, struct wire_request *out)
{
    uint8_t *last = &w->frame.data[w->frame.len - 1];
    if (*last == HDLC_FLAG) {
        w->frame.len--;
        return stuffed_end(w, out, HDLC_FCS);
    }
    if (w->escaped) {
        *last ^= HDLC_XOR;
        w->escaped = false;
    } else if (*last == HDLC_ESC) {
        w->frame.len--;
        w->escaped = true;
    }
    return WIRE_MORE;
}

static enum wire_event line_byte(struct wire *w, struct wire_request *out)
{
    if (w->frame.data[w->frame.len - 1] != '\n') {
        return WIRE_MORE;
    }
    w->frame.data[w->frame.len - 1] = 0;
    struct sim_bytes bytes = {0};
    int result = sim_hex_decode((const char *)w->frame.data, &bytes);
    w->frame.len = 0;
    sim_bytes_add(&w->frame, bytes.data, bytes.len);
    sim_bytes_free(&bytes);
    return result < 0 || w->frame.len == 0 ? corrupt(w, out, 0)
                                           : request(w, out, 0, 0, w->frame.len);
}

/* A byte was appended to the frame. */
static enum wire_event take(struct wire *w, struct wire_request *out)
{
    switch (w->kind) {
    case WIRE_LENGTH:
        return length_byte(w, out);
    case WIRE_FTCD:
        return ftcd_byte(w, out);
    case WIRE_SLIP:
        return slip_byte(w, out);
    case WIRE_HDLC:
        return hdlc_byte(w, out);
    case WIRE_LINE:
        return line_byte(w, out);
    default:
        return WIRE_MORE; /* raw ends by its gap */
    }
}

enum wire_event wire_next(struct wire *w, struct sim_bytes *input, struct wire_request *out)
{
    if (w->done) {
        wire_reset(w);
    }
    enum wire_event event = WIRE_MORE;
    size_t used = 0;
    while (event == WIRE_MORE && used < input->len) {
        /* A stuffed frame, a line or raw bytes without an end must not grow for ever; what is too
         * long stays too long. */
        if (w->frame.len > 3 * (size_t)WIRE_MAX_PAYLOAD) {
            w->frame.len--;
        }
        sim_bytes_byte(&w->frame, input->data[used]);
        used++;
        event = take(w, out);
    }
    sim_bytes_drop(input, used);
    return event;
}

enum wire_event wire_gap(struct wire *w, struct wire_request *out)
{
    if (w->kind != WIRE_RAW || w->done || w->frame.len == 0) {
        return WIRE_MORE;
    }
    return request(w, out, 0, 0, w->frame.len);
}

bool wire_is_inside(const struct wire *w)
{
    return !w->done && (w->frame.len > 0 || w->matched > 0);
}

static void answer_length(uint32_t command, uint32_t status, const uint8_t *payload, size_t len,
                          struct sim_bytes *out)
{
    size_t start = out->len;
    sim_bytes_big(out, command, 2);
    sim_bytes_big(out, len, 2);
    sim_bytes_byte(out, (uint8_t)status);
    sim_bytes_add(out, payload, len);
    sim_bytes_big(out, crc16(out->data + start, out->len - start), LENGTH_CRC);
}

static void answer_ftcd(const struct wire *w, uint32_t status, const uint8_t *payload, size_t len,
                        struct sim_bytes *out)
{
    uint8_t sum[DIGEST_LEN];
    sim_bytes_add(out, TOKEN, sizeof TOKEN);
    ftcd_write(w, status, out);
    if (status == 0) {
        digest(payload, len, sum);
        ftcd_write(w, (uint32_t)len, out);
        sim_bytes_add(out, payload, len);
        sim_bytes_add(out, sum, sizeof sum);
    }
}

static void answer_stuffed(enum wire_kind kind, uint32_t command, uint32_t status,
                           const uint8_t *payload, size_t len, struct sim_bytes *out)
{
    struct sim_bytes inner = {0};
    sim_bytes_byte(&inner, (uint8_t)(command | 0x80));
    sim_bytes_byte(&inner, (uint8_t)status);
    sim_bytes_add(&inner, payload, len);
    if (kind == WIRE_HDLC) {
        sim_bytes_little(&inner, fcs16(inner.data, inner.len) ^ 0xFFFFU, HDLC_FCS);
    }
    sim_bytes_byte(out, kind == WIRE_HDLC ? HDLC_FLAG : SLIP_END);
    for (size_t i = 0; i < inner.len; i++) {
        uint8_t byte = inner.data[i];
        if (kind == WIRE_HDLC && (byte == HDLC_FLAG || byte == HDLC_ESC)) {
            sim_bytes_byte(out, HDLC_ESC);
            byte ^= HDLC_XOR;
        } else if (kind == WIRE_SLIP && (byte == SLIP_END || byte == SLIP_ESC)) {
            sim_bytes_byte(out, SLIP_ESC);
            byte = byte == SLIP_END ? SLIP_ESC_END : SLIP_ESC_ESC;
        }
        sim_bytes_byte(out, byte);
    }
    sim_bytes_byte(out, kind == WIRE_HDLC ? HDLC_FLAG : SLIP_END);
    sim_bytes_free(&inner);
}

static void answer_line(uint32_t status, const uint8_t *payload, size_t len, struct sim_bytes *out)
{
    if (status == 0) {
        sim_bytes_text(out, "OK ");
        sim_bytes_hex(out, payload, len);
        sim_bytes_byte(out, '\n');
    } else {
        sim_bytes_format(out, "ERR %lu\n", (unsigned long)status);
    }
}

void wire_answer(const struct wire *w, uint32_t command, uint32_t status, const uint8_t *payload,
                 size_t len, struct sim_bytes *out)
{
    size_t given = status == 0 ? len : 0;
    switch (w->kind) {
    case WIRE_LENGTH:
        answer_length(command, status, payload, given, out);
        break;
    case WIRE_FTCD:
        answer_ftcd(w, status, payload, given, out);
        break;
    case WIRE_SLIP:
    case WIRE_HDLC:
        answer_stuffed(w->kind, command, status, payload, given, out);
        break;
    case WIRE_LINE:
        answer_line(status, payload, given, out);
        break;
    default:
        sim_bytes_add(out, payload, given);
        break;
    }
}

void wire_spoil_check(const struct wire *w, struct sim_bytes *answer)
{
    if (answer->len < 4) {
        return;
    }
    if (w->kind != WIRE_HDLC) {
        answer->data[answer->len - 1] ^= 1;
        return;
    }
    /* A bit of the command, which is never a delimiter: the check itself may be stuffed. */
    answer->data[1] ^= 1;
}

void wire_reset(struct wire *w)
{
    w->frame.len = 0;
    w->matched = 0;
    w->done = false;
    w->escaped = false;
}

void wire_free(struct wire *w)
{
    sim_bytes_free(&w->frame);
}
