/* See mockusb.h. The calls of linux/usbdevice_fs.h, as drivers/usb/core/devio.c answers them. */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/usbdevice_fs.h>

#include "spec/support/mockusb.h"

/* ---- calls: each returns 0, or -errno ---- */

static unsigned number_of(UMockdevIoctlClient *client)
{
    UMockdevIoctlData *data = mock_resolve(client, sizeof(unsigned));
    unsigned number = *(unsigned *)(void *)data->data;
    g_object_unref(data);
    return number;
}

static int claim(struct mock_file *file, unsigned interface)
{
    struct mock_device *device = file->device;
    if (interface >= MOCK_INTERFACES)
        return -EINVAL;
    if (device->busy || device->driver > 0)
        return -EBUSY;
    for (GList *l = device->files; l; l = l->next)
        if (mock_is_there(l->data) && ((struct mock_file *)l->data)->claimed & 1u << interface)
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
    UMockdevIoctlData *data = mock_resolve(client, sizeof(struct usbdevfs_ioctl));
    int code = ((struct usbdevfs_ioctl *)(void *)data->data)->ioctl_code;
    g_object_unref(data);
    if (code == (int)USBDEVFS_CONNECT && file->device->driver < 0)
        file->device->driver = 1;
    return 0;
}

static int choose(struct mock_file *file, UMockdevIoctlClient *client)
{
    UMockdevIoctlData *data = mock_resolve(client, sizeof(struct usbdevfs_setinterface));
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
    UMockdevIoctlData *data = mock_resolve(client, sizeof(uint32_t));
    *(uint32_t *)(void *)data->data = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_NO_PACKET_SIZE_LIM |
                                      USBDEVFS_CAP_BULK_SCATTER_GATHER |
                                      USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
    g_object_unref(data);
    return 0;
}

static int call(struct mock_file *file, UMockdevIoctlClient *client)
{
    gulong request = umockdev_ioctl_client_get_request(client);
    if (mock_is_there(file) && file->device->vanish && !--file->device->vanish)
        mock_hang_up(file->device, ESHUTDOWN);
    if (request == USBDEVFS_REAPURBNDELAY)
        return mock_reap(file, client);
    if (!mock_is_there(file))
        return -ENODEV;
    switch (request) {
    case USBDEVFS_GET_CAPABILITIES:
        return tell_capabilities(client);
    case USBDEVFS_SUBMITURB:
        return mock_submit(file, client);
    case USBDEVFS_DISCARDURB:
        return mock_discard(file, client);
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
    mock_free_file(file);
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
