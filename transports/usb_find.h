/* Which device an address means, and which of its interfaces and endpoints are the wire. Nothing is
 * opened here: all of it is known to the system when a device has been plugged in. */
#ifndef JIG_TRANSPORTS_USB_FIND_H
#define JIG_TRANSPORTS_USB_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/address.h"
#include "core/port.h"
#include "transports/usb_library.h"

#define JIG_USB_OPTIONS "alt", "interface", "path", "pid", "read", "serial", "vid", "write", "zlp"

/* What an address asks for; -1 and NULL where it says nothing. */
struct jig_usb_wish {
    int vid, pid;
    const char *serial, *path; /* "1-2.3": bus 1, port 2, port 3 of the hub there */
    int64_t interface, alt, zlp;
    int in, out; /* endpoint addresses: options read and write */
};

struct jig_usb_endpoint {
    uint8_t address; /* 0 = there is none */
    uint8_t type;    /* enum libusb_endpoint_transfer_type */
    uint16_t packet; /* bytes in one, at most; more than 0 */
};

struct jig_usb_layout {
    int interface, alt;
    struct jig_usb_endpoint in, out;
};

/* 0 or JIG_EINVALID. The strings are the address's. */
int jig_usb_read_wish(const struct jig_address *address, struct jig_usb_wish *wish,
                      struct jig_error *err);

/* The only device that fits, to be given back by unref_device. JIG_ENOTFOUND; JIG_EINVALID when
 * several fit, with a list: which of them is on which slot is not for chance to say. */
int jig_usb_find(const struct jig_usb *usb, libusb_context *context,
                 const struct jig_usb_wish *wish, libusb_device **device, struct jig_error *err);

/* Its serial number and where it is plugged in, as the kernel read them when it came. */
void jig_usb_about(const struct jig_usb *usb, libusb_device *device, struct jig_port_about *about);

/* Whether one that fits is plugged in, as the kernel's files say. It is asked again and again,
 * which would be dear through libusb. */
bool jig_usb_is_plugged(const struct jig_usb_wish *wish);

/* The interface and the endpoints, as the wish says or as there is only one that fits: bulk before
 * interrupt. 0, or JIG_EINVALID with a list of what there is. */
int jig_usb_lay_out(const struct jig_usb *usb, libusb_device *device, const char *name,
                    const struct jig_usb_wish *wish, struct jig_usb_layout *layout,
                    struct jig_error *err);

#endif
