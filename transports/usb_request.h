/* The control request of a USB device that is under way: one at a time. */
#ifndef JIG_TRANSPORTS_USB_REQUEST_H
#define JIG_TRANSPORTS_USB_REQUEST_H

#include "core/port.h"
#include "transports/usb_library.h"

/* One that was given up is still ours until libusb gives it back. */
struct jig_usb_request {
    struct jig_usb_link *link;
    struct libusb_transfer *transfer;
    uint8_t *bytes; /* the eight of the request, then its data */
    enum { JIG_USB_NONE, JIG_USB_UNDER_WAY, JIG_USB_GIVEN_UP, JIG_USB_ANSWERED } state;
};

/* As the transport's `control`, for a device that is there. */
int jig_usb_request_ask(struct jig_usb_request *request, const struct jig_control *control,
                        struct jig_error *err);

void jig_usb_request_give_up(struct jig_usb_request *request);
bool jig_usb_request_is_flying(const struct jig_usb_request *request);
void jig_usb_request_release(struct jig_usb_request *request); /* unless it is flying */

#endif
