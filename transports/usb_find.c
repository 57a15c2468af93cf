/* See usb_find.h. What a device says of itself is hostile: numbers are checked by libusb as it
 * parses them, packet sizes here, and of texts only what is printable is shown. */
#include "transports/usb_find.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transports/options.h"
#include "transports/sysfs.h"

enum { PORTS_MAX = 7, PATH_TEXT = JIG_PATH_CAP, LIST_TEXT = 176 };

static const char devices[] = "/sys/bus/usb/devices";

/* What there is, for a message; the end of a long one is cut. */
struct list {
    char text[LIST_TEXT];
};

static void add(struct list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct list *list, const char *format, ...)
{
    size_t used = strlen(list->text);
    va_list args;
    va_start(args, format);
    vsnprintf(list->text + used, sizeof list->text - used, format, args);
    va_end(args);
}

/* ---- the address ---- */

/* usb:VID:PID is vid=VID&pid=PID. */
static int read_word(const struct jig_address *a, struct jig_usb_wish *wish, struct jig_error *err)
{
    if (!a->n_words)
        return JIG_OK;
    const char *colon = strchr(a->words[0], ':');
    bool both = a->n_words == 1 && colon && wish->vid < 0 && wish->pid < 0;
    char vid[5] = "";
    if (both && colon - a->words[0] < (ptrdiff_t)sizeof vid)
        memcpy(vid, a->words[0], (size_t)(colon - a->words[0]));
    if (both && jig_hex_number(vid, 4, &wish->vid) && jig_hex_number(colon + 1, 4, &wish->pid))
        return JIG_OK;
    return jig_fail(err, JIG_EINVALID,
                    "usb: must be usb:VID:PID, two numbers of 1 to 4 hex digits, or usb: with vid, "
                    "pid, serial or path");
}

int jig_usb_read_wish(const struct jig_address *a, struct jig_usb_wish *wish, struct jig_error *err)
{
    static const char *const known[] = {JIG_USB_OPTIONS, NULL};
    *wish = (struct jig_usb_wish){.vid = -1, .pid = -1, .interface = -1, .alt = -1};
    wish->in = wish->out = -1;
    wish->serial = jig_address_option(a, "serial");
    wish->path = jig_address_option(a, "path");
    int code = jig_address_check_options(a, known, err);
    if (code == JIG_OK)
        code = jig_option_hex(a, "vid", 4, &wish->vid, err);
    if (code == JIG_OK)
        code = jig_option_hex(a, "pid", 4, &wish->pid, err);
    if (code == JIG_OK)
        code = read_word(a, wish, err);
    if (code == JIG_OK)
        code = jig_address_number(a, "interface", 0, 255, &wish->interface, err);
    if (code == JIG_OK)
        code = jig_address_number(a, "alt", 0, 255, &wish->alt, err);
    if (code == JIG_OK)
        code = jig_option_hex(a, "read", 2, &wish->in, err);
    if (code == JIG_OK)
        code = jig_option_hex(a, "write", 2, &wish->out, err);
    if (code == JIG_OK)
        code = jig_address_number(a, "zlp", 0, 1, &wish->zlp, err);
    if (code == JIG_OK && wish->vid < 0 && wish->pid < 0 && !wish->serial && !wish->path)
        code = jig_fail(err, JIG_EINVALID,
                        "usb: say which device: usb:VID:PID, or vid, pid, serial or path");
    return code;
}

/* ---- the device ---- */

/* Where it is plugged in, as the kernel writes it. */
static void write_path(const struct jig_usb *usb, libusb_device *device, char out[PATH_TEXT])
{
    uint8_t ports[PORTS_MAX];
    int n = usb->get_port_numbers(device, ports, PORTS_MAX);
    int used = snprintf(out, PATH_TEXT, n > 0 ? "%u" : "usb%u", usb->get_bus_number(device));
    for (int i = 0; i < n; i++)
        used += snprintf(out + used, (size_t)(PATH_TEXT - used), "%c%u", i ? '.' : '-', ports[i]);
}

/* What the kernel has read of a device when it was plugged in: no permission is needed, and a
 * device that hangs holds up nobody. "" = nothing. */
static void read_attribute(const char *path, const char *attribute, char out[JIG_SYSFS_TEXT])
{
    char folder[JIG_SYSFS_PATH];
    snprintf(folder, sizeof folder, "%s/%.40s", devices, path);
    jig_sysfs_read(folder, attribute, out);
}

struct candidate {
    libusb_device *device;
    int vid, pid; /* -1 = unknown */
    char path[PATH_TEXT], serial[JIG_SYSFS_TEXT];
};

/* Looks for the serial number only when the rest fits. */
static bool fits(const struct jig_usb_wish *wish, struct candidate *c)
{
    if ((wish->vid >= 0 && wish->vid != c->vid) || (wish->pid >= 0 && wish->pid != c->pid) ||
        (wish->path && strcmp(wish->path, c->path) != 0))
        return false;
    read_attribute(c->path, "serial", c->serial);
    return !wish->serial || !strcmp(wish->serial, c->serial);
}

static bool describe(const struct jig_usb *usb, libusb_device *device, struct candidate *c)
{
    struct libusb_device_descriptor about;
    if (usb->get_device_descriptor(device, &about) < 0)
        return false;
    c->device = device;
    c->vid = about.idVendor;
    c->pid = about.idProduct;
    write_path(usb, device, c->path);
    return true;
}

static void add_candidate(struct list *list, struct candidate *c)
{
    jig_sysfs_clean(c->serial);
    add(list, "%spath=%s (%04x:%04x%s%.32s)", list->text[0] ? ", " : "", c->path, (unsigned)c->vid,
        (unsigned)c->pid, c->serial[0] ? ", serial " : "", c->serial);
}

int jig_usb_find(const struct jig_usb *usb, libusb_context *context,
                 const struct jig_usb_wish *wish, libusb_device **device, struct jig_error *err)
{
    struct list list = {""};
    struct candidate c;
    libusb_device **all;
    int found = 0;
    ssize_t n = usb->get_device_list(context, &all);
    if (n < 0)
        return jig_usb_fail(usb, (int)n, "usb", "list the devices", err);
    for (ssize_t i = 0; i < n; i++) {
        if (!describe(usb, all[i], &c) || !fits(wish, &c))
            continue;
        if (!found++)
            *device = all[i];
        add_candidate(&list, &c);
    }
    if (found == 1)
        usb->ref_device(*device);
    else
        *device = NULL;
    usb->free_device_list(all, 1);
    if (!found)
        return jig_fail(err, JIG_ENOTFOUND, "usb: none of %zd devices fits the address", n);
    if (found > 1)
        return jig_fail(err, JIG_EINVALID,
                        "usb: %d devices fit the address: %s; add the path= of one to it", found,
                        list.text);
    return JIG_OK;
}

_Static_assert((int)JIG_SYSFS_TEXT <= (int)JIG_SERIAL_CAP, "a serial number that is read fits");

void jig_usb_about(const struct jig_usb *usb, libusb_device *device, struct jig_port_about *about)
{
    write_path(usb, device, about->path);
    read_attribute(about->path, "serial", about->serial);
}

static int read_id(const char *path, const char *attribute)
{
    char text[JIG_SYSFS_TEXT];
    int id = -1;
    read_attribute(path, attribute, text);
    jig_hex_number(text, 4, &id);
    return id;
}

/* An entry with a colon is an interface. */
static bool entry_fits(const struct jig_usb_wish *wish, const char *entry)
{
    struct candidate c;
    if (entry[0] == '.' || strchr(entry, ':') || strlen(entry) >= sizeof c.path)
        return false;
    strcpy(c.path, entry);
    c.vid = read_id(entry, "idVendor");
    c.pid = read_id(entry, "idProduct");
    return fits(wish, &c);
}

bool jig_usb_is_plugged(const struct jig_usb_wish *wish)
{
    bool found = false;
    DIR *dir = opendir(devices);
    if (!dir)
        return false;
    for (const struct dirent *e = readdir(dir); e && !found; e = readdir(dir))
        found = entry_fits(wish, e->d_name);
    closedir(dir);
    return found;
}

/* ---- its endpoints ---- */

/* libusb leaves the array away when what the device says of it is cut short. */
static int endpoints_of(const struct libusb_interface_descriptor *setting)
{
    return setting->endpoint ? setting->bNumEndpoints : 0;
}

static bool is_in(const struct libusb_endpoint_descriptor *e)
{
    return e->bEndpointAddress & LIBUSB_ENDPOINT_IN;
}

static int type_of(const struct libusb_endpoint_descriptor *e)
{
    return e->bmAttributes & LIBUSB_TRANSFER_TYPE_MASK;
}

static bool carries_bytes(const struct libusb_endpoint_descriptor *e)
{
    return type_of(e) == LIBUSB_TRANSFER_TYPE_BULK || type_of(e) == LIBUSB_TRANSFER_TYPE_INTERRUPT;
}

/* 2 = has bulk endpoints, 1 = interrupt endpoints, 0 = neither */
static int rank(const struct libusb_interface_descriptor *setting)
{
    int best = 0;
    for (int i = 0; i < endpoints_of(setting); i++) {
        const struct libusb_endpoint_descriptor *e = &setting->endpoint[i];
        int value = type_of(e) == LIBUSB_TRANSFER_TYPE_BULK ? 2 : carries_bytes(e);
        best = value > best ? value : best;
    }
    return best;
}

static void add_endpoints(struct list *list, const struct libusb_interface_descriptor *setting)
{
    for (int i = 0; i < endpoints_of(setting); i++) {
        const struct libusb_endpoint_descriptor *e = &setting->endpoint[i];
        if (carries_bytes(e))
            add(list, " %s=%02x %s", is_in(e) ? "read" : "write", e->bEndpointAddress,
                type_of(e) == LIBUSB_TRANSFER_TYPE_BULK ? "bulk" : "interrupt");
    }
}

/* The setting of an interface that the wish asks for, 0 when it asks for none. */
static const struct libusb_interface_descriptor *setting_of(
    const struct libusb_interface *interface, const struct jig_usb_wish *wish)
{
    for (int i = 0; i < interface->num_altsetting; i++) {
        const struct libusb_interface_descriptor *setting = &interface->altsetting[i];
        if (setting->bAlternateSetting == (wish->alt < 0 ? 0 : wish->alt) &&
            (wish->interface < 0 || wish->interface == setting->bInterfaceNumber))
            return setting;
    }
    return NULL;
}

static void add_interfaces(struct list *list, const struct libusb_config_descriptor *config)
{
    for (int i = 0; i < config->bNumInterfaces; i++) {
        const struct libusb_interface *interface = &config->interface[i];
        for (int k = 0; k < interface->num_altsetting; k++) {
            const struct libusb_interface_descriptor *s = &interface->altsetting[k];
            add(list, "%sinterface=%d", list->text[0] ? "; " : "", s->bInterfaceNumber);
            if (interface->num_altsetting > 1)
                add(list, " alt=%d", s->bAlternateSetting);
            add_endpoints(list, s);
        }
    }
}

/* The best one; NULL when there is none or, with *tied, more than one that is as good. */
static const struct libusb_interface_descriptor *choose_setting(
    const struct libusb_config_descriptor *config, const struct jig_usb_wish *wish, bool *tied)
{
    const struct libusb_interface_descriptor *best = NULL;
    *tied = false;
    for (int i = 0; i < config->bNumInterfaces; i++) {
        const struct libusb_interface_descriptor *s = setting_of(&config->interface[i], wish);
        if (!s || (best && rank(s) < rank(best)))
            continue;
        *tied = best && rank(s) == rank(best);
        best = s;
    }
    return *tied ? NULL : best;
}

/* How many endpoints of a direction and type there are; *e is the last. */
static int count(const struct libusb_interface_descriptor *setting, bool in, int type,
                 const struct libusb_endpoint_descriptor **e)
{
    int n = 0;
    for (int i = 0; i < endpoints_of(setting); i++) {
        if (is_in(&setting->endpoint[i]) == in && type_of(&setting->endpoint[i]) == type) {
            *e = &setting->endpoint[i];
            n++;
        }
    }
    return n;
}

static const struct libusb_endpoint_descriptor *named(
    const struct libusb_interface_descriptor *setting, bool in, int address)
{
    for (int i = 0; i < endpoints_of(setting); i++) {
        const struct libusb_endpoint_descriptor *e = &setting->endpoint[i];
        if (e->bEndpointAddress == address && is_in(e) == in && carries_bytes(e))
            return e;
    }
    return NULL;
}

static int refuse_endpoint(const struct libusb_interface_descriptor *setting, const char *name,
                           const char *what, struct jig_error *err)
{
    struct list list = {""};
    add_endpoints(&list, setting);
    return jig_fail(err, JIG_EINVALID, "%s: interface %d has %s:%s", name,
                    setting->bInterfaceNumber, what, list.text[0] ? list.text : " no endpoint");
}

/* Bits 11 and 12 of the size are how many more packets a microframe has. */
static int take_endpoint(const struct libusb_interface_descriptor *setting, const char *name,
                         const struct libusb_endpoint_descriptor *e,
                         struct jig_usb_endpoint *endpoint, struct jig_error *err)
{
    unsigned size = e->wMaxPacketSize & 0x7ffu;
    if (type_of(e) == LIBUSB_TRANSFER_TYPE_INTERRUPT)
        size *= 1 + (e->wMaxPacketSize >> 11 & 3u);
    if (!size)
        return refuse_endpoint(setting, name, "an endpoint whose packets hold 0 bytes", err);
    *endpoint = (struct jig_usb_endpoint){
        .address = e->bEndpointAddress, .type = (uint8_t)type_of(e), .packet = (uint16_t)size};
    return JIG_OK;
}

static int choose_endpoint(const struct libusb_interface_descriptor *setting, const char *name,
                           bool in, int wanted, struct jig_usb_endpoint *endpoint,
                           struct jig_error *err)
{
    const struct libusb_endpoint_descriptor *e = NULL;
    *endpoint = (struct jig_usb_endpoint){0};
    if (wanted >= 0) {
        e = named(setting, in, wanted);
        return e ? take_endpoint(setting, name, e, endpoint, err)
                 : refuse_endpoint(setting, name, "no such endpoint, but", err);
    }
    int n = count(setting, in, LIBUSB_TRANSFER_TYPE_BULK, &e);
    if (!n)
        n = count(setting, in, LIBUSB_TRANSFER_TYPE_INTERRUPT, &e);
    if (n > 1)
        return refuse_endpoint(setting, name,
                               in ? "several endpoints to read from, say which"
                                  : "several endpoints to write to, say which",
                               err);
    return n ? take_endpoint(setting, name, e, endpoint, err) : JIG_OK;
}

static int lay_out(const struct libusb_config_descriptor *config, const char *name,
                   const struct jig_usb_wish *wish, struct jig_usb_layout *layout,
                   struct jig_error *err)
{
    bool tied;
    const struct libusb_interface_descriptor *s = choose_setting(config, wish, &tied);
    if (!s) {
        struct list list = {""};
        add_interfaces(&list, config);
        return jig_fail(err, JIG_EINVALID, "%s: %s: %s", name,
                        tied ? "say which interface" : "the device has no such interface",
                        list.text);
    }
    layout->interface = s->bInterfaceNumber;
    layout->alt = s->bAlternateSetting;
    int code = choose_endpoint(s, name, true, wish->in, &layout->in, err);
    if (code == JIG_OK)
        code = choose_endpoint(s, name, false, wish->out, &layout->out, err);
    return code;
}

int jig_usb_lay_out(const struct jig_usb *usb, libusb_device *device, const char *name,
                    const struct jig_usb_wish *wish, struct jig_usb_layout *layout,
                    struct jig_error *err)
{
    struct libusb_config_descriptor *config;
    int result = usb->get_active_config_descriptor(device, &config);
    if (result == LIBUSB_ERROR_NOT_FOUND)
        return jig_fail(err, JIG_EINVALID, "%s: the device is not configured", name);
    if (result == LIBUSB_ERROR_IO)
        return jig_fail(err, JIG_EINVALID, "%s: what the device says of its interfaces is damaged",
                        name);
    if (result < 0)
        return jig_usb_fail(usb, result, name, "read its descriptors", err);
    int code = lay_out(config, name, wish, layout, err);
    usb->free_config_descriptor(config);
    return code;
}
