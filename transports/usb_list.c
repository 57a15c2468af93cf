/* See usb_list.h. */
#include "transports/usb_list.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transports/holders.h"
#include "transports/options.h"
#include "transports/sysfs.h"

enum {
    HUB = 0x09,        /* bDeviceClass */
    DEVICES_MAX = 512, /* that are listed; a bus has 127 */
    PLACE_TEXT = 40,   /* bus, and seven ports at most, with the final NUL */
};

static const char devices[] = "/sys/bus/usb/devices";

static int read_number(const char *folder, const char *attribute, int base)
{
    char text[JIG_SYSFS_TEXT], *end;
    jig_sysfs_read(folder, attribute, text);
    long number = strtol(text, &end, base);
    return end == text || *end || number < 0 || number > 0xffff ? -1 : (int)number;
}

/* NULL when there is none. */
static const char *read_text(const char *folder, const char *attribute, char out[JIG_SYSFS_TEXT])
{
    jig_sysfs_read(folder, attribute, out);
    jig_sysfs_clean(out);
    return out[0] ? out : NULL;
}

static bool is_named(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = strstr(list, name); at; at = strstr(at + 1, name)) {
        if ((at == list || at[-1] == ',') && (at[n] == ',' || !at[n]))
            return true;
    }
    return false;
}

/* Those of its interfaces, each once: "cdc_acm,usbhid". The folder of an interface is the device's
 * name, a colon and two numbers. */
static const char *read_drivers(const char *folder, const char *place, char out[JIG_SYSFS_TEXT])
{
    char name[JIG_SYSFS_TEXT], path[JIG_SYSFS_PATH + 64];
    size_t n = strlen(place);
    DIR *dir = opendir(folder);
    out[0] = '\0';
    if (!dir)
        return NULL;
    for (const struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (strncmp(e->d_name, place, n) != 0 || e->d_name[n] != ':')
            continue;
        snprintf(path, sizeof path, "%s/%.60s", folder, e->d_name);
        size_t used = strlen(out);
        if (jig_sysfs_link(path, "driver", name) && !is_named(out, name))
            snprintf(out + used, JIG_SYSFS_TEXT - used, "%s%.60s", used ? "," : "", name);
    }
    closedir(dir);
    jig_sysfs_clean(out);
    return out[0] ? out : NULL;
}

static void describe(const char *place, const struct jig_holders *holders, jig_port_info_fn *fn,
                     void *data)
{
    char folder[JIG_SYSFS_PATH], address[64], node[64];
    char texts[4][JIG_SYSFS_TEXT];
    struct jig_port_holder held[JIG_PORT_HOLDERS];
    snprintf(folder, sizeof folder, "%s/%.40s", devices, place);
    if (read_number(folder, "bDeviceClass", 16) == HUB)
        return;
    snprintf(address, sizeof address, "usb:?path=%.40s", place);
    snprintf(node, sizeof node, "/dev/bus/usb/%03d/%03d", read_number(folder, "busnum", 10),
             read_number(folder, "devnum", 10));
    struct jig_port_info info = {
        .address = address,
        .name = node,
        .path = place,
        .vid = read_number(folder, "idVendor", 16),
        .pid = read_number(folder, "idProduct", 16),
        .serial = read_text(folder, "serial", texts[0]),
        .manufacturer = read_text(folder, "manufacturer", texts[1]),
        .product = read_text(folder, "product", texts[2]),
        .driver = read_drivers(folder, place, texts[3]),
        .holders = held,
        .n_holders = jig_holders_of(holders, node, held),
    };
    if (info.vid >= 0 && info.pid >= 0) /* else it has just gone */
        fn(data, &info);
}

/* An entry with a colon is an interface, "usb1" the root of a bus. */
static bool is_device(const char *name)
{
    return name[0] >= '0' && name[0] <= '9' && !strchr(name, ':') && strlen(name) < PLACE_TEXT;
}

static int compare(const void *a, const void *b)
{
    return strverscmp(a, b);
}

int jig_usb_list(jig_port_info_fn *fn, void *data, struct jig_error *err)
{
    char places[DEVICES_MAX][PLACE_TEXT];
    size_t n = 0;
    DIR *dir = opendir(devices);
    (void)err;
    if (!dir)
        return JIG_OK; /* no USB here */
    for (const struct dirent *e = readdir(dir); e && n < DEVICES_MAX; e = readdir(dir)) {
        if (is_device(e->d_name))
            strcpy(places[n++], e->d_name);
    }
    closedir(dir);
    qsort(places, n, sizeof *places, compare);
    struct jig_holders *holders = n ? jig_holders_look() : NULL;
    for (size_t i = 0; i < n; i++)
        describe(places[i], holders, fn, data);
    jig_holders_free(holders);
    return JIG_OK;
}
