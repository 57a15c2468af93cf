/* One direction of a USB wire: an endpoint, and transfers in a ring that are on their way.
 *
 * Reading: all transfers are sent off at once, a packet each, so that a short answer is never held
 * back. What they bring is handed out in the order in which they were sent off, and only then they
 * are sent off again: when nobody reads, the device has to wait. Writing: each transfer takes a
 * piece of what is written. When none is free the writer has to wait.
 *
 * After a stall, or babble, the other transfers of the pipe are taken back, the failure is told
 * once, and the next use of the pipe clears the halt. A transfer that ends with a bus error, or
 * because the device is gone, is the end of the wire: nothing tells the two apart in time.
 */
#ifndef JIG_TRANSPORTS_USB_PIPE_H
#define JIG_TRANSPORTS_USB_PIPE_H

#include "transports/usb_find.h"
#include "transports/usb_library.h"

enum {
    JIG_USB_READS = 8,          /* transfers on their way to the reader */
    JIG_USB_WRITES = 4,         /* ... and from the writer, */
    JIG_USB_WRITE_SIZE = 16384, /* of so many bytes at most */
};

struct jig_usb_pipe;

struct jig_usb_slot {
    struct jig_usb_pipe *pipe;
    struct libusb_transfer *transfer;
    uint8_t *bytes;
    size_t length, taken; /* of a transfer that has ended */
    enum { JIG_USB_IDLE, JIG_USB_FLYING, JIG_USB_ENDED } state;
    enum libusb_transfer_status status;
};

struct jig_usb_pipe {
    struct jig_usb_link *link;
    struct jig_usb_endpoint endpoint; /* its address is 0 when there is none */
    struct jig_usb_slot slots[JIG_USB_READS];
    size_t size; /* bytes of a slot */
    unsigned n, head, used;
    unsigned flying;
    bool halted;
    enum libusb_transfer_status failure; /* of a write that has ended, not told yet */
};

/* Makes the transfers for an endpoint. 0, or JIG_ENOMEM; to be released either way. */
int jig_usb_pipe_make(struct jig_usb_pipe *pipe, struct jig_usb_link *link,
                      const struct jig_usb_endpoint *endpoint, struct jig_error *err);

/* Asks for all that is flying; it comes back as libusb handles events. */
void jig_usb_pipe_cancel(struct jig_usb_pipe *pipe);

/* Frees what is not flying. */
void jig_usb_pipe_release(struct jig_usb_pipe *pipe);

/* Sends off all transfers of the reader that are not used, after clearing a halt; where the kernel
 * has memory for some of them only, these are enough. 0, JIG_AGAIN while some are still coming
 * back, or a failure. */
int jig_usb_pipe_refill(struct jig_usb_pipe *in, struct jig_error *err);

/* As a transport's members of these names, for a device that is there. `zlp`: a packet of zero
 * bytes follows when these bytes are the last ones and fill their packets. */
int jig_usb_pipe_read(struct jig_usb_pipe *in, void *bytes, size_t n, struct jig_error *err);
int jig_usb_pipe_write(struct jig_usb_pipe *out, const void *bytes, size_t n, bool zlp,
                       struct jig_error *err);

/* A write that failed after it was accepted: told once, to who asks first. */
int jig_usb_pipe_check(struct jig_usb_pipe *out, struct jig_error *err);

bool jig_usb_pipe_readable(const struct jig_usb_pipe *in);
bool jig_usb_pipe_writable(const struct jig_usb_pipe *out);

#endif
