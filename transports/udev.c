/* Where arrival.h hears of devices: libudev's monitor for the subsystems tty and usb.
 *
 * Where udevd runs it tells of a device once its rules have run, so that its names under /dev are
 * made and its permissions are set. Without udevd it is the kernel that tells; in a container whose
 * network namespace the kernel tells nothing, nothing comes.
 *
 * libudev is loaded when somebody first waits for a device.
 */
#include <dlfcn.h>
#include <errno.h>
#include <libudev.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arrival.h"

enum {
    DRAIN_MAX = 256, /* events that are taken at once, before the loop goes on */
    BUFFER =
        256 << 10, /* bytes that may wait in the kernel: libudev's 128 MiB keep what need not be */
};

static const char file[] = "libudev.so.1"; /* the name that its ABI has */

#define FUNCTIONS(X)                                                                               \
    X(udev_new)                                                                                    \
    X(udev_unref)                                                                                  \
    X(udev_monitor_new_from_netlink)                                                               \
    X(udev_monitor_filter_add_match_subsystem_devtype)                                             \
    X(udev_monitor_set_receive_buffer_size)                                                        \
    X(udev_monitor_enable_receiving)                                                               \
    X(udev_monitor_get_fd)                                                                         \
    X(udev_monitor_receive_device)                                                                 \
    X(udev_monitor_unref)                                                                          \
    X(udev_device_unref)

struct library {
#define MEMBER(name) __typeof__(name) *(name);
    FUNCTIONS(MEMBER)
#undef MEMBER
};

static const struct {
    const char *name;
    size_t place;
} functions[] = {
#define PLACE(name) {#name, offsetof(struct library, name)},
    FUNCTIONS(PLACE)
#undef PLACE
};

struct monitor {
    struct library lib;
    struct udev *udev;
    struct udev_monitor *events;
};

static bool find_functions(struct library *lib, void *library, struct jig_error *err)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *found = dlsym(library, functions[i].name);
        if (!found) {
            jig_fail(err, JIG_EUNSUPPORTED, "%s has no %s", file, functions[i].name);
            return false;
        }
        memcpy((char *)lib + functions[i].place, &found, sizeof found);
    }
    return true;
}

/* RTLD_NODELETE keeps it in memory, so that the handle need not be kept. */
static bool load(struct library *lib, struct jig_error *err)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        const char *why = dlerror();
        jig_fail(err, JIG_EUNSUPPORTED, "needs libudev: install the package libudev1 (%.120s)",
                 why ? why : file);
        return false;
    }
    bool found = find_functions(lib, library, err);
    dlclose(library);
    return found;
}

static void monitor_close(void *monitor)
{
    struct monitor *m = monitor;
    if (m->events)
        m->lib.udev_monitor_unref(m->events);
    if (m->udev)
        m->lib.udev_unref(m->udev);
    free(m);
}

static int start(struct monitor *m, struct jig_error *err)
{
    bool udevd = access("/run/udev/control", F_OK) == 0;
    int sys = 0;
    m->udev = m->lib.udev_new();
    if (m->udev)
        m->events = m->lib.udev_monitor_new_from_netlink(m->udev, udevd ? "udev" : "kernel");
    if (!m->events)
        return jig_fail_sys(err, errno, "cannot be told of devices");
    sys = m->lib.udev_monitor_filter_add_match_subsystem_devtype(m->events, "tty", NULL);
    if (sys >= 0)
        sys = m->lib.udev_monitor_filter_add_match_subsystem_devtype(m->events, "usb", NULL);
    if (sys >= 0)
        sys = m->lib.udev_monitor_enable_receiving(m->events);
    m->lib.udev_monitor_set_receive_buffer_size(m->events, BUFFER); /* where it may be set */
    return sys < 0 ? jig_fail_sys(err, -sys, "cannot be told of devices") : JIG_OK;
}

static void *monitor_open(int *fd, struct jig_error *err)
{
    struct monitor *m = calloc(1, sizeof *m);
    if (!m) {
        jig_fail(err, JIG_ENOMEM, "no memory to be told of devices");
        return NULL;
    }
    if (!load(&m->lib, err) || start(m, err) < 0) {
        monitor_close(m);
        return NULL;
    }
    *fd = m->lib.udev_monitor_get_fd(m->events);
    return m;
}

/* An event that is not for us ends as "nothing there"; any other failure may have lost some that
 * were: the buffer has overflowed, or what came is damaged. */
static bool monitor_drain(void *monitor)
{
    const struct monitor *m = monitor;
    struct udev_device *device;
    int n = 0;
    do {
        errno = 0;
        device = m->lib.udev_monitor_receive_device(m->events);
        if (device)
            m->lib.udev_device_unref(device);
    } while (device && ++n < DRAIN_MAX);
    return n > 0 || (errno != EAGAIN && errno != EINTR);
}

const struct jig_arrival_source jig_arrival_source = {
    .open = monitor_open,
    .drain = monitor_drain,
    .close = monitor_close,
};
