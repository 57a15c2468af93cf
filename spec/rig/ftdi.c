/* An FT232R: what the kernel's driver ftdi_sio asks of it. See firmware.h. */
#include <errno.h>
#include <string.h>

#include "spec/rig/firmware.h"

/* Requests, their type and number in one, and what their values mean. */
enum {
    RESET = 0x4000,
    SET_LINES = 0x4001, /* low byte: states; high byte: which of them are meant */
    SET_FLOW = 0x4002,
    SET_SPEED = 0x4003,
    SET_FORMAT = 0x4004,
    GET_LINES = 0xC005,
    SET_LATENCY = 0x4009,
    GET_LATENCY = 0xC00A,
    DTR = 0x01,
    MEANS_DTR = 0x01,
    BUFFER = 128,
    HEAD = 2, /* each packet to the host begins with the states of its lines */
};

/* CTS, DSR and carrier are there, and all that was sent has left. */
static const uint8_t states[HEAD] = {0xB1, 0x60};

static uint16_t pid(const struct firmware *f)
{
    (void)f;
    return 0x6001;
}

static const char *title(const struct firmware *f)
{
    (void)f;
    return "FT232R USB UART";
}

static bool no(const struct firmware *f)
{
    (void)f;
    return false;
}

static bool yes(const struct firmware *f)
{
    (void)f;
    return true;
}

static void set_lines(struct firmware *f, const uint8_t setup[8])
{
    if (setup[3] & MEANS_DTR)
        f->resets = !(setup[2] & DTR);
}

static int control(struct firmware *f, const uint8_t setup[8], uint8_t *bytes, size_t n)
{
    switch (setup[0] << 8 | setup[1]) {
    case RESET:
    case SET_FLOW:
    case SET_FORMAT:
        return 0;
    case SET_LINES:
        set_lines(f, setup);
        return 0;
    case SET_SPEED:
        f->divisor = (uint16_t)(setup[2] | setup[3] << 8);
        return 0;
    case SET_LATENCY:
        f->latency = setup[2];
        return 0;
    case GET_LATENCY:
        return firmware_answer(bytes, n, &f->latency, 1);
    case GET_LINES:
        return firmware_answer(bytes, n, states, sizeof states);
    default:
        return -EPIPE; /* its memory, for one */
    }
}

/* What comes over the line, each packet with its head. */
static void answered(struct firmware *f, const uint8_t *bytes, size_t n)
{
    uint8_t packet[BUS_PACKET];
    size_t most = bus_endpoint(f->bus, f->product->in)->packet - HEAD;
    for (size_t part; n; bytes += part, n -= part) {
        part = n < most ? n : most;
        memcpy(packet, states, HEAD);
        memcpy(packet + HEAD, bytes, part);
        firmware_say(f, packet, HEAD + part);
    }
}

/* Bytes a second of the line, ten bits each: the divisor of 3 MHz has eighths in its upper bits. */
static double line_speed(const struct firmware *f)
{
    static const double eighths[] = {0, 0.5, 0.25, 0.125};
    double divisor = (f->divisor & 0x3fff) + eighths[f->divisor >> 14];
    return divisor > 1 ? 3e6 / divisor / 10 : 3e5;
}

/* The next bytes are taken when the chip's buffer has room again. */
static void occupy_line(struct firmware *f, size_t n)
{
    double now = firmware_clock(), speed = line_speed(f);
    f->busy_until = (f->busy_until > now ? f->busy_until : now) + (double)n / speed;
    f->full_until = f->busy_until - BUFFER / speed;
    bus_endpoint(f->bus, f->product->out)->waits = true;
}

static void hear(struct firmware *f, const uint8_t *bytes, size_t n)
{
    occupy_line(f, n);
    if (f->program >= 0)
        firmware_tell(f, bytes, n);
    else if (!f->resets)
        answered(f, bytes, n);
}

const struct product product_ftdi = {
    .name = "ftdi",
    .vid = 0x0403,
    .release = 0x0600,
    .speed = USBIP_FULL,
    .packet = 64,
    .out = 0x02,
    .in = 0x81,
    .event = 0x83,
    .pid = pid,
    .title = title,
    .has_events = no,
    .has_program = yes,
    .control = control,
    .hear = hear,
    .answer = answered,
};
