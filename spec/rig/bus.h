/* What a device has on the bus: endpoints with the host's requests that wait at them, packets that
 * wait for the host, and what shall go wrong there. */
#ifndef RIG_BUS_H
#define RIG_BUS_H

#include "spec/rig/usbip.h"

enum { BUS_ENDPOINTS = 16, BUS_PACKET = 512 };

struct bus_pending { /* a request that is not answered */
    uint32_t number;
    uint32_t length;
    uint8_t *data; /* of OUT */
    struct bus_pending *next;
};

struct bus_packet {
    size_t length;
    struct bus_packet *next;
    uint8_t bytes[BUS_PACKET];
};

struct bus_endpoint {
    struct bus_pending *pending;
    struct bus_packet *packets;
    size_t waiting; /* bytes in packets */
    size_t packet;  /* bytes in one, at most; what `short` changes */
    bool hangs, halted;
    bool waits;  /* the device has no room at the moment */
    int strikes; /* a negated errno: how the next request ends; 0 = as it should */
};

struct bus {
    int fd; /* -1 = not plugged in */
    struct bus_endpoint in[BUS_ENDPOINTS], out[BUS_ENDPOINTS];
    uint64_t received, sent;         /* bytes of bulk endpoints since it was plugged in */
    uint64_t cut_received, cut_sent; /* unplugged once so many have passed; UINT64_MAX = never */
    /* Takes what the host sent to an endpoint. */
    void (*take)(void *data, unsigned endpoint, const uint8_t *bytes, size_t n);
    /* Answers a control request that is no standard one of an endpoint: the length of the answer,
     * or a negated errno. `bytes` is what came for OUT, and where the answer goes for IN. */
    int (*control)(void *data, const uint8_t setup[8], uint8_t *bytes, size_t n);
    void *data;
};

void bus_begin(struct bus *bus, int fd);

/* The device is out of the socket: all that waited is forgotten. What is set to go wrong stays. */
void bus_end(struct bus *bus);

/* Handles one request; false when the host has gone. */
bool bus_step(struct bus *bus);

/* Whether as many bytes have passed as it shall be unplugged after. */
bool bus_is_cut(const struct bus *bus);

/* Sends bytes to the host, in packets as large as the endpoint's are; none at all is a packet of
 * zero bytes. */
void bus_send(struct bus *bus, unsigned endpoint, const uint8_t *bytes, size_t n);

/* Goes on where it hung, or was waiting. */
void bus_resume(struct bus *bus);

/* The endpoint of an address, as 0x81. */
struct bus_endpoint *bus_endpoint(struct bus *bus, unsigned address);

/* Requests of the host that wait at all endpoints, and bytes that wait for the host. */
unsigned bus_pending(const struct bus *bus);

#endif
