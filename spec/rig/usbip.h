/* A USB device in user space: the kernel's vhci_hcd is a host controller whose devices are sockets
 * that speak USB/IP. Everything above the controller is the kernel as it runs a real device. */
#ifndef RIG_USBIP_H
#define RIG_USBIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    USBIP_MOST = 65536, /* bytes that a request carries at most */
    USBIP_IN = 0x80,    /* of an endpoint's address: towards the host */
    USBIP_FULL = 2,     /* speeds */
    USBIP_HIGH = 3,
};

/* What the host asks for. */
struct usbip_request {
    enum { USBIP_SUBMIT = 1, USBIP_UNLINK = 2 } command;
    uint32_t number;
    uint32_t unlinks; /* the number of the request that is taken back */
    uint8_t endpoint; /* its address; 0 and 0x80 are control requests */
    uint32_t length;  /* OUT: of data; IN: bytes that there is room for */
    uint8_t setup[8];
    uint8_t *data; /* USBIP_MOST bytes, the caller's */
};

/* Whether nothing is plugged in there. The kernel takes a moment after the end of a socket. */
bool usbip_is_free(unsigned port);

/* Plugs a device into a port (0 to 7) at a speed. Its socket; -1 and errno. */
int usbip_plug(unsigned port, unsigned speed);

/* Reads a request; false when the host has ended the connection, or speaks something else. */
bool usbip_read(int fd, struct usbip_request *request);

/* Answers one: status is 0 or a negated errno; bytes only for IN, `length` for both. */
void usbip_answer(int fd, uint32_t number, int status, const void *bytes, size_t length);

/* Answers an unlink; was_there: the request had not been answered. */
void usbip_unlinked(int fd, uint32_t number, bool was_there);

#endif
