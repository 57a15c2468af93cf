/* See mockusb.h. The calls of linux/usbdevice_fs.h, as drivers/usb/core/devio.c answers them. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <linux/usbdevice_fs.h>

#include "spec/support/mockusb.h"

enum { SETUP = 8, PACKET = 64, IN = 0x80 };

GMutex mock_lock;

static struct mock_device devices[MOCK_DEVICES];

struct urb {
    UMockdevIoctlData *data, *buffer;
};

/* A node that is open. */
struct mock_file {
    struct mock_device *device;
    unsigned epoch;
    GQueue flying, done; /* struct urb */
    uint32_t claimed;
};

struct mock_device *mock_device(unsigned number)
{
    return number < MOCK_DEVICES ? &devices[number] : NULL;
}

struct mock_point *mock_point(struct mock_device *device, unsigned endpoint)
{
    return &device->points[(endpoint & 15u) | (endpoint & IN ? 16u : 0u)];
}

static bool is_there(const struct mock_file *file)
{
    return file->device->path && file->epoch == file->device->epoch;
}

/* ---- transfers ---- */

static struct usbdevfs_urb *about(const struct urb *urb)
{
    return (struct usbdevfs_urb *)(void *)urb->data->data;
}

static void free_urb(void *data)
{
    struct urb *urb = data;
    g_clear_object(&urb->buffer);
    g_object_unref(urb->data);
    g_free(urb);
}

static void end_urb(struct mock_file *file, struct urb *urb, int status)
{
    about(urb)->status = -status;
    g_queue_remove(&file->flying, urb);
    g_queue_push_tail(&file->done, urb);
}

static void put_out(struct mock_device *device, const void *bytes, size_t n)
{
    g_queue_push_tail(&device->written, g_bytes_new(bytes, n));
    for (size_t at = 0; device->echo && at < n; at += PACKET) {
        size_t packet = n - at < PACKET ? n - at : PACKET;
        g_queue_push_tail(&mock_point(device, 1 | IN)->packets,
                          g_bytes_new((const uint8_t *)bytes + at, packet));
    }
}

/* Brings bytes of the device: 0, or EOVERFLOW when they do not fit. */
static int bring(struct urb *urb, size_t offset, GBytes *bytes)
{
    size_t n, room = (size_t)about(urb)->buffer_length - offset;
    const void *from = g_bytes_get_data(bytes, &n);
    size_t fits = n < room ? n : room;
    if (fits)
        memcpy(urb->buffer->data + offset, from, fits);
    about(urb)->actual_length = (int)fits;
    return n > room ? EOVERFLOW : 0;
}

/* 0 or an errno value when the transfer ends, or -1. */
static int try_control(struct mock_device *device, struct urb *urb)
{
    const uint8_t *setup = urb->buffer->data;
    for (int i = 0; i < MOCK_ANSWERS; i++) {
        const struct mock_answer *answer = &device->answers[i];
        if (!answer->bytes || answer->request != setup[1])
            continue;
        if (answer->status)
            return answer->status;
        if (setup[0] & IN)
            return bring(urb, SETUP, answer->bytes);
        put_out(device, setup, (size_t)about(urb)->buffer_length);
        about(urb)->actual_length = about(urb)->buffer_length - SETUP;
        return 0;
    }
    return EPIPE;
}

static int try_out(struct mock_device *device, struct urb *urb)
{
    const struct usbdevfs_urb *u = about(urb);
    bool zero = u->flags & USBDEVFS_URB_ZERO_PACKET && u->buffer_length % PACKET == 0;
    put_out(device, urb->buffer ? urb->buffer->data : NULL, (size_t)u->buffer_length);
    if (zero)
        put_out(device, NULL, 0);
    about(urb)->actual_length = u->buffer_length;
    return 0;
}

static int try_in(struct mock_point *point, struct urb *urb)
{
    GBytes *packet = g_queue_pop_head(&point->packets);
    if (!packet)
        return -1;
    int status = bring(urb, 0, packet);
    g_bytes_unref(packet);
    return status;
}

/* A halted endpoint goes on to refuse, as its controller goes on to ask. */
static int try_bulk(struct mock_device *device, struct urb *urb)
{
    unsigned endpoint = about(urb)->endpoint;
    struct mock_point *point = mock_point(device, endpoint);
    int status = point->status;
    point->status = 0;
    if (status == EPIPE)
        point->halted = true;
    if (point->halted)
        return EPIPE;
    if (status)
        return status;
    if (point->hangs)
        return -1;
    return endpoint & IN ? try_in(point, urb) : try_out(device, urb);
}

static void pump_file(struct mock_file *file)
{
    for (GList *l = file->flying.head, *next; l; l = next) {
        struct urb *urb = l->data;
        next = l->next;
        int status = about(urb)->endpoint & 15 ? try_bulk(file->device, urb)
                                               : try_control(file->device, urb);
        if (status >= 0)
            end_urb(file, urb, status);
    }
}

/* Who waits for the node is told when there is something to be taken back. */
static void signal_done(struct mock_device *device)
{
    bool done = false;
    for (GList *l = device->files; l; l = l->next)
        done |= ((struct mock_file *)l->data)->done.length > 0;
    if (device->path)
        tcflow(device->slave, done ? TCOON : TCOOFF);
}

void mock_pump(struct mock_device *device)
{
    for (int again = 0; again < 2; again++) /* what goes out may bring something in */
        for (GList *l = device->files; l; l = l->next)
            if (is_there(l->data))
                pump_file(l->data);
    signal_done(device);
}

void mock_end_all(struct mock_device *device, int status)
{
    for (GList *l = device->files; l; l = l->next) {
        struct mock_file *file = l->data;
        while (status && file->flying.head)
            end_urb(file, file->flying.head->data, status);
        g_queue_clear_full(&file->flying, free_urb);
    }
    signal_done(device);
}

struct mock_use mock_used(const struct mock_device *device)
{
    struct mock_use use = {0};
    for (GList *l = device->files; l; l = l->next) {
        const struct mock_file *file = l->data;
        use.files++;
        use.claims += (unsigned)__builtin_popcount(file->claimed);
        use.flying += file->flying.length;
        use.done += file->done.length;
    }
    return use;
}

/* ---- calls: each returns 0, or -errno ---- */

static UMockdevIoctlData *resolve(UMockdevIoctlClient *client, size_t size)
{
    return umockdev_ioctl_data_resolve(umockdev_ioctl_client_get_arg(client), 0, size, NULL);
}

static unsigned number_of(UMockdevIoctlClient *client)
{
    UMockdevIoctlData *data = resolve(client, sizeof(unsigned));
    unsigned number = *(unsigned *)(void *)data->data;
    g_object_unref(data);
    return number;
}

static int submit(struct mock_file *file, UMockdevIoctlClient *client)
{
    struct urb *urb = g_new0(struct urb, 1);
    if (file->device->stuck) {
        g_free(urb);
        return -ENOMEM;
    }
    urb->data = resolve(client, sizeof(struct usbdevfs_urb));
    about(urb)->actual_length = 0;
    if (about(urb)->buffer_length > 0)
        urb->buffer = umockdev_ioctl_data_resolve(urb->data, offsetof(struct usbdevfs_urb, buffer),
                                                  (size_t)about(urb)->buffer_length, NULL);
    g_queue_push_tail(&file->flying, urb);
    mock_pump(file->device);
    return 0;
}

static int reap(struct mock_file *file, UMockdevIoctlClient *client)
{
    struct urb *urb = g_queue_pop_head(&file->done);
    if (!urb)
        return is_there(file) ? -EAGAIN : -ENODEV;
    UMockdevIoctlData *where = resolve(client, sizeof(void *));
    umockdev_ioctl_data_set_ptr(where, 0, urb->data);
    g_object_unref(where);
    free_urb(urb);
    signal_done(file->device);
    return 0;
}

static int discard(struct mock_file *file, UMockdevIoctlClient *client)
{
    gulong address = *(gulong *)(void *)umockdev_ioctl_client_get_arg(client)->data;
    for (GList *l = file->flying.head; l; l = l->next) {
        struct urb *urb = l->data;
        if (urb->data->client_addr != address)
            continue;
        end_urb(file, urb, ENOENT);
        signal_done(file->device);
        return 0;
    }
    return -EINVAL;
}

static int claim(struct mock_file *file, unsigned interface)
{
    struct mock_device *device = file->device;
    if (interface >= MOCK_INTERFACES)
        return -EINVAL;
    if (device->busy || device->driver > 0)
        return -EBUSY;
    for (GList *l = device->files; l; l = l->next)
        if (is_there(l->data) && ((struct mock_file *)l->data)->claimed & 1u << interface)
            return l->data == file ? 0 : -EBUSY;
    file->claimed |= 1u << interface;
    return 0;
}

static int release(struct mock_file *file, unsigned interface)
{
    if (!(file->claimed & 1u << interface))
        return -EINVAL;
    file->claimed &= ~(1u << interface);
    return 0;
}

static int detach_and_claim(struct mock_file *file, UMockdevIoctlClient *client)
{
    if (file->device->driver > 0)
        file->device->driver = -1;
    return claim(file, number_of(client)); /* the first member is the interface */
}

/* Of the calls that go to a driver, the one that gives an interface back to it. */
static int pass_on(struct mock_file *file, UMockdevIoctlClient *client)
{
    UMockdevIoctlData *data = resolve(client, sizeof(struct usbdevfs_ioctl));
    int code = ((struct usbdevfs_ioctl *)(void *)data->data)->ioctl_code;
    g_object_unref(data);
    if (code == (int)USBDEVFS_CONNECT && file->device->driver < 0)
        file->device->driver = 1;
    return 0;
}

static int choose(struct mock_file *file, UMockdevIoctlClient *client)
{
    UMockdevIoctlData *data = resolve(client, sizeof(struct usbdevfs_setinterface));
    file->device->alt = (int)((struct usbdevfs_setinterface *)(void *)data->data)->altsetting;
    g_object_unref(data);
    return 0;
}

static int clear_halt(struct mock_file *file, unsigned endpoint)
{
    mock_point(file->device, endpoint)->halted = false;
    file->device->cleared++;
    mock_pump(file->device);
    return 0;
}

static int tell_capabilities(UMockdevIoctlClient *client)
{
    UMockdevIoctlData *data = resolve(client, sizeof(uint32_t));
    *(uint32_t *)(void *)data->data = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                                      USBDEVFS_CAP_BULK_SCATTER_GATHER |
                                      USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
    g_object_unref(data);
    return 0;
}

static int call(struct mock_file *file, UMockdevIoctlClient *client)
{
    gulong request = umockdev_ioctl_client_get_request(client);
    if (request == USBDEVFS_REAPURBNDELAY)
        return reap(file, client);
    if (!is_there(file))
        return -ENODEV;
    switch (request) {
    case USBDEVFS_GET_CAPABILITIES:
        return tell_capabilities(client);
    case USBDEVFS_SUBMITURB:
        return submit(file, client);
    case USBDEVFS_DISCARDURB:
        return discard(file, client);
    case USBDEVFS_CLAIMINTERFACE:
        return claim(file, number_of(client));
    case USBDEVFS_RELEASEINTERFACE:
        return release(file, number_of(client));
    case USBDEVFS_DISCONNECT_CLAIM:
        return detach_and_claim(file, client);
    case USBDEVFS_IOCTL:
        return pass_on(file, client);
    case USBDEVFS_SETINTERFACE:
        return choose(file, client);
    case USBDEVFS_CLEAR_HALT:
        return clear_halt(file, number_of(client));
    default:
        return -ENOTTY;
    }
}

/* ---- the class ---- */

typedef UMockdevIoctlBase MockUsbfs;
typedef UMockdevIoctlBaseClass MockUsbfsClass;

GType mock_usbfs_get_type(void);
G_DEFINE_TYPE(MockUsbfs, mock_usbfs, UMOCKDEV_TYPE_IOCTL_BASE)

static struct mock_device *device_of(UMockdevIoctlClient *client)
{
    const char *node = umockdev_ioctl_client_get_devnode(client);
    return mock_device((unsigned)g_ascii_strtoull(strrchr(node, '/') + 1, NULL, 10));
}

static struct mock_file *file_of(UMockdevIoctlClient *client)
{
    return g_object_get_data(G_OBJECT(client), "file");
}

/* With its client, when the program has closed it. */
static void closed(void *data)
{
    struct mock_file *file = data;
    g_mutex_lock(&mock_lock);
    file->device->files = g_list_remove(file->device->files, file);
    g_queue_clear_full(&file->flying, free_urb);
    g_queue_clear_full(&file->done, free_urb);
    signal_done(file->device);
    g_free(file);
    g_mutex_unlock(&mock_lock);
}

static void connected(UMockdevIoctlBase *base, UMockdevIoctlClient *client)
{
    struct mock_file *file = g_new0(struct mock_file, 1);
    (void)base;
    g_mutex_lock(&mock_lock);
    file->device = device_of(client);
    file->epoch = file->device->epoch;
    file->device->files = g_list_append(file->device->files, file);
    g_object_set_data_full(G_OBJECT(client), "file", file, closed);
    g_mutex_unlock(&mock_lock);
}

static gboolean handle_ioctl(UMockdevIoctlBase *base, UMockdevIoctlClient *client)
{
    (void)base;
    g_mutex_lock(&mock_lock);
    int result = call(file_of(client), client);
    g_mutex_unlock(&mock_lock);
    umockdev_ioctl_client_complete(client, result < 0 ? -1 : 0, result < 0 ? -result : 0);
    return TRUE;
}

static void mock_usbfs_init(MockUsbfs *self)
{
    (void)self;
}

static void mock_usbfs_class_init(MockUsbfsClass *class)
{
    class->handle_ioctl = handle_ioctl;
    class->client_connected = connected;
}

UMockdevIoctlBase *mock_usbfs_new(void)
{
    return g_object_new(mock_usbfs_get_type(), NULL);
}
