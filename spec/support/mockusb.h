/* A kernel whose USB devices are played: what of usbfs the real libusb uses, behind umockdev.
 *
 * A node is the slave of a pseudo-terminal, for which one can wait as for usbfs: writable says that
 * a transfer can be taken back, and a hang-up that the device is gone.
 */
#ifndef JIG_SPEC_MOCKUSB_H
#define JIG_SPEC_MOCKUSB_H

#include <stdbool.h>
#include <stdint.h>
#include <umockdev.h>

enum { MOCK_DEVICES = 32, MOCK_ANSWERS = 8, MOCK_POINTS = 32, MOCK_INTERFACES = 8 };

/* An endpoint. `status` is an errno value that the next transfer ends with, 0 = none. */
struct mock_point {
    GQueue packets; /* GBytes: what the device has to say */
    int status;
    bool halted, hangs;
};

struct mock_answer {
    int request, status; /* -1 = never */
    GBytes *bytes;
};

struct mock_device {
    char *path;     /* in sysfs; NULL = not plugged in */
    unsigned epoch; /* who opened it before it was plugged in anew has nothing */
    int master, slave;
    int driver;     /* of the kernel: 1 = bound, 0 = none, -1 = detached */
    GList *files;   /* struct mock_file, one for each open of it */
    GQueue written; /* GBytes: what transfers brought */
    struct mock_point points[MOCK_POINTS];
    struct mock_answer answers[MOCK_ANSWERS];
    int room;        /* transfers of a file that can be on their way; -1 = any number */
    unsigned packet; /* bytes that one holds, at all endpoints */
    int alt, cleared;
    int vanish; /* it goes away with that many calls from now; 0 = it does not */
    bool echo, busy;
};

/* Held by whoever touches a device. */
extern GMutex mock_lock;

struct mock_device *mock_device(unsigned number); /* NULL = no such number */

struct mock_point *mock_point(struct mock_device *device, unsigned endpoint);

/* A node that is open. */
struct mock_file {
    struct mock_device *device;
    unsigned epoch;
    GQueue flying, done; /* what was submitted */
    uint32_t claimed;
};

bool mock_is_there(const struct mock_file *file); /* else its device was unplugged since */

void mock_free_file(struct mock_file *file);

/* Calls of usbfs: 0 or -errno. */
int mock_submit(struct mock_file *file, UMockdevIoctlClient *client);
int mock_reap(struct mock_file *file, UMockdevIoctlClient *client);
int mock_discard(struct mock_file *file, UMockdevIoctlClient *client);

/* What a call's argument points to, so many bytes; to be given back with g_object_unref. */
UMockdevIoctlData *mock_resolve(UMockdevIoctlClient *client, size_t size);

/* What answers the calls for all nodes. */
UMockdevIoctlBase *mock_usbfs_new(void);

/* Completes what can be completed, and wakes who waits for it. */
void mock_pump(struct mock_device *device);

/* The device is gone for all who have it open. What is on its way ends with -status; 0 = it just
 * never comes back. */
void mock_hang_up(struct mock_device *device, int status);
/* How much of a device is in use. */
struct mock_use {
    unsigned files, claims, flying, done;
};
struct mock_use mock_used(const struct mock_device *device);

#endif
