/* A libusb-1.0 that is played: devices whose every answer a spec chooses. `require "spec.fakeusb"`
 * loads it under the soname of the real one, so jig, which loads libusb at first use, finds this.
 *
 *     local usb = require "spec.fakeusb"
 *     local id = usb.plug { path = { 1, 2 }, vid = 0x1209, pid = 1, echo = true,
 *                           { number = 0, { 0x81, 2, 64 }, { 0x02, 2, 64 } } }
 *     usb.feed(id, 0x81, "bytes")          one message of the device
 *     usb.fail(id, 0x81, "stall")          the next transfer there ends so
 *     usb.answer(id, 0x42, "JIG1")         what control request 42 is answered, or "stall", "hang",
 * ... usb.counts()                         all that libusb would leak
 *
 * Preloaded, it also sends fopen and opendir of /sys/bus/usb/devices to the folder JIG_FAKEUSB_SYS.
 * What can be completed is, in order, by libusb_handle_events; a descriptor of each handle says
 * that there is.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <lauxlib.h>
#include <libusb-1.0/libusb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { DEVICES = 64, SETTINGS = 8, ENDPOINTS = 8, ANSWERS = 16, NO_STATUS = -1, HANG = -2 };

struct message {
    struct message *next;
    size_t n, at;
    unsigned char bytes[];
};

struct queue {
    struct message *first, **last;
};

struct point {
    struct libusb_endpoint_descriptor about;
    struct queue waiting; /* IN: what the device has to say */
    int fail;             /* NO_STATUS, HANG or what the next transfer ends with */
    bool halted;
};

struct setting {
    struct libusb_interface_descriptor about;
    struct libusb_endpoint_descriptor endpoints[ENDPOINTS];
};

struct answer {
    int request, status;
    size_t n;
    char bytes[64];
};

struct libusb_device {
    struct libusb_context *context; /* that listed it last */
    struct queue written;
    struct point points[ENDPOINTS];
    struct answer answers[ANSWERS];
    struct setting settings[SETTINGS];
    int bus, address, n_ports, gone, chosen, cleared, n_settings, n_points, n_answers;
    struct libusb_device_descriptor about;
    bool plugged, echo, denied, busy, driver, detached, stuck, unconfigured;
    bool stalls_all;  /* each transfer at a halted endpoint ends in a stall, as under xHCI */
    unsigned claimed; /* a bit for each interface */
    uint8_t ports[7];
};

struct libusb_context {
    int fd;
    libusb_pollfd_added_cb added;
    libusb_pollfd_removed_cb removed;
    void *data;
    struct libusb_device_handle *handles;
};

struct libusb_device_handle {
    struct libusb_device_handle *next;
    struct libusb_context *context;
    struct libusb_device *device;
    int fd; /* -1 = libusb has given it up */
};

struct transfer {
    struct transfer *next;
    bool cancelled;
    unsigned pass; /* in which it was cancelled: the kernel gives it back in a later one */
    struct libusb_transfer shown;
};

static struct libusb_device devices[DEVICES];
static struct transfer *flying, **last = &flying, *orphans;
static long n_orphans;
static unsigned pass;
static bool no_usb;
static struct {
    long contexts, handles, transfers, flying, refs, configs, lists;
} counts;

static struct transfer *outer(struct libusb_transfer *shown)
{
    return (struct transfer *)((char *)shown - offsetof(struct transfer, shown));
}

static void push(struct queue *queue, const void *bytes, size_t n)
{
    struct message *m = malloc(sizeof *m + n);
    if (!m)
        abort();
    *m = (struct message){.n = n};
    memcpy(m->bytes, bytes, n);
    if (!queue->first)
        queue->last = &queue->first;
    *queue->last = m;
    queue->last = &m->next;
}

static void pop(struct queue *queue)
{
    struct message *m = queue->first;
    queue->first = m->next;
    free(m);
}

static struct point *point_of(struct libusb_device *device, int address)
{
    for (int i = 0; i < device->n_points; i++) {
        if (device->points[i].about.bEndpointAddress == address)
            return &device->points[i];
    }
    return NULL;
}

/* Something may have ended: whoever has the device open shall look. */
static void signal_all(const struct libusb_device *device)
{
    for (struct transfer *t = flying; t; t = t->next) {
        struct libusb_device_handle *handle = t->shown.dev_handle;
        if (handle->device == device && handle->fd >= 0)
            eventfd_write(handle->fd, 1);
    }
}

/* ---- the functions that jig calls ---- */

int libusb_init(libusb_context **context)
{
    if (no_usb)
        return LIBUSB_ERROR_OTHER;
    *context = calloc(1, sizeof **context);
    (*context)->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    counts.contexts++;
    return 0;
}

void libusb_exit(libusb_context *context)
{
    if (context->removed)
        context->removed(context->fd, context->data);
    close(context->fd);
    free(context);
    counts.contexts--;
}

const char *libusb_error_name(int result)
{
    return result == LIBUSB_ERROR_OTHER ? "LIBUSB_ERROR_OTHER" : "LIBUSB_ERROR_FAKE";
}

libusb_device *libusb_ref_device(libusb_device *device)
{
    counts.refs++;
    return device;
}

void libusb_unref_device(libusb_device *device)
{
    (void)device;
    counts.refs--;
}

ssize_t libusb_get_device_list(libusb_context *context, libusb_device ***list)
{
    ssize_t n = 0;
    *list = calloc(DEVICES + 1, sizeof(libusb_device *));
    for (int i = 0; i < DEVICES; i++) {
        if (!devices[i].plugged)
            continue;
        devices[i].context = context;
        (*list)[n++] = libusb_ref_device(&devices[i]);
    }
    counts.lists++;
    return n;
}

void libusb_free_device_list(libusb_device **list, int unref)
{
    for (int i = 0; list[i] && unref; i++)
        libusb_unref_device(list[i]);
    free(list);
    counts.lists--;
}

int libusb_get_device_descriptor(libusb_device *device, struct libusb_device_descriptor *about)
{
    *about = device->about;
    return 0;
}

uint8_t libusb_get_bus_number(libusb_device *device)
{
    return (uint8_t)device->bus;
}

uint8_t libusb_get_device_address(libusb_device *device)
{
    return (uint8_t)device->address;
}

int libusb_get_port_numbers(libusb_device *device, uint8_t *ports, int n)
{
    if (device->n_ports > n)
        return LIBUSB_ERROR_OVERFLOW;
    memcpy(ports, device->ports, (size_t)device->n_ports);
    return device->n_ports;
}

/* Settings of one interface stand next to each other. */
int libusb_get_active_config_descriptor(libusb_device *device,
                                        struct libusb_config_descriptor **config)
{
    if (device->unconfigured)
        return LIBUSB_ERROR_NOT_FOUND;
    struct libusb_config_descriptor *c = calloc(1, sizeof *c);
    struct libusb_interface *interfaces = calloc(SETTINGS, sizeof *interfaces);
    struct libusb_interface_descriptor *all = calloc(SETTINGS, sizeof *all);
    int n = 0;
    for (int i = 0; i < device->n_settings; i++) {
        all[i] = device->settings[i].about;
        all[i].endpoint = device->settings[i].endpoints;
        if (i == 0 || all[i].bInterfaceNumber != all[i - 1].bInterfaceNumber)
            interfaces[n++].altsetting = &all[i];
        interfaces[n - 1].num_altsetting++;
    }
    c->bNumInterfaces = (uint8_t)n;
    c->interface = interfaces;
    c->extra = (unsigned char *)all;
    *config = c;
    counts.configs++;
    return 0;
}

void libusb_free_config_descriptor(struct libusb_config_descriptor *config)
{
    free((void *)config->extra);
    free((void *)config->interface);
    free(config);
    counts.configs--;
}

int libusb_open(libusb_device *device, libusb_device_handle **handle)
{
    if (!device->plugged)
        return LIBUSB_ERROR_NO_DEVICE;
    if (device->denied)
        return LIBUSB_ERROR_ACCESS;
    struct libusb_device_handle *h = calloc(1, sizeof *h);
    h->device = libusb_ref_device(device);
    h->context = device->context;
    h->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    h->next = h->context->handles;
    h->context->handles = h;
    if (h->context->added)
        h->context->added(h->fd, POLLIN, h->context->data);
    *handle = h;
    counts.handles++;
    return 0;
}

static void drop_fd(struct libusb_device_handle *handle)
{
    if (handle->fd < 0)
        return;
    if (handle->context->removed)
        handle->context->removed(handle->fd, handle->context->data);
    close(handle->fd);
    handle->fd = -1;
}

/* Transfers that are still flying are nobody's from here on, as in the real one. */
void libusb_close(libusb_device_handle *handle)
{
    struct libusb_device_handle **h = &handle->context->handles;
    while (*h != handle)
        h = &(*h)->next;
    *h = handle->next;
    for (struct transfer **t = &flying; *t;) {
        struct transfer *one = *t;
        if (one->shown.dev_handle != handle) {
            t = &one->next;
            continue;
        }
        *t = one->next;
        one->next = orphans;
        orphans = one;
        n_orphans++;
    }
    for (last = &flying; *last;)
        last = &(*last)->next;
    drop_fd(handle);
    libusb_unref_device(handle->device);
    free(handle);
    counts.handles--;
}

int libusb_set_auto_detach_kernel_driver(libusb_device_handle *handle, int enable)
{
    handle->device->detached = enable != 0;
    return 0;
}

int libusb_claim_interface(libusb_device_handle *handle, int interface)
{
    struct libusb_device *device = handle->device;
    if (device->busy || device->claimed & 1u << interface || (device->driver && !device->detached))
        return LIBUSB_ERROR_BUSY;
    device->driver = false;
    device->claimed |= 1u << interface;
    return 0;
}

int libusb_release_interface(libusb_device_handle *handle, int interface)
{
    handle->device->claimed &= ~(1u << interface);
    handle->device->driver = handle->device->detached;
    return 0;
}

int libusb_set_interface_alt_setting(libusb_device_handle *handle, int interface, int alt)
{
    handle->device->chosen = alt;
    return handle->device->claimed & 1u << interface ? 0 : LIBUSB_ERROR_NOT_FOUND;
}

int libusb_clear_halt(libusb_device_handle *handle, unsigned char address)
{
    for (struct transfer *t = flying; t; t = t->next) {
        if (t->shown.dev_handle == handle && t->shown.endpoint == address)
            abort(); /* the kernel's rules: they must have been taken back */
    }
    point_of(handle->device, address)->halted = false;
    handle->device->cleared++;
    return handle->device->plugged ? 0 : LIBUSB_ERROR_NO_DEVICE;
}

struct libusb_transfer *libusb_alloc_transfer(int packets)
{
    struct transfer *t = calloc(1, sizeof *t);
    (void)packets;
    counts.transfers++;
    return &t->shown;
}

void libusb_free_transfer(struct libusb_transfer *shown)
{
    for (struct transfer *t = flying; t; t = t->next) {
        if (&t->shown == shown)
            abort(); /* freed while it is flying */
    }
    free(outer(shown));
    counts.transfers--;
}

int libusb_submit_transfer(struct libusb_transfer *shown)
{
    struct transfer *t = outer(shown);
    if (!shown->dev_handle->device->plugged)
        return shown->dev_handle->device->gone == LIBUSB_TRANSFER_ERROR ? LIBUSB_ERROR_IO
                                                                        : LIBUSB_ERROR_NO_DEVICE;
    t->next = NULL;
    t->cancelled = false;
    *last = t;
    last = &t->next;
    counts.flying++;
    signal_all(shown->dev_handle->device);
    return 0;
}

int libusb_cancel_transfer(struct libusb_transfer *shown)
{
    outer(shown)->cancelled = true;
    outer(shown)->pass = pass;
    signal_all(shown->dev_handle->device);
    return 0;
}

/* ---- how transfers end ---- */

static int end_request(struct libusb_device *device, struct libusb_transfer *t)
{
    const struct answer *found = NULL;
    int wanted = t->buffer[6] | t->buffer[7] << 8;
    for (int i = 0; i < device->n_answers; i++) {
        if (device->answers[i].request == t->buffer[1])
            found = &device->answers[i];
    }
    if (!found)
        return LIBUSB_TRANSFER_STALL;
    if (found->status != LIBUSB_TRANSFER_COMPLETED)
        return found->status;
    if (!(t->buffer[0] & LIBUSB_ENDPOINT_IN)) {
        push(&device->written, t->buffer, (size_t)t->length);
        t->actual_length = wanted;
        return LIBUSB_TRANSFER_COMPLETED;
    }
    t->actual_length = (int)found->n < wanted ? (int)found->n : wanted;
    memcpy(t->buffer + LIBUSB_CONTROL_SETUP_SIZE, found->bytes, (size_t)t->actual_length);
    return LIBUSB_TRANSFER_COMPLETED;
}

/* A transfer takes one message, or as much of it as it has room for. */
static int end_input(struct point *point, struct libusb_transfer *t)
{
    struct message *m = point->waiting.first;
    if (!m)
        return HANG;
    size_t left = m->n - m->at;
    size_t n = left < (size_t)t->length ? left : (size_t)t->length;
    memcpy(t->buffer, m->bytes + m->at, n);
    m->at += n;
    t->actual_length = (int)n;
    if (m->at == m->n)
        pop(&point->waiting);
    return LIBUSB_TRANSFER_COMPLETED;
}

static int end_output(struct libusb_device *device, struct libusb_transfer *t)
{
    push(&device->written, t->buffer, (size_t)t->length);
    if (t->flags & LIBUSB_TRANSFER_ADD_ZERO_PACKET && t->length % 64 == 0)
        push(&device->written, "", 0);
    for (int i = 0; device->echo && i < device->n_points; i++) {
        if (device->points[i].about.bEndpointAddress & LIBUSB_ENDPOINT_IN)
            push(&device->points[i].waiting, t->buffer, (size_t)t->length);
    }
    t->actual_length = t->length;
    return LIBUSB_TRANSFER_COMPLETED;
}

/* What it ends with now, or HANG. */
static int outcome(const struct transfer *w, struct libusb_transfer *t)
{
    struct libusb_device *device = t->dev_handle->device;
    t->actual_length = 0;
    if (device->stuck)
        return HANG;
    if (!device->plugged)
        return device->gone;
    if (device->stalls_all && t->type != LIBUSB_TRANSFER_TYPE_CONTROL &&
        point_of(device, t->endpoint)->halted)
        return LIBUSB_TRANSFER_STALL;
    if (w->cancelled)
        return w->pass == pass ? HANG : LIBUSB_TRANSFER_CANCELLED;
    if (t->type == LIBUSB_TRANSFER_TYPE_CONTROL)
        return end_request(device, t);
    struct point *point = point_of(device, t->endpoint);
    int fail = point->fail;
    if (fail == HANG || point->halted)
        return HANG;
    if (fail == NO_STATUS)
        return t->endpoint & LIBUSB_ENDPOINT_IN ? end_input(point, t) : end_output(device, t);
    point->fail = NO_STATUS;
    point->halted = fail == LIBUSB_TRANSFER_STALL || fail == LIBUSB_TRANSFER_OVERFLOW;
    return fail;
}

/* Ends one transfer; false when none can end. */
static bool end_one(const struct libusb_context *context)
{
    for (struct transfer **link = &flying; *link; link = &(*link)->next) {
        struct transfer *t = *link;
        if (t->shown.dev_handle->context != context)
            continue;
        int status = outcome(t, &t->shown);
        if (status == HANG)
            continue;
        *link = t->next;
        if (last == &t->next)
            last = link;
        counts.flying--;
        t->shown.status = (enum libusb_transfer_status)status;
        t->shown.callback(&t->shown);
        return true;
    }
    return false;
}

int libusb_handle_events_timeout_completed(libusb_context *context, struct timeval *time,
                                           int *completed)
{
    eventfd_t ignored;
    pass++;
    (void)time;
    (void)completed;
    for (struct libusb_device_handle *h = context->handles; h; h = h->next) {
        if (h->fd >= 0)
            eventfd_read(h->fd, &ignored);
        if (!h->device->plugged)
            drop_fd(h);
    }
    while (end_one(context))
        continue;
    return 0;
}

const struct libusb_pollfd **libusb_get_pollfds(libusb_context *context)
{
    struct libusb_pollfd **list = calloc(2, sizeof(struct libusb_pollfd *));
    list[0] = calloc(1, sizeof **list);
    *list[0] = (struct libusb_pollfd){context->fd, POLLIN};
    counts.lists++;
    return (const struct libusb_pollfd **)list;
}

void libusb_free_pollfds(const struct libusb_pollfd **list)
{
    free((void *)list[0]);
    free((void *)list);
    counts.lists--;
}

void libusb_set_pollfd_notifiers(libusb_context *context, libusb_pollfd_added_cb added,
                                 libusb_pollfd_removed_cb removed, void *data)
{
    context->added = added;
    context->removed = removed;
    context->data = data;
}

/* ---- what a preloaded one does besides ---- */

FILE *fopen(const char *path, const char *mode)
{
    static const char prefix[] = "/sys/bus/usb/devices/";
    FILE *(*next)(const char *, const char *);
    const char *folder = getenv("JIG_FAKEUSB_SYS");
    char other[512];
    *(void **)&next = dlsym(RTLD_NEXT, "fopen");
    if (!folder || strncmp(path, prefix, sizeof prefix - 1) != 0)
        return next(path, mode);
    snprintf(other, sizeof other, "%s/%s", folder, path + sizeof prefix - 1);
    return next(other, mode);
}

DIR *opendir(const char *path)
{
    DIR *(*next)(const char *);
    const char *folder = getenv("JIG_FAKEUSB_SYS");
    *(void **)&next = dlsym(RTLD_NEXT, "opendir");
    return next(folder && !strcmp(path, "/sys/bus/usb/devices") ? folder : path);
}

/* ---- for specs ---- */

static struct libusb_device *check_device(lua_State *L)
{
    lua_Integer id = luaL_checkinteger(L, 1);
    luaL_argcheck(L, id >= 1 && id <= DEVICES, 1, "no device");
    return &devices[id - 1];
}

static int status_of(lua_State *L, int arg)
{
    static const char *const names[] = {"completed", "error",    "timed_out", "cancelled", "stall",
                                        "no_device", "overflow", "hang",      NULL};
    int status = luaL_checkoption(L, arg, "no_device", names);
    return status > LIBUSB_TRANSFER_OVERFLOW ? HANG : status;
}

static int field(lua_State *L, const char *name)
{
    lua_getfield(L, 1, name);
    int value = lua_isboolean(L, -1) ? lua_toboolean(L, -1) : (int)luaL_optinteger(L, -1, 0);
    lua_pop(L, 1);
    return value;
}

static int element(lua_State *L, int i)
{
    lua_geti(L, -1, i);
    int value = (int)luaL_checkinteger(L, -1);
    lua_pop(L, 1);
    return value;
}

/* The endpoint on the top of the stack: { address, type, packet }. */
static void add_point(lua_State *L, struct libusb_device *device, struct setting *setting)
{
    struct libusb_endpoint_descriptor e = {.bEndpointAddress = (uint8_t)element(L, 1),
                                           .bmAttributes = (uint8_t)element(L, 2),
                                           .wMaxPacketSize = (uint16_t)element(L, 3)};
    setting->endpoints[setting->about.bNumEndpoints++] = e;
    if (!point_of(device, e.bEndpointAddress))
        device->points[device->n_points++] = (struct point){.about = e, .fail = NO_STATUS};
}

static void add_setting(lua_State *L, struct libusb_device *device)
{
    struct setting *setting = &device->settings[device->n_settings++];
    lua_getfield(L, -1, "number");
    lua_getfield(L, -2, "alt");
    setting->about.bInterfaceNumber = (uint8_t)luaL_optinteger(L, -2, 0);
    setting->about.bAlternateSetting = (uint8_t)luaL_optinteger(L, -1, 0);
    lua_pop(L, 2);
    for (int i = 1; lua_geti(L, -1, i) == LUA_TTABLE; i++) {
        add_point(L, device, setting);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static void read_device(lua_State *L, struct libusb_device *device)
{
    device->plugged = true;
    device->echo = field(L, "echo");
    device->driver = field(L, "driver");
    device->unconfigured = field(L, "unconfigured");
    device->bus = 1;
    device->address = (int)(device - devices) + 1;
    device->about.idVendor = (uint16_t)field(L, "vid");
    device->about.idProduct = (uint16_t)field(L, "pid");
    lua_getfield(L, 1, "path");
    for (int i = 1; i <= (int)lua_rawlen(L, -1); i++)
        device->ports[device->n_ports++] = (uint8_t)element(L, i);
    lua_pop(L, 1);
    for (int i = 1; lua_geti(L, 1, i) == LUA_TTABLE; i++) {
        add_setting(L, device);
        lua_pop(L, 1);
    }
}

static int fake_plug(lua_State *L)
{
    for (int i = 0; i < DEVICES; i++) {
        if (devices[i].plugged)
            continue;
        memset(&devices[i], 0, sizeof devices[i]);
        read_device(L, &devices[i]);
        lua_pushinteger(L, i + 1);
        return 1;
    }
    return luaL_error(L, "too many devices");
}

static void empty(struct queue *queue)
{
    while (queue->first)
        pop(queue);
}

/* unplug(id [, status]): all that is flying ends with it */
static int fake_unplug(lua_State *L)
{
    struct libusb_device *device = check_device(L);
    if (!device->plugged)
        return 0;
    device->gone = status_of(L, 2);
    device->plugged = false;
    signal_all(device);
    for (int i = 0; i < device->n_points; i++)
        empty(&device->points[i].waiting);
    empty(&device->written);
    return 0;
}

/* set(id, name, boolean) */
static int fake_set(lua_State *L)
{
    struct libusb_device *device = check_device(L);
    static const char *const names[] = {"denied", "busy", "echo", "stuck", "stalls_all", NULL};
    bool *const places[] = {&device->denied, &device->busy, &device->echo, &device->stuck,
                            &device->stalls_all};
    *places[luaL_checkoption(L, 2, NULL, names)] = lua_toboolean(L, 3);
    return 0;
}

static int fake_feed(lua_State *L)
{
    struct libusb_device *device = check_device(L);
    size_t n;
    const char *bytes = luaL_checklstring(L, 3, &n);
    push(&point_of(device, (int)luaL_checkinteger(L, 2))->waiting, bytes, n);
    signal_all(device);
    return 0;
}

/* fail(id, address [, status]); nil status: it works again */
static int fake_fail(lua_State *L)
{
    struct libusb_device *device = check_device(L);
    struct point *point = point_of(device, (int)luaL_checkinteger(L, 2));
    point->fail = lua_isnoneornil(L, 3) ? NO_STATUS : status_of(L, 3);
    signal_all(device);
    return 0;
}

/* answer(id, request, bytes [, status]) */
static int fake_answer(lua_State *L)
{
    struct libusb_device *device = check_device(L);
    struct answer *answer = &device->answers[device->n_answers++ % ANSWERS];
    const char *bytes = luaL_optlstring(L, 3, "", &answer->n);
    answer->request = (int)luaL_checkinteger(L, 2);
    answer->status = lua_isnoneornil(L, 4) ? LIBUSB_TRANSFER_COMPLETED : status_of(L, 4);
    luaL_argcheck(L, answer->n <= sizeof answer->bytes, 3, "too long");
    memcpy(answer->bytes, bytes, answer->n);
    signal_all(device);
    return 0;
}

/* written(id) -> array of what each transfer brought; "" is a packet of zero bytes */
static int fake_written(lua_State *L)
{
    struct queue *queue = &check_device(L)->written;
    lua_newtable(L);
    for (int i = 1; queue->first; i++) {
        lua_pushlstring(L, (const char *)queue->first->bytes, queue->first->n);
        lua_rawseti(L, -2, i);
        pop(queue);
    }
    return 1;
}

static void set_number(lua_State *L, const char *name, long number)
{
    lua_pushinteger(L, number);
    lua_setfield(L, -2, name);
}

static long length_of(const struct queue *queue)
{
    long n = 0;
    for (const struct message *m = queue->first; m; m = m->next)
        n++;
    return n;
}

/* state(id) -> { driver, claimed, alt, cleared, waiting = messages at the first endpoint } */
static int fake_state(lua_State *L)
{
    const struct libusb_device *device = check_device(L);
    lua_newtable(L);
    set_number(L, "driver", device->driver);
    set_number(L, "claimed", device->claimed != 0);
    set_number(L, "alt", device->chosen);
    set_number(L, "cleared", device->cleared);
    set_number(L, "waiting", length_of(&device->points[0].waiting));
    return 1;
}

static int fake_counts(lua_State *L)
{
    lua_newtable(L);
    set_number(L, "contexts", counts.contexts);
    set_number(L, "handles", counts.handles);
    set_number(L, "transfers", counts.transfers);
    set_number(L, "flying", counts.flying);
    set_number(L, "refs", counts.refs);
    set_number(L, "configs", counts.configs);
    set_number(L, "lists", counts.lists);
    return 1;
}

/* forget(): transfers that were left flying when their handle was closed are counted no more */
static int fake_forget(lua_State *L)
{
    (void)L;
    counts.flying -= n_orphans;
    counts.transfers -= n_orphans;
    n_orphans = 0;
    return 0;
}

/* without(boolean): this machine has no USB */
static int fake_without(lua_State *L)
{
    no_usb = lua_toboolean(L, 1);
    return 0;
}

int luaopen_spec_fakeusb(lua_State *L);

int luaopen_spec_fakeusb(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"plug", fake_plug},       {"unplug", fake_unplug}, {"set", fake_set},
        {"feed", fake_feed},       {"fail", fake_fail},     {"answer", fake_answer},
        {"written", fake_written}, {"state", fake_state},   {"counts", fake_counts},
        {"without", fake_without}, {"forget", fake_forget}, {NULL, NULL},
    };
    luaL_newlib(L, functions);
    return 1;
}
