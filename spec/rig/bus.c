/* See bus.h. */
#include "spec/rig/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CLEAR_FEATURE = 1, TO_ENDPOINT = 0x02, IS_STANDARD_MASK = 0x60 };

static void *must(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

struct bus_endpoint *bus_endpoint(struct bus *bus, unsigned address)
{
    unsigned number = address & (BUS_ENDPOINTS - 1);
    return address & USBIP_IN ? &bus->in[number] : &bus->out[number];
}

/* ---- requests that wait ---- */

static void enqueue(struct bus_endpoint *e, const struct usbip_request *request)
{
    struct bus_pending *p = must(calloc(1, sizeof *p)), **end = &e->pending;
    p->number = request->number;
    p->length = request->length;
    if (!(request->endpoint & USBIP_IN)) {
        p->data = must(malloc(request->length + 1));
        memcpy(p->data, request->data, request->length);
    }
    while (*end)
        end = &(*end)->next;
    *end = p;
}

static void drop_pending(struct bus_pending **at)
{
    struct bus_pending *p = *at;
    *at = p->next;
    free(p->data);
    free(p);
}

static void drop_packet(struct bus_endpoint *e)
{
    struct bus_packet *p = e->packets;
    e->packets = p->next;
    e->waiting -= p->length;
    free(p);
}

static void forget(struct bus_endpoint *e)
{
    while (e->pending)
        drop_pending(&e->pending);
    while (e->packets)
        drop_packet(e);
    e->halted = e->waits = false;
}

static bool take_back(struct bus_endpoint *e, uint32_t number)
{
    for (struct bus_pending **at = &e->pending; *at; at = &(*at)->next) {
        if ((*at)->number == number) {
            drop_pending(at);
            return true;
        }
    }
    return false;
}

/* ---- what goes wrong ---- */

/* Ends the first request as it was told to; false when nothing was. */
static bool strike(struct bus *bus, struct bus_endpoint *e)
{
    if (!e->strikes && !e->halted)
        return false;
    int status = e->halted ? -EPIPE : e->strikes;
    e->halted = status == -EPIPE;
    e->strikes = 0;
    usbip_answer(bus->fd, e->pending->number, status, NULL, 0);
    drop_pending(&e->pending);
    return true;
}

bool bus_is_cut(const struct bus *bus)
{
    return bus->received >= bus->cut_received || bus->sent >= bus->cut_sent;
}

/* ---- bytes ---- */

/* Fills a request until it is full or a packet is short, as a controller does. */
static size_t fill(struct bus_endpoint *e, uint8_t *bytes, size_t room)
{
    size_t used = 0;
    bool ends = false;
    while (!ends && e->packets && used + e->packets->length <= room) {
        memcpy(bytes + used, e->packets->bytes, e->packets->length);
        used += e->packets->length;
        ends = e->packets->length < e->packet || used == room;
        drop_packet(e);
    }
    return used;
}

static void serve_in(struct bus *bus, struct bus_endpoint *e)
{
    static uint8_t bytes[USBIP_MOST];
    while (e->pending && !e->hangs && !e->waits && !bus_is_cut(bus)) {
        if (strike(bus, e))
            continue;
        if (!e->packets)
            return;
        if (e->packets->length > e->pending->length) { /* babble */
            drop_packet(e);
            e->strikes = -EOVERFLOW;
            continue;
        }
        size_t n = fill(e, bytes, e->pending->length);
        bus->sent += n;
        usbip_answer(bus->fd, e->pending->number, 0, bytes, n);
        drop_pending(&e->pending);
    }
}

static void serve_out(struct bus *bus, unsigned number)
{
    struct bus_endpoint *e = &bus->out[number];
    while (e->pending && !e->hangs && !e->waits && !bus_is_cut(bus)) {
        if (strike(bus, e))
            continue;
        bus->received += e->pending->length;
        usbip_answer(bus->fd, e->pending->number, 0, NULL, e->pending->length);
        bus->take(bus->data, number, e->pending->data, e->pending->length);
        drop_pending(&e->pending);
    }
}

void bus_resume(struct bus *bus)
{
    for (unsigned i = 1; i < BUS_ENDPOINTS && bus->fd >= 0; i++) {
        serve_out(bus, i);
        serve_in(bus, &bus->in[i]);
    }
}

void bus_send(struct bus *bus, unsigned endpoint, const uint8_t *bytes, size_t n)
{
    struct bus_endpoint *e = bus_endpoint(bus, endpoint);
    struct bus_packet **end = &e->packets;
    while (*end)
        end = &(*end)->next;
    do {
        struct bus_packet *p = must(calloc(1, sizeof *p));
        p->length = n < e->packet ? n : e->packet;
        memcpy(p->bytes, bytes, p->length);
        bytes += p->length;
        n -= p->length;
        e->waiting += p->length;
        *end = p;
        end = &p->next;
    } while (n);
    serve_in(bus, e);
}

/* ---- requests ---- */

static bool clears_halt(struct bus *bus, const uint8_t setup[8])
{
    if (setup[0] != TO_ENDPOINT || setup[1] != CLEAR_FEATURE || setup[2] || setup[3])
        return false;
    bus_endpoint(bus, setup[4])->halted = false;
    return true;
}

/* A device that hangs at endpoint 0 answers no control request, but those that the kernel needs to
 * know it. */
static void serve_control(struct bus *bus, const struct usbip_request *request)
{
    const uint8_t *setup = request->setup;
    if (bus->out[0].hangs && setup[0] & IS_STANDARD_MASK) {
        enqueue(&bus->out[0], request);
        return;
    }
    int n = clears_halt(bus, setup)
                ? 0
                : bus->control(bus->data, setup, request->data, request->length);
    bool in = request->endpoint & USBIP_IN;
    size_t length = in ? (size_t)(n < 0 ? 0 : n) : request->length;
    usbip_answer(bus->fd, request->number, n < 0 ? n : 0, in ? request->data : NULL, length);
}

static void serve_unlink(struct bus *bus, const struct usbip_request *request)
{
    bool found = false;
    for (unsigned i = 0; i < BUS_ENDPOINTS && !found; i++)
        found =
            take_back(&bus->in[i], request->unlinks) || take_back(&bus->out[i], request->unlinks);
    usbip_unlinked(bus->fd, request->number, found);
}

bool bus_step(struct bus *bus)
{
    static uint8_t bytes[USBIP_MOST];
    struct usbip_request request = {.data = bytes};
    if (!usbip_read(bus->fd, &request))
        return false;
    unsigned number = request.endpoint & (BUS_ENDPOINTS - 1);
    if (request.command == USBIP_UNLINK) {
        serve_unlink(bus, &request);
    } else if (!number) {
        serve_control(bus, &request);
    } else {
        struct bus_endpoint *e = bus_endpoint(bus, request.endpoint);
        enqueue(e, &request);
        if (request.endpoint & USBIP_IN)
            serve_in(bus, e);
        else
            serve_out(bus, number);
    }
    return true;
}

void bus_begin(struct bus *bus, int fd)
{
    bus->fd = fd;
    bus->received = bus->sent = 0;
}

void bus_end(struct bus *bus)
{
    if (bus->fd >= 0)
        close(bus->fd);
    bus->fd = -1;
    for (unsigned i = 0; i < BUS_ENDPOINTS; i++) {
        forget(&bus->in[i]);
        forget(&bus->out[i]);
    }
}

unsigned bus_pending(const struct bus *bus)
{
    unsigned n = 0;
    for (unsigned i = 0; i < BUS_ENDPOINTS; i++) {
        for (const struct bus_pending *p = bus->in[i].pending; p; p = p->next)
            n++;
        for (const struct bus_pending *p = bus->out[i].pending; p; p = p->next)
            n++;
    }
    return n;
}
