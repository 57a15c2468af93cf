/* The devices that the rig plugs in, as seen from the bus. Each has bulk endpoints and an interrupt
 * endpoint on a second interface. Behind them works a program, on a socket that is its standard
 * input: the simulator's `device`. */
#ifndef RIG_FIRMWARE_H
#define RIG_FIRMWARE_H

#include "spec/rig/bus.h"

struct firmware {
    const struct product *product;
    struct bus *bus;
    const char *serial;
    unsigned mode, next_mode; /* the token's; when they differ it leaves the bus and comes back */
    bool configured;          /* the host knows it */
    int program;              /* socket of what works behind the endpoints; -1 = there is none */
    uint8_t stored[64];       /* the pipe's, by a control request */
    size_t n_stored;
    uint8_t heard[8192], said[8192]; /* frames of the token that are not complete */
    size_t n_heard, n_said;
    unsigned messages;
    uint16_t divisor; /* the adapter's speed, as its driver says it */
    uint8_t latency;  /* the adapter's, in ms */
    /* When the adapter's line has carried all that it was given, and when it has room for more. */
    double busy_until, full_until;
    bool resets; /* the line that resets what is behind the adapter is low */
};

struct product {
    const char *name;
    uint16_t vid, release;
    unsigned speed;          /* as of usbip_plug */
    unsigned out, in, event; /* addresses of its endpoints */
    unsigned packet;         /* of the bulk endpoints */
    uint16_t (*pid)(const struct firmware *firmware);
    const char *(*title)(const struct firmware *firmware);
    bool (*has_events)(const struct firmware *firmware); /* whether its second interface is there */
    bool (*has_program)(const struct firmware *firmware);
    /* As bus->control, for requests that are not the standard's. */
    int (*control)(struct firmware *firmware, const uint8_t setup[8], uint8_t *bytes, size_t n);
    void (*hear)(struct firmware *firmware, const uint8_t *bytes, size_t n); /* from the host */
    /* From the program. */
    void (*answer)(struct firmware *firmware, const uint8_t *bytes, size_t n);
};

/* Bytes between the bulk endpoints 02 and 83 and the program; without one they come back. Events
 * are sent by hand. */
extern const struct product product_pipe;

/* The token of examples/token, whose README says what it is on the bus. Its program speaks the
 * simulator's `length`. */
extern const struct product product_token;

/* An adapter to a serial line, as the kernel's ftdi_sio knows them (FT232R), with the program at
 * its other end. DTR low resets the program; when it is high again it boots. */
extern const struct product product_ftdi;

/* Puts a product on a bus. */
void firmware_begin(struct firmware *firmware, const struct product *product, struct bus *bus);

/* It was switched on: what it held in memory is gone, but for the mode that it was sent to. */
void firmware_boot(struct firmware *firmware);

/* Seconds of CLOCK_MONOTONIC. */
double firmware_clock(void);

/* The answer to a control request: as many of these bytes as are asked for. */
int firmware_answer(uint8_t *to, size_t room, const uint8_t *bytes, size_t n);

/* Bytes for the host, or for the program. */
void firmware_say(struct firmware *firmware, const uint8_t *bytes, size_t n);
void firmware_tell(const struct firmware *firmware, const uint8_t *bytes, size_t n);

#endif
