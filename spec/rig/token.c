/* The token of examples/token: what its README says, in front of the simulator's `length` firmware.
 */
#include <errno.h>
#include <string.h>

#include "spec/rig/firmware.h"

enum {
    BOOT,
    PROVISIONING,
    CANNOT_PARSE = 0x0302,
    FRAME = 4096 + 2 + 2,
    HEAD = 5, /* of the simulator's answer: command, length, status */
};

static uint16_t pid(const struct firmware *f)
{
    return f->mode == BOOT ? 0x5740 : 0x5742;
}

static const char *title(const struct firmware *f)
{
    return f->mode == BOOT ? "token (boot)" : "token (provisioning)";
}

static bool provisions(const struct firmware *f)
{
    return f->mode == PROVISIONING;
}

static int control(struct firmware *f, const uint8_t setup[8], uint8_t *bytes, size_t n)
{
    size_t length = strlen(f->serial);
    switch (setup[0] << 8 | setup[1]) {
    case 0x4001:
        if (setup[2] > PROVISIONING || setup[3])
            return -EPIPE;
        f->next_mode = setup[2];
        return 0;
    case 0xC002:
        bytes[0] = (uint8_t)f->mode;
        bytes[1] = 1;
        memcpy(bytes + 2, f->serial, length);
        return (int)(n < 2 + length ? n : 2 + length);
    default:
        return -EPIPE;
    }
}

/* ---- frames ---- */

static unsigned crc16(const uint8_t *bytes, size_t n) /* CRC-16/IBM-3740 */
{
    unsigned crc = 0xFFFF;
    for (size_t i = 0; i < n; i++) {
        crc ^= (unsigned)bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xFFFF;
    }
    return crc;
}

static unsigned number(const uint8_t *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

static void put_number(uint8_t *bytes, unsigned value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

/* Undoes COBS in place; the length, or -1. */
static int unstuff(uint8_t *bytes, size_t n)
{
    size_t used = 0, at = 0;
    while (at < n) {
        size_t code = bytes[at++];
        if (at + code - 1 > n)
            return -1;
        memmove(bytes + used, bytes + at, code - 1);
        used += code - 1;
        at += code - 1;
        if (code < 255 && at < n)
            bytes[used++] = 0;
    }
    return (int)used;
}

static size_t stuff(const uint8_t *bytes, size_t n, uint8_t *out)
{
    size_t code = 0, used = 1;
    for (size_t i = 0; i < n; i++) {
        if (bytes[i])
            out[used++] = bytes[i];
        if (!bytes[i] || used - code == 255) {
            out[code] = (uint8_t)(used - code);
            code = used++;
        }
    }
    out[code] = (uint8_t)(used - code);
    out[used++] = 0;
    return used;
}

static void send_event(struct firmware *f, unsigned status)
{
    uint8_t event[4] = {0x53, (uint8_t)++f->messages};
    put_number(event + 2, status);
    bus_send(f->bus, f->product->event, event, sizeof event);
}

/* A frame that has arrived goes on to the simulator, whose header has a length. */
static void frame_arrived(struct firmware *f, uint8_t *bytes, size_t stuffed)
{
    static uint8_t message[FRAME + 4];
    int n = unstuff(bytes, stuffed);
    if (n < 4 || n > FRAME || crc16(bytes, (size_t)n)) {
        send_event(f, CANNOT_PARSE);
        return;
    }
    size_t payload = (size_t)n - 4;
    memcpy(message, bytes, 2);
    put_number(message + 2, (unsigned)payload);
    memcpy(message + 4, bytes + 2, payload);
    put_number(message + 4 + payload, crc16(message, 4 + payload));
    firmware_tell(f, message, 4 + payload + 2);
}

static void hear(struct firmware *f, const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n && f->mode == PROVISIONING; i++) {
        if (bytes[i] && f->n_heard < sizeof f->heard)
            f->heard[f->n_heard++] = bytes[i];
        if (!bytes[i] && f->n_heard) {
            frame_arrived(f, f->heard, f->n_heard);
            f->n_heard = 0;
        }
    }
}

/* The status of the simulator's `length` wire as the token has it. */
static unsigned translate(unsigned status)
{
    static const struct {
        unsigned from, to;
    } table[] = {{0x00, 0},      {0x01, 0x0101}, {0x02, 0x0102},
                 {0x11, 0x0201}, {0x12, 0x0202}, {0x21, 0x0301}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].from == status)
            return table[i].to;
    }
    return CANNOT_PARSE;
}

/* scp, payload and check of the simulator's answer: the event, then the frame. */
static void pass_on(struct firmware *f, const uint8_t *said, size_t payload)
{
    static uint8_t bytes[FRAME + 4], frame[2 * FRAME];
    unsigned status = translate(said[4]);
    send_event(f, status);
    if (status || payload > FRAME - 4)
        return;
    memcpy(bytes, said, 2);
    memcpy(bytes + 2, said + HEAD, payload);
    put_number(bytes + 2 + payload, crc16(bytes, 2 + payload));
    bus_send(f->bus, f->product->in, frame, stuff(bytes, 2 + payload + 2, frame));
}

static void answered(struct firmware *f, const uint8_t *bytes, size_t n)
{
    if (n > sizeof f->said - f->n_said)
        n = sizeof f->said - f->n_said;
    memcpy(f->said + f->n_said, bytes, n);
    f->n_said += n;
    while (f->n_said >= HEAD) {
        size_t payload = number(f->said + 2), whole = HEAD + payload + 2;
        if (f->n_said < whole)
            return;
        pass_on(f, f->said, payload);
        memmove(f->said, f->said + whole, f->n_said - whole);
        f->n_said -= whole;
    }
}

const struct product product_token = {
    .name = "token",
    .vid = 0x1209,
    .release = 0x0100,
    .speed = USBIP_HIGH,
    .packet = 512,
    .out = 0x01,
    .in = 0x81,
    .event = 0x82,
    .pid = pid,
    .title = title,
    .has_events = provisions,
    .has_program = provisions,
    .control = control,
    .hear = hear,
    .answer = answered,
};
