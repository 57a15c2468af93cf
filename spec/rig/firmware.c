/* What all products have: descriptors, the standard's control requests, and the pipe. See
 * firmware.h. */
#include "spec/rig/firmware.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { EVENT_PACKET = 8 };

/* Requests to endpoint 0: their type and number in one. */
enum {
    GET_STATUS = 0x8000,
    GET_DESCRIPTOR = 0x8006,
    GET_CONFIGURATION = 0x8008,
    SET_CONFIGURATION = 0x0009,
    SET_INTERFACE = 0x010B,
};

int firmware_answer(uint8_t *to, size_t room, const uint8_t *bytes, size_t n)
{
    n = n < room ? n : room;
    memcpy(to, bytes, n);
    return (int)n;
}

/* ---- descriptors ---- */

static int device_descriptor(const struct firmware *f, uint8_t *to, size_t room)
{
    const struct product *p = f->product;
    unsigned pid = p->pid(f);
    const uint8_t bytes[18] = {18,
                               1,
                               0x00,
                               0x02,
                               0,
                               0,
                               0,
                               64,
                               (uint8_t)p->vid,
                               (uint8_t)(p->vid >> 8),
                               (uint8_t)pid,
                               (uint8_t)(pid >> 8),
                               (uint8_t)p->release,
                               (uint8_t)(p->release >> 8),
                               1,
                               2,
                               3,
                               1};
    return firmware_answer(to, room, bytes, sizeof bytes);
}

static size_t add_interface(uint8_t *to, unsigned number, unsigned endpoints)
{
    const uint8_t bytes[9] = {9, 4, (uint8_t)number, 0, (uint8_t)endpoints, 0xff, 0, 0, 0};
    memcpy(to, bytes, sizeof bytes);
    return sizeof bytes;
}

static size_t add_endpoint(uint8_t *to, unsigned address, unsigned type, unsigned size)
{
    const uint8_t bytes[7] = {7,
                              5,
                              (uint8_t)address,
                              (uint8_t)type,
                              (uint8_t)size,
                              (uint8_t)(size >> 8),
                              type == 3 ? 4 : 0};
    memcpy(to, bytes, sizeof bytes);
    return sizeof bytes;
}

static int configuration(const struct firmware *f, uint8_t *to, size_t room)
{
    const struct product *p = f->product;
    bool events = p->has_events(f);
    uint8_t bytes[64] = {9, 2, 0, 0, events ? 2 : 1, 1, 0, 0x80, 50};
    size_t n = 9;
    n += add_interface(bytes + n, 0, 2);
    n += add_endpoint(bytes + n, p->out, 2, p->packet);
    n += add_endpoint(bytes + n, p->in, 2, p->packet);
    if (events) {
        n += add_interface(bytes + n, 1, 1);
        n += add_endpoint(bytes + n, p->event, 3, EVENT_PACKET);
    }
    bytes[2] = (uint8_t)n;
    return firmware_answer(to, room, bytes, n);
}

static int string(const struct firmware *f, unsigned number, uint8_t *to, size_t room)
{
    const char *const texts[] = {"", "jig", f->product->title(f), f->serial};
    uint8_t bytes[256] = {4, 3, 0x09, 0x04};
    if (number >= sizeof texts / sizeof *texts)
        return -EPIPE;
    for (size_t i = 0; i < strlen(texts[number]) && i < 126; i++) {
        bytes[2 + 2 * i] = (uint8_t)texts[number][i];
        bytes[3 + 2 * i] = 0;
        bytes[0] = (uint8_t)(4 + 2 * i);
    }
    return firmware_answer(to, room, bytes, bytes[0]);
}

static int descriptor(const struct firmware *f, const uint8_t setup[8], uint8_t *to, size_t room)
{
    switch (setup[3]) {
    case 1:
        return device_descriptor(f, to, room);
    case 2:
        return configuration(f, to, room);
    case 3:
        return string(f, setup[2], to, room);
    default:
        return -EPIPE;
    }
}

static int control(void *data, const uint8_t setup[8], uint8_t *bytes, size_t n)
{
    struct firmware *f = data;
    switch (setup[0] << 8 | setup[1]) {
    case GET_DESCRIPTOR:
        return descriptor(f, setup, bytes, n);
    case GET_STATUS:
        return firmware_answer(bytes, n, (const uint8_t[]){0, 0}, 2);
    case GET_CONFIGURATION:
        return firmware_answer(bytes, n, (const uint8_t[]){1}, 1);
    case SET_CONFIGURATION:
        f->configured = setup[2] != 0;
        return 0;
    case SET_INTERFACE:
        return 0;
    default:
        return f->product->control(f, setup, bytes, n);
    }
}

static void take(void *data, unsigned endpoint, const uint8_t *bytes, size_t n)
{
    struct firmware *f = data;
    (void)endpoint;
    f->product->hear(f, bytes, n);
}

double firmware_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void firmware_tell(const struct firmware *f, const uint8_t *bytes, size_t n)
{
    while (f->program >= 0 && n) {
        ssize_t sent = send(f->program, bytes, n, MSG_NOSIGNAL);
        if (sent < 0)
            return; /* it has ended: the device is silent from now on */
        bytes += sent;
        n -= (size_t)sent;
    }
}

void firmware_begin(struct firmware *f, const struct product *product, struct bus *bus)
{
    f->product = product;
    f->bus = bus;
    f->program = -1;
    bus->data = f;
    bus->control = control;
    bus->take = take;
    bus_endpoint(bus, product->in)->packet = product->packet;
    bus_endpoint(bus, product->event)->packet = EVENT_PACKET;
}

void firmware_boot(struct firmware *f)
{
    f->mode = f->next_mode;
    f->n_heard = f->n_said = f->n_stored = 0;
    f->messages = 0;
    f->configured = false;
    f->full_until = f->busy_until = 0;
}

/* ---- the pipe ---- */

static uint16_t pipe_pid(const struct firmware *f)
{
    (void)f;
    return 0x0001;
}

static const char *pipe_title(const struct firmware *f)
{
    (void)f;
    return "pipe";
}

static bool yes(const struct firmware *f)
{
    (void)f;
    return true;
}

/* 42 asks for four letters, 43 stores up to 64 bytes and gives them back; what else is asked is
 * refused. */
static int pipe_control(struct firmware *f, const uint8_t setup[8], uint8_t *bytes, size_t n)
{
    switch (setup[0] << 8 | setup[1]) {
    case 0xC042:
        return firmware_answer(bytes, n, (const uint8_t *)"JIG1", 4);
    case 0xC043:
        return firmware_answer(bytes, n, f->stored, f->n_stored);
    case 0x4043:
        f->n_stored = n < sizeof f->stored ? n : sizeof f->stored;
        memcpy(f->stored, bytes, f->n_stored);
        return 0;
    default:
        return -EPIPE;
    }
}

void firmware_say(struct firmware *f, const uint8_t *bytes, size_t n)
{
    bus_send(f->bus, f->product->in, bytes, n);
}

static void pipe_hear(struct firmware *f, const uint8_t *bytes, size_t n)
{
    if (f->program >= 0)
        firmware_tell(f, bytes, n);
    else
        firmware_say(f, bytes, n);
}

const struct product product_pipe = {
    .name = "pipe",
    .vid = 0x1209,
    .release = 0x0100,
    .speed = USBIP_HIGH,
    .packet = 512,
    .out = 0x02,
    .in = 0x83,
    .event = 0x84,
    .pid = pipe_pid,
    .title = pipe_title,
    .has_events = yes,
    .has_program = yes,
    .control = pipe_control,
    .hear = pipe_hear,
    .answer = firmware_say,
};
