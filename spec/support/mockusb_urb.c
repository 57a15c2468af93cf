/* See mockusb.h. Transfers, as linux/usbdevice_fs.h describes them. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <linux/usbdevice_fs.h>

#include "spec/support/mockusb.h"

enum { SETUP = 8, IN = 0x80 };

GMutex mock_lock;

static struct mock_device devices[MOCK_DEVICES];

struct urb {
    UMockdevIoctlData *data, *buffer;
};

struct mock_device *mock_device(unsigned number)
{
    return number < MOCK_DEVICES ? &devices[number] : NULL;
}

struct mock_point *mock_point(struct mock_device *device, unsigned endpoint)
{
    return &device->points[(endpoint & 15u) | (endpoint & IN ? 16u : 0u)];
}

bool mock_is_there(const struct mock_file *file)
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
    for (size_t at = 0, most = device->packet; device->echo && at < n; at += most) {
        size_t packet = n - at < most ? n - at : most;
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
    bool zero =
        u->flags & USBDEVFS_URB_ZERO_PACKET && (unsigned)u->buffer_length % device->packet == 0;
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
            if (mock_is_there(l->data))
                pump_file(l->data);
    signal_done(device);
}

static void end_all(struct mock_file *file, int status)
{
    while (status && file->flying.head)
        end_urb(file, file->flying.head->data, status);
    g_queue_clear_full(&file->flying, free_urb);
}

void mock_hang_up(struct mock_device *device, int status)
{
    for (GList *l = device->files; l; l = l->next)
        end_all(l->data, status);
    signal_done(device);
    device->epoch++;
    close(device->master);
    device->master = -1;
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

/* ---- calls ---- */

UMockdevIoctlData *mock_resolve(UMockdevIoctlClient *client, size_t size)
{
    return umockdev_ioctl_data_resolve(umockdev_ioctl_client_get_arg(client), 0, size, NULL);
}

int mock_submit(struct mock_file *file, UMockdevIoctlClient *client)
{
    int room = file->device->room;
    if (room >= 0 && (int)file->flying.length >= room)
        return -ENOMEM;
    struct urb *urb = g_new0(struct urb, 1);
    urb->data = mock_resolve(client, sizeof(struct usbdevfs_urb));
    about(urb)->actual_length = 0;
    if (about(urb)->buffer_length > 0)
        urb->buffer = umockdev_ioctl_data_resolve(urb->data, offsetof(struct usbdevfs_urb, buffer),
                                                  (size_t)about(urb)->buffer_length, NULL);
    g_queue_push_tail(&file->flying, urb);
    mock_pump(file->device);
    return 0;
}

int mock_reap(struct mock_file *file, UMockdevIoctlClient *client)
{
    struct urb *urb = g_queue_pop_head(&file->done);
    if (!urb)
        return mock_is_there(file) ? -EAGAIN : -ENODEV;
    UMockdevIoctlData *where = mock_resolve(client, sizeof(void *));
    umockdev_ioctl_data_set_ptr(where, 0, urb->data);
    g_object_unref(where);
    free_urb(urb);
    signal_done(file->device);
    return 0;
}

int mock_discard(struct mock_file *file, UMockdevIoctlClient *client)
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

void mock_free_file(struct mock_file *file)
{
    struct mock_device *device = file->device;
    device->files = g_list_remove(device->files, file);
    g_queue_clear_full(&file->flying, free_urb);
    g_queue_clear_full(&file->done, free_urb);
    g_free(file);
    signal_done(device);
}
