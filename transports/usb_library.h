/* libusb-1.0, loaded when the first usb address is used: a program that opens none pays nothing for
 * it, and a machine without it is no error before. */
#ifndef JIG_TRANSPORTS_USB_LIBRARY_H
#define JIG_TRANSPORTS_USB_LIBRARY_H

#include <libusb-1.0/libusb.h>

#include "core/error.h"

/* What of libusb is used. None of these waits for the device but set_interface_alt_setting and
 * clear_halt, which the kernel offers in no other way: each is one request, which a device answers
 * within a millisecond and the kernel gives up after 5 s. */
#define JIG_USB_FUNCTIONS(X)                                                                       \
    X(init)                                                                                        \
    X(exit)                                                                                        \
    X(error_name)                                                                                  \
    X(get_device_list)                                                                             \
    X(free_device_list)                                                                            \
    X(ref_device)                                                                                  \
    X(unref_device)                                                                                \
    X(get_device_descriptor)                                                                       \
    X(get_active_config_descriptor)                                                                \
    X(free_config_descriptor)                                                                      \
    X(get_bus_number)                                                                              \
    X(get_device_address)                                                                          \
    X(get_port_numbers)                                                                            \
    X(open)                                                                                        \
    X(close)                                                                                       \
    X(set_auto_detach_kernel_driver)                                                               \
    X(claim_interface)                                                                             \
    X(release_interface)                                                                           \
    X(set_interface_alt_setting)                                                                   \
    X(clear_halt)                                                                                  \
    X(alloc_transfer)                                                                              \
    X(submit_transfer)                                                                             \
    X(cancel_transfer)                                                                             \
    X(free_transfer)                                                                               \
    X(handle_events_timeout_completed)                                                             \
    X(get_pollfds)                                                                                 \
    X(free_pollfds)                                                                                \
    X(set_pollfd_notifiers)

struct jig_usb {
#define JIG_USB_MEMBER(name) __typeof__(libusb_##name) *(name);
    JIG_USB_FUNCTIONS(JIG_USB_MEMBER)
#undef JIG_USB_MEMBER
};

/* Fills the table; the library stays in memory from then on. 0, or JIG_EUNSUPPORTED with the name
 * of the package that is missing. */
int jig_usb_load(struct jig_usb *usb, struct jig_error *err);

/* A context of libusb's own. What libusb starts with it, a thread that follows udev, gets no
 * signals that are meant for the loop. 0 or a failure. */
int jig_usb_begin(const struct jig_usb *usb, libusb_context **context, struct jig_error *err);

/* Says which of libusb's failures it was: "NAME: cannot WHAT: ...". */
int jig_usb_fail(const struct jig_usb *usb, int result, const char *name, const char *what,
                 struct jig_error *err);

/* A device that is open, which its pipes and requests share. */
struct jig_usb_link {
    struct jig_usb usb;
    libusb_device_handle *handle;
    const char *name; /* for messages */
    const char *gone; /* why the wire is lost; NULL = it is not */
};

/* The wire is lost; the first reason stays. */
void jig_usb_lose(struct jig_usb_link *link, const char *why);

/* The same for a transfer that ended because the device is gone, or with a bus error. */
void jig_usb_lose_by(struct jig_usb_link *link, enum libusb_transfer_status status);

int jig_usb_fail_gone(const struct jig_usb_link *link, struct jig_error *err);

/* As jig_usb_fail; the wire is lost when the call failed because the device is gone. */
int jig_usb_fail_call(struct jig_usb_link *link, int result, const char *what,
                      struct jig_error *err);

#endif
