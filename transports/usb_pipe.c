/* See usb_pipe.h. */
#include "transports/usb_pipe.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)JIG_USB_WRITES <= (int)JIG_USB_READS, "a pipe has room for that many slots");

static int fail_transfer(const struct jig_usb_pipe *pipe, enum libusb_transfer_status status,
                         struct jig_error *err)
{
    const char *name = pipe->link->name;
    unsigned address = pipe->endpoint.address;
    switch (status) {
    case LIBUSB_TRANSFER_STALL:
        return jig_fail(err, JIG_EREFUSED, "%s: the device stalled endpoint %02x", name, address);
    case LIBUSB_TRANSFER_OVERFLOW:
        return jig_fail(err, JIG_ELIMIT,
                        "%s: the device sent more than a packet of %zu bytes at endpoint %02x "
                        "(babble): they are lost",
                        name, pipe->size, address);
    default:
        return jig_fail(err, JIG_ESYSTEM, "%s: a transfer at endpoint %02x ended with status %d",
                        name, address, (int)status);
    }
}

/* ---- transfers ---- */

void jig_usb_pipe_cancel(struct jig_usb_pipe *pipe)
{
    for (unsigned i = 0; i < pipe->n; i++) {
        if (pipe->slots[i].state == JIG_USB_FLYING)
            pipe->link->usb.cancel_transfer(pipe->slots[i].transfer);
    }
}

/* What the end of a transfer means for the wire and for the pipe, whoever is told of it. */
static void judge(struct jig_usb_pipe *pipe, enum libusb_transfer_status status)
{
    jig_usb_lose_by(pipe->link, status);
    bool halts = status == LIBUSB_TRANSFER_STALL || status == LIBUSB_TRANSFER_OVERFLOW;
    if (halts && !pipe->halted) {
        pipe->halted = true;
        jig_usb_pipe_cancel(pipe);
    }
}

static bool is_bad(enum libusb_transfer_status status)
{
    return status != LIBUSB_TRANSFER_COMPLETED && status != LIBUSB_TRANSFER_CANCELLED;
}

/* A controller may end each transfer that is queued at a halted endpoint with a stall of its own
 * (xHCI does): the first has told it. */
static enum libusb_transfer_status first_of(const struct jig_usb_pipe *pipe,
                                            enum libusb_transfer_status status)
{
    return pipe->halted && status == LIBUSB_TRANSFER_STALL ? LIBUSB_TRANSFER_CANCELLED : status;
}

static void LIBUSB_CALL read_ended(struct libusb_transfer *transfer)
{
    struct jig_usb_slot *slot = transfer->user_data;
    slot->state = JIG_USB_ENDED;
    slot->status = first_of(slot->pipe, transfer->status);
    slot->length = (size_t)transfer->actual_length;
    slot->taken = 0;
    slot->pipe->flying--;
    judge(slot->pipe, transfer->status);
}

static void LIBUSB_CALL write_ended(struct libusb_transfer *transfer)
{
    struct jig_usb_slot *slot = transfer->user_data;
    struct jig_usb_pipe *pipe = slot->pipe;
    enum libusb_transfer_status status = first_of(pipe, transfer->status);
    slot->state = JIG_USB_IDLE;
    explicit_bzero(slot->bytes, (size_t)transfer->length);
    pipe->flying--;
    if (is_bad(status) && pipe->failure == LIBUSB_TRANSFER_COMPLETED)
        pipe->failure = status;
    judge(pipe, transfer->status);
}

static int submit(struct jig_usb_slot *slot, size_t n, uint8_t flags)
{
    struct jig_usb_pipe *pipe = slot->pipe;
    slot->transfer->length = (int)n;
    slot->transfer->flags = flags;
    int result = pipe->link->usb.submit_transfer(slot->transfer);
    if (result == 0) {
        slot->state = JIG_USB_FLYING;
        pipe->flying++;
    }
    return result;
}

/* Clears the halt that a stall has left. 0, JIG_AGAIN while transfers are still coming back. */
static int restart(struct jig_usb_pipe *pipe, struct jig_error *err)
{
    struct jig_usb_link *link = pipe->link;
    if (!pipe->halted)
        return JIG_OK;
    if (pipe->flying)
        return JIG_AGAIN;
    int result = link->usb.clear_halt(link->handle, pipe->endpoint.address);
    if (result < 0)
        return jig_usb_fail_call(link, result, "clear a halted endpoint", err);
    pipe->halted = false;
    return JIG_OK;
}

/* ---- reading ---- */

int jig_usb_pipe_refill(struct jig_usb_pipe *in, struct jig_error *err)
{
    int code = restart(in, err);
    if (code < 0)
        return code;
    while (in->used < in->n) {
        struct jig_usb_slot *slot = &in->slots[(in->head + in->used) % in->n];
        int result = submit(slot, in->size, 0);
        if (result < 0)
            return jig_usb_fail_call(in->link, result, "read", err);
        in->used++;
    }
    return JIG_OK;
}

static void retire(struct jig_usb_pipe *in)
{
    struct jig_usb_slot *slot = &in->slots[in->head];
    explicit_bzero(slot->bytes, slot->length);
    slot->state = JIG_USB_IDLE;
    in->head = (in->head + 1) % in->n;
    in->used--;
}

static size_t hand_out(struct jig_usb_slot *slot, void *bytes, size_t n)
{
    size_t left = slot->length - slot->taken;
    n = n < left ? n : left;
    memcpy(bytes, slot->bytes + slot->taken, n);
    slot->taken += n;
    return n;
}

/* What has ended, in order: bytes, a failure, or JIG_AGAIN when there is no more. */
static int take(struct jig_usb_pipe *in, void *bytes, size_t n, struct jig_error *err)
{
    while (in->used && in->slots[in->head].state == JIG_USB_ENDED) {
        struct jig_usb_slot *slot = &in->slots[in->head];
        enum libusb_transfer_status status = slot->status;
        size_t got = hand_out(slot, bytes, n);
        if (got && slot->taken < slot->length)
            return (int)got;
        if (got && is_bad(status)) { /* its bytes first, its failure the next time */
            slot->length = slot->taken = 0;
            return (int)got;
        }
        retire(in);
        if (got)
            return (int)got;
        if (is_bad(status) && !in->link->gone)
            return fail_transfer(in, status, err);
    }
    return JIG_AGAIN;
}

int jig_usb_pipe_read(struct jig_usb_pipe *in, void *bytes, size_t n, struct jig_error *err)
{
    int got = take(in, bytes, n, err);
    if (got > 0 && !in->link->gone && !in->halted)
        jig_usb_pipe_refill(in, NULL); /* when that fails the next one says so */
    return got;
}

bool jig_usb_pipe_readable(const struct jig_usb_pipe *in)
{
    if (in->used)
        return in->slots[in->head].state == JIG_USB_ENDED;
    return !in->flying; /* nothing is on its way: reading sends it off */
}

/* ---- writing ---- */

static struct jig_usb_slot *free_slot(struct jig_usb_pipe *out)
{
    for (unsigned i = 0; i < out->n; i++) {
        if (out->slots[i].state == JIG_USB_IDLE)
            return &out->slots[i];
    }
    return NULL;
}

/* Only the last transfer of what is handed over may need a packet of zero bytes: the others are
 * whole packets and are not its end. */
static uint8_t flags_for(const struct jig_usb_pipe *out, size_t taken, size_t n, bool zlp)
{
    bool ends = taken == n && taken % out->endpoint.packet == 0;
    return zlp && ends ? LIBUSB_TRANSFER_ADD_ZERO_PACKET : 0;
}

int jig_usb_pipe_check(struct jig_usb_pipe *out, struct jig_error *err)
{
    enum libusb_transfer_status status = out->failure;
    out->failure = LIBUSB_TRANSFER_COMPLETED;
    return status == LIBUSB_TRANSFER_COMPLETED ? JIG_OK : fail_transfer(out, status, err);
}

int jig_usb_pipe_write(struct jig_usb_pipe *out, const void *bytes, size_t n, bool zlp,
                       struct jig_error *err)
{
    int code = restart(out, err);
    if (code < 0)
        return code;
    struct jig_usb_slot *slot = free_slot(out);
    if (!slot)
        return JIG_AGAIN;
    size_t taken = n < out->size ? n : out->size;
    memcpy(slot->bytes, bytes, taken);
    int result = submit(slot, taken, flags_for(out, taken, n, zlp));
    if (result < 0) {
        explicit_bzero(slot->bytes, taken);
        return jig_usb_fail_call(out->link, result, "write", err);
    }
    return (int)taken;
}

bool jig_usb_pipe_writable(const struct jig_usb_pipe *out)
{
    bool waits = out->halted && out->flying;
    return out->failure != LIBUSB_TRANSFER_COMPLETED || (!waits && out->flying < out->n);
}

/* ---- life ---- */

static int fill_pipe(struct jig_usb_pipe *pipe, const struct jig_usb_endpoint *endpoint,
                     libusb_transfer_cb_fn ended, struct jig_error *err)
{
    for (unsigned i = 0; i < pipe->n; i++) {
        struct jig_usb_slot *slot = &pipe->slots[i];
        slot->pipe = pipe;
        slot->bytes = calloc(1, pipe->size);
        slot->transfer = pipe->link->usb.alloc_transfer(0);
        if (!slot->bytes || !slot->transfer)
            return jig_fail(err, JIG_ENOMEM, "%s: no memory for transfers", pipe->link->name);
        libusb_fill_bulk_transfer(slot->transfer, pipe->link->handle, endpoint->address,
                                  slot->bytes, 0, ended, slot, 0);
        slot->transfer->type = endpoint->type;
    }
    return JIG_OK;
}

int jig_usb_pipe_make(struct jig_usb_pipe *pipe, struct jig_usb_link *link,
                      const struct jig_usb_endpoint *endpoint, struct jig_error *err)
{
    bool in = endpoint->address & LIBUSB_ENDPOINT_IN;
    pipe->link = link;
    pipe->endpoint = *endpoint;
    if (!endpoint->address)
        return JIG_OK;
    pipe->n = in ? JIG_USB_READS : JIG_USB_WRITES;
    pipe->size = endpoint->packet;
    if (!in && pipe->size < JIG_USB_WRITE_SIZE)
        pipe->size *= JIG_USB_WRITE_SIZE / pipe->size; /* whole packets */
    return fill_pipe(pipe, endpoint, in ? read_ended : write_ended, err);
}

void jig_usb_pipe_release(struct jig_usb_pipe *pipe)
{
    for (unsigned i = 0; i < pipe->n; i++) {
        struct jig_usb_slot *slot = &pipe->slots[i];
        if (slot->state == JIG_USB_FLYING)
            continue;
        if (slot->transfer)
            pipe->link->usb.free_transfer(slot->transfer);
        if (slot->bytes)
            explicit_bzero(slot->bytes, pipe->size);
        free(slot->bytes);
    }
}
