/* A USB device through libusb: one interface of it, whose bulk or interrupt endpoints are the wire.
 *
 *     usb:1209:0001                              the only device with these ids
 *     usb:0403:6001?serial=A17&interface=1       the one with that serial number
 *     usb:?path=1-2.3                            what is plugged in there
 *
 * Everything is one of libusb's asynchronous transfers; its descriptors are in the loop, and there
 * is no thread of ours. No transfer has a time-out: who waits has a limit, so libusb's own timer is
 * never needed. Each port has a context of its own: what happens to one costs the others nothing.
 */
#include <poll.h>

#include "core/port.h"
#include "transports/table.h"
#include "transports/usb_find.h"
#include "transports/usb_list.h"
#include "transports/usb_pipe.h"
#include "transports/usb_request.h"

enum {
    WATCHES = 8, /* libusb has three or four descriptors */
    RECLAIM_PASSES = 10,
    RECLAIM_US = 50000, /* what one of these passes may wait, where the kernel needs none */
};

struct watched {
    struct usb *wire;
    int fd;
    struct jig_watch *watch; /* NULL = free */
};

struct usb {
    struct jig_port *port;
    struct jig_usb_link link;
    libusb_context *context;
    libusb_device *device;
    struct jig_usb_layout layout;
    struct jig_port_about about;
    bool claimed, zlp;
    struct watched watched[WATCHES];
    struct jig_usb_pipe in, out;
    struct jig_usb_request request;
    unsigned wanted;
    struct jig_deferred tell;
};

/* ---- telling ---- */

static bool can_read(const struct usb *wire)
{
    return wire->link.gone || wire->out.failure != LIBUSB_TRANSFER_COMPLETED ||
           jig_usb_pipe_readable(&wire->in);
}

static bool can_write(const struct usb *wire)
{
    return wire->link.gone || jig_usb_pipe_writable(&wire->out);
}

static bool can_answer(const struct usb *wire)
{
    return wire->link.gone || !jig_usb_request_is_flying(&wire->request);
}

static unsigned possible(const struct usb *wire)
{
    return ((can_read(wire) ? JIG_READABLE : 0u) | (can_write(wire) ? JIG_WRITABLE : 0u) |
            (can_answer(wire) ? JIG_ANSWERED : 0u)) &
           wire->wanted;
}

static void run_tell(struct jig_deferred *deferred)
{
    struct usb *wire = deferred->data;
    jig_port_ready(wire->port, possible(wire));
}

/* ---- bytes ---- */

static int check_wire(struct usb *wire, struct jig_error *err)
{
    return wire->link.gone ? jig_usb_fail_gone(&wire->link, err)
                           : jig_usb_pipe_check(&wire->out, err);
}

static int usb_read(struct jig_port *port, void *bytes, size_t n, struct jig_error *err)
{
    struct usb *wire = port->priv;
    if (!wire->in.endpoint.address)
        return jig_fail(err, JIG_EUNSUPPORTED, "%s: interface %d has no IN endpoint to read from",
                        port->name, wire->layout.interface);
    int got = jig_usb_pipe_read(&wire->in, bytes, n, err);
    if (got != JIG_AGAIN)
        return got;
    int code = check_wire(wire, err);
    if (code == JIG_OK)
        code = jig_usb_pipe_refill(&wire->in, err);
    return code < 0 ? code : JIG_AGAIN;
}

static int usb_write(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err)
{
    struct usb *wire = port->priv;
    if (!wire->out.endpoint.address)
        return jig_fail(err, JIG_EUNSUPPORTED, "%s: interface %d has no OUT endpoint to write to",
                        port->name, wire->layout.interface);
    int code = check_wire(wire, err);
    return code < 0 ? code : jig_usb_pipe_write(&wire->out, bytes, n, wire->zlp, err);
}

static int usb_drain(struct jig_port *port, struct jig_error *err)
{
    struct usb *wire = port->priv;
    int code = check_wire(wire, err);
    if (code < 0)
        return code;
    return wire->out.flying ? JIG_AGAIN : JIG_OK;
}

static int usb_want(struct jig_port *port, unsigned events, struct jig_error *err)
{
    struct usb *wire = port->priv;
    (void)err;
    wire->wanted = events;
    if (possible(wire))
        jig_defer(port->loop, &wire->tell);
    return JIG_OK;
}

static int usb_control(struct jig_port *port, const struct jig_control *control,
                       struct jig_error *err)
{
    struct usb *wire = port->priv;
    if (!control) {
        jig_usb_request_give_up(&wire->request);
        return JIG_OK;
    }
    if (wire->link.gone)
        return jig_usb_fail_gone(&wire->link, err);
    return jig_usb_request_ask(&wire->request, control, err);
}

/* ---- libusb's descriptors in the loop ---- */

/* The last thing that it does is to tell, for the port may be gone then. */
static void handle_events(void *data, unsigned events)
{
    struct usb *wire = ((struct watched *)data)->wire;
    struct timeval now = {0, 0};
    (void)events;
    int result = wire->link.usb.handle_events_timeout_completed(wire->context, &now, NULL);
    if (result < 0 && result != LIBUSB_ERROR_INTERRUPTED)
        jig_usb_lose(&wire->link, "libusb cannot wait for the device any more");
    jig_port_ready(wire->port, possible(wire));
}

static void LIBUSB_CALL watch(int fd, short events, void *data)
{
    struct usb *wire = data;
    for (int i = 0; i < WATCHES; i++) {
        struct watched *w = &wire->watched[i];
        if (w->watch)
            continue;
        *w = (struct watched){.wire = wire, .fd = fd};
        w->watch = jig_watch_new(wire->port->loop, fd, handle_events, w, NULL);
        if (!w->watch)
            break;
        jig_watch_want(w->watch, (events & POLLIN ? JIG_READABLE : 0u) |
                                     (events & POLLOUT ? JIG_WRITABLE : 0u));
        return;
    }
    jig_usb_lose(&wire->link, "libusb has a descriptor that cannot be waited for");
}

static void LIBUSB_CALL unwatch(int fd, void *data)
{
    struct usb *wire = data;
    for (int i = 0; i < WATCHES; i++) {
        struct watched *w = &wire->watched[i];
        if (!w->watch || w->fd != fd)
            continue;
        jig_watch_free(w->watch);
        w->watch = NULL;
    }
}

static int watch_all(struct usb *wire, struct jig_error *err)
{
    wire->link.usb.set_pollfd_notifiers(wire->context, watch, unwatch, wire);
    const struct libusb_pollfd **all = wire->link.usb.get_pollfds(wire->context);
    if (!all)
        return jig_fail(err, JIG_ENOMEM, "%s: no memory for libusb's descriptors",
                        wire->port->name);
    for (int i = 0; all[i]; i++)
        watch(all[i]->fd, all[i]->events, wire);
    wire->link.usb.free_pollfds(all);
    return wire->link.gone ? jig_usb_fail_gone(&wire->link, err) : JIG_OK;
}

/* ---- closing ---- */

static bool is_flying(const struct usb *wire)
{
    return wire->in.flying || wire->out.flying || jig_usb_request_is_flying(&wire->request);
}

/* Takes all transfers back. The kernel gives them back at once, so this does not wait; where
 * something is broken it ends after half a second, and what is still flying is left alone. */
static void reclaim(struct usb *wire)
{
    struct timeval soon = {0, RECLAIM_US};
    jig_usb_pipe_cancel(&wire->in);
    jig_usb_pipe_cancel(&wire->out);
    jig_usb_request_give_up(&wire->request);
    for (int i = 0; i < RECLAIM_PASSES && is_flying(wire); i++)
        wire->link.usb.handle_events_timeout_completed(wire->context, &soon, NULL);
    if (is_flying(wire))
        jig_log(wire->port->log, JIG_LOG_DEBUG, "%s: libusb does not give transfers back",
                wire->port->name);
}

/* Undoes whatever of opening was done, in its order. The kernel's driver gets the interface back.
 */
static void usb_close(struct jig_port *port)
{
    struct usb *wire = port->priv;
    jig_defer_cancel(port->loop, &wire->tell);
    if (wire->link.handle)
        reclaim(wire);
    jig_usb_pipe_release(&wire->in);
    jig_usb_pipe_release(&wire->out);
    jig_usb_request_release(&wire->request);
    if (wire->claimed)
        wire->link.usb.release_interface(wire->link.handle, wire->layout.interface);
    if (wire->link.handle)
        wire->link.usb.close(wire->link.handle);
    if (wire->device)
        wire->link.usb.unref_device(wire->device);
    if (wire->context)
        wire->link.usb.exit(wire->context);
    for (int i = 0; i < WATCHES; i++)
        jig_watch_free(wire->watched[i].watch);
}

/* ---- opening ---- */

static int open_device(struct usb *wire, struct jig_error *err)
{
    const char *name = wire->port->name;
    int result = wire->link.usb.open(wire->device, &wire->link.handle);
    if (result == LIBUSB_ERROR_ACCESS)
        return jig_fail(err, JIG_EDENIED,
                        "%s: no permission for /dev/bus/usb/%03u/%03u: let a udev rule give it to "
                        "the station's user",
                        name, wire->link.usb.get_bus_number(wire->device),
                        wire->link.usb.get_device_address(wire->device));
    if (result < 0) {
        wire->link.handle = NULL;
        return jig_usb_fail(&wire->link.usb, result, name, "open the device", err);
    }
    return JIG_OK;
}

/* With auto_detach the kernel's driver goes when the interface is claimed and comes back when it is
 * released. Where there is no such thing, claiming says what is wrong. */
static int claim(struct usb *wire, const struct jig_usb_wish *wish, struct jig_error *err)
{
    const struct jig_usb_layout *layout = &wire->layout;
    wire->link.usb.set_auto_detach_kernel_driver(wire->link.handle, 1);
    int result = wire->link.usb.claim_interface(wire->link.handle, layout->interface);
    if (result < 0)
        return jig_usb_fail(&wire->link.usb, result, wire->port->name, "claim the interface", err);
    wire->claimed = true;
    if (wish->alt >= 0)
        result = wire->link.usb.set_interface_alt_setting(wire->link.handle, layout->interface,
                                                          layout->alt);
    if (result < 0)
        return jig_usb_fail(&wire->link.usb, result, wire->port->name,
                            "choose the alternate setting", err);
    return JIG_OK;
}

static int start(struct usb *wire, const struct jig_usb_wish *wish, struct jig_error *err)
{
    int code = jig_usb_begin(&wire->link.usb, &wire->context, err);
    if (code == JIG_OK)
        code = jig_usb_find(&wire->link.usb, wire->context, wish, &wire->device, err);
    if (code == JIG_OK)
        jig_usb_about(&wire->link.usb, wire->device, &wire->about);
    if (code == JIG_OK)
        code = jig_usb_lay_out(&wire->link.usb, wire->device, wire->port->name, wish, &wire->layout,
                               err);
    if (code == JIG_OK)
        code = watch_all(wire, err);
    if (code == JIG_OK)
        code = open_device(wire, err);
    if (code == JIG_OK)
        code = claim(wire, wish, err);
    if (code == JIG_OK)
        code = jig_usb_pipe_make(&wire->in, &wire->link, &wire->layout.in, err);
    if (code == JIG_OK)
        code = jig_usb_pipe_make(&wire->out, &wire->link, &wire->layout.out, err);
    if (code == JIG_OK && wire->link.gone)
        code = jig_usb_fail_gone(&wire->link, err);
    if (code == JIG_OK)
        code = jig_usb_pipe_refill(&wire->in, err);
    return code;
}

static int usb_open(struct jig_port *port, struct jig_error *err)
{
    struct usb *wire = port->priv;
    struct jig_usb_wish wish;
    struct jig_error why;
    int code = jig_usb_read_wish(&port->address, &wish, err);
    if (code == JIG_OK)
        code = jig_usb_load(&wire->link.usb, err);
    if (code < 0)
        return code;
    wire->port = port;
    wire->link.name = port->name;
    wire->request.link = &wire->link;
    wire->zlp = wish.zlp;
    wire->tell = (struct jig_deferred){.run = run_tell, .data = wire};
    code = start(wire, &wish, &why);
    if (code == JIG_OK)
        return JIG_OK;
    usb_close(port);
    if (err)
        *err = why;
    return code;
}

static void usb_about(const struct jig_port *port, struct jig_port_about *about)
{
    *about = ((const struct usb *)port->priv)->about;
}

/* That two fit is for opening to say. */
static int usb_present(struct jig_loop *loop, const struct jig_address *address,
                       struct jig_error *err)
{
    (void)loop;
    struct jig_usb_wish wish;
    int code = jig_usb_read_wish(address, &wish, err);
    return code < 0 ? code : jig_usb_is_plugged(&wish);
}

const struct jig_transport jig_transport_usb = {
    .scheme = "usb",
    .summary = "a USB device's endpoints, through libusb",
    .priv_size = sizeof(struct usb),
    .open = usb_open,
    .close = usb_close,
    .read = usb_read,
    .write = usb_write,
    .want = usb_want,
    .drain = usb_drain,
    .control = usb_control,
    .about = usb_about,
    .present = usb_present,
    .list = jig_usb_list,
};
