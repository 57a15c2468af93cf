/* See usb_library.h. */
#include "transports/usb_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

static const char file[] = "libusb-1.0.so.0"; /* the name that its ABI has */

static const struct {
    const char *name;
    size_t place;
} functions[] = {
#define JIG_USB_PLACE(name) {"libusb_" #name, offsetof(struct jig_usb, name)},
    JIG_USB_FUNCTIONS(JIG_USB_PLACE)
#undef JIG_USB_PLACE
};

static int find_functions(struct jig_usb *usb, void *library, struct jig_error *err)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *found = dlsym(library, functions[i].name);
        if (!found)
            return jig_fail(err, JIG_EUNSUPPORTED,
                            "usb: %s has no %s: install a newer package libusb-1.0-0", file,
                            functions[i].name);
        memcpy((char *)usb + functions[i].place, &found, sizeof found);
    }
    return JIG_OK;
}

/* RTLD_NODELETE keeps it in memory, so that the handle need not be kept. */
int jig_usb_load(struct jig_usb *usb, struct jig_error *err)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        const char *why = dlerror();
        return jig_fail(err, JIG_EUNSUPPORTED,
                        "usb: needs libusb: install the package libusb-1.0-0 (%.120s)",
                        why ? why : file);
    }
    int code = find_functions(usb, library, err);
    dlclose(library);
    return code;
}

int jig_usb_begin(const struct jig_usb *usb, libusb_context **context, struct jig_error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = usb->init(context);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result < 0)
        return jig_fail(err, JIG_ENOTFOUND, "usb: there is no USB on this machine (libusb: %s)",
                        usb->error_name(result));
    return JIG_OK;
}

int jig_usb_fail(const struct jig_usb *usb, int result, const char *name, const char *what,
                 struct jig_error *err)
{
    switch (result) {
    case LIBUSB_ERROR_NO_MEM:
        return jig_fail(err, JIG_ENOMEM,
                        "%s: cannot %s: no memory; for all USB transfers together the kernel has "
                        "/sys/module/usbcore/parameters/usbfs_memory_mb",
                        name, what);
    case LIBUSB_ERROR_IO:
    case LIBUSB_ERROR_NO_DEVICE:
        return jig_fail(err, JIG_ELOST, "%s: cannot %s: the device went away", name, what);
    case LIBUSB_ERROR_ACCESS:
        return jig_fail(err, JIG_EDENIED, "%s: cannot %s: no permission", name, what);
    case LIBUSB_ERROR_BUSY:
        return jig_fail(err, JIG_EBUSY, "%s: cannot %s: in use by another program or driver", name,
                        what);
    case LIBUSB_ERROR_PIPE:
        return jig_fail(err, JIG_EREFUSED, "%s: cannot %s: the device refuses (stall)", name, what);
    case LIBUSB_ERROR_NOT_SUPPORTED:
        return jig_fail(err, JIG_EUNSUPPORTED, "%s: cannot %s: not supported here", name, what);
    default:
        return jig_fail(err, JIG_ESYSTEM, "%s: cannot %s (libusb: %s)", name, what,
                        usb->error_name(result));
    }
}

/* ---- an open device ---- */

static const char unplugged[] = "the device was unplugged";
static const char bus_error[] = "the device went away, or the bus failed";

void jig_usb_lose(struct jig_usb_link *link, const char *why)
{
    if (!link->gone)
        link->gone = why;
}

void jig_usb_lose_by(struct jig_usb_link *link, enum libusb_transfer_status status)
{
    if (status == LIBUSB_TRANSFER_NO_DEVICE)
        jig_usb_lose(link, unplugged);
    else if (status == LIBUSB_TRANSFER_ERROR)
        jig_usb_lose(link, bus_error);
}

int jig_usb_fail_gone(const struct jig_usb_link *link, struct jig_error *err)
{
    return jig_fail(err, JIG_ELOST, "%s: %s", link->name, link->gone);
}

int jig_usb_fail_call(struct jig_usb_link *link, int result, const char *what,
                      struct jig_error *err)
{
    if (result != LIBUSB_ERROR_NO_DEVICE && result != LIBUSB_ERROR_IO)
        return jig_usb_fail(&link->usb, result, link->name, what, err);
    jig_usb_lose(link, result == LIBUSB_ERROR_IO ? bus_error : unplugged);
    return jig_usb_fail_gone(link, err);
}
