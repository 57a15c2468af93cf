/* The USB devices that are plugged in, as the kernel's files say. */
#ifndef JIG_TRANSPORTS_USB_LIST_H
#define JIG_TRANSPORTS_USB_LIST_H

#include "core/port.h"

/* As the transport's member `list`: all but hubs, in the order of their places. libusb is not
 * needed, nor is permission for the devices. */
int jig_usb_list(jig_port_info_fn *fn, void *data, struct jig_error *err);

#endif
