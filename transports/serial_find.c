/* See serial_find.h. */
#include "transports/serial_find.h"

#include <dirent.h>
#include <errno.h>
#include <libserialport.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "transports/holders.h"
#include "transports/options.h"
#include "transports/sysfs.h"

enum { LIST_TEXT = 180 };

static const char by_path[] = "/dev/serial/by-path";
static const char terminals[] = "/sys/class/tty";

/* ---- names ---- */

static bool is_same_node(const char *a, const char *b)
{
    struct stat one, other;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

/* The name that says where the device is plugged in, which stays when two are swapped. The node's
 * own name where udev made none. Of two names, of which older udevs make one by a former rule, the
 * first. */
static void find_by_path(const char *node, char out[PATH_MAX])
{
    DIR *dir = opendir(by_path);
    bool found = false;
    snprintf(out, PATH_MAX, "%s", node);
    if (!dir)
        return;
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char name[sizeof by_path + sizeof entry->d_name];
        snprintf(name, sizeof name, "%s/%s", by_path, entry->d_name);
        if (!is_same_node(name, node) || (found && strcmp(name, out) >= 0))
            continue;
        snprintf(out, PATH_MAX, "%s", name);
        found = true;
    }
    closedir(dir);
}

/* An array that ends with NULL, or NULL where there are no terminals at all, which libserialport
 * takes for a failure. */
static int list_ports(struct sp_port ***ports, struct jig_error *err)
{
    *ports = NULL;
    if (access(terminals, F_OK) == 0 && sp_list_ports(ports) != SP_OK)
        return jig_fail(err, JIG_ESYSTEM, "serial: cannot list the serial ports");
    return JIG_OK;
}

static void free_ports(struct sp_port **ports)
{
    if (ports)
        sp_free_port_list(ports);
}

/* ---- finding ---- */

/* What an address without a path asks for; unset = -1 and NULL. */
struct match {
    int vid, pid;
    const char *serial;
};

static int read_match(const struct jig_address *a, struct match *match, struct jig_error *err)
{
    *match = (struct match){-1, -1, jig_address_option(a, "serial")};
    int code = jig_option_hex(a, "vid", 4, &match->vid, err);
    if (code == JIG_OK)
        code = jig_option_hex(a, "pid", 4, &match->pid, err);
    if (code < 0)
        return code;
    bool selects = match->vid >= 0 || match->pid >= 0 || match->serial;
    if (a->n_words > 1 || selects == (a->n_words == 1))
        return jig_fail(err, JIG_EINVALID,
                        "serial: must be serial:PATH, or serial: with vid, pid or serial");
    return JIG_OK;
}

static bool matches(const struct match *match, const struct sp_port *sp)
{
    int vid, pid;
    if (sp_get_port_usb_vid_pid(sp, &vid, &pid) != SP_OK)
        return false;
    const char *serial = sp_get_port_usb_serial(sp);
    return (match->vid < 0 || match->vid == vid) && (match->pid < 0 || match->pid == pid) &&
           (!match->serial || (serial && !strcmp(match->serial, serial)));
}

/* What is the last to be added to a full list is cut. */
static void add_name(char list[LIST_TEXT], const char *node)
{
    char path[PATH_MAX];
    size_t used = strlen(list);
    find_by_path(node, path);
    snprintf(list + used, LIST_TEXT - used, "%sserial:%s", used ? ", " : "", path);
}

/* Two devices that match are refused: which of them is on which slot is not for chance to say. */
static int find_match(const struct match *match, char *path, struct jig_error *err)
{
    struct sp_port **ports;
    char list[LIST_TEXT] = "";
    int found = 0;
    int code = list_ports(&ports, err);
    if (code < 0)
        return code;
    for (int i = 0; ports && ports[i]; i++) {
        if (!matches(match, ports[i]))
            continue;
        found++;
        add_name(list, sp_get_port_name(ports[i]));
        snprintf(path, PATH_MAX, "%s", sp_get_port_name(ports[i]));
    }
    free_ports(ports);
    if (!found)
        return jig_fail(err, JIG_ENOTFOUND, "serial: no device matches the address");
    if (found > 1)
        return jig_fail(err, JIG_EINVALID,
                        "serial: %d devices match the address: %s; write one of these", found,
                        list);
    return JIG_OK;
}

/* The device's own node: libserialport does not know its other names. */
int jig_serial_find(const struct jig_address *a, const char *name, char *path,
                    struct jig_error *err)
{
    struct match match;
    int code = read_match(a, &match, err);
    if (code < 0)
        return code;
    if (!a->n_words)
        return find_match(&match, path, err);
    if (!realpath(a->words[0], path))
        return jig_fail_sys(err, errno, "%s: cannot find %s", name, a->words[0]);
    return JIG_OK;
}

int jig_serial_present(struct jig_loop *loop, const struct jig_address *a, struct jig_error *err)
{
    (void)loop;
    char path[PATH_MAX];
    struct jig_error why;
    int code = jig_serial_find(a, "serial", path, &why);
    if (code == JIG_OK || code == JIG_ENOTFOUND)
        return code == JIG_OK;
    if (err)
        *err = why;
    return code;
}

/* ---- listing ---- */

/* A text of the device that may be shown; NULL when there is none. */
static const char *clean(const char *text, char out[JIG_SYSFS_TEXT])
{
    if (!text || !*text)
        return NULL;
    snprintf(out, JIG_SYSFS_TEXT, "%s", text);
    jig_sysfs_clean(out);
    return out;
}

/* Kernels from 6.5 on put two devices of their own between a port and the one that has a driver. */
static const char *find_driver(const char *folder, char out[JIG_SYSFS_TEXT])
{
    char above[JIG_SYSFS_PATH + 16], subsystem[JIG_SYSFS_TEXT];
    snprintf(above, sizeof above, "%s/../..", folder);
    bool inner =
        jig_sysfs_link(folder, "subsystem", subsystem) && !strcmp(subsystem, "serial-base");
    return jig_sysfs_link(inner ? above : folder, "driver", out) ? out : NULL;
}

static void describe(const struct sp_port *sp, const struct jig_holders *holders,
                     jig_port_info_fn *fn, void *data)
{
    char path[PATH_MAX], address[sizeof "serial:" + PATH_MAX], folder[JIG_SYSFS_PATH];
    char driver[JIG_SYSFS_TEXT], place[JIG_SYSFS_TEXT], texts[4][JIG_SYSFS_TEXT];
    struct jig_port_holder held[JIG_PORT_HOLDERS];
    const char *node = sp_get_port_name(sp);
    const char *slash = strrchr(node, '/');
    struct jig_port_info info = {.address = address, .name = node, .vid = -1, .pid = -1};
    snprintf(folder, sizeof folder, "%s/%.200s/device", terminals, slash ? slash + 1 : node);
    info.description = clean(sp_get_port_description(sp), texts[0]);
    info.manufacturer = clean(sp_get_port_usb_manufacturer(sp), texts[1]);
    info.product = clean(sp_get_port_usb_product(sp), texts[2]);
    info.serial = clean(sp_get_port_usb_serial(sp), texts[3]);
    if (sp_get_port_usb_vid_pid(sp, &info.vid, &info.pid) != SP_OK)
        info.vid = info.pid = -1;
    info.path = jig_sysfs_usb_path(folder, place) ? place : NULL;
    info.driver = find_driver(folder, driver);
    info.holders = held;
    info.n_holders = jig_holders_of(holders, node, held);
    find_by_path(node, path);
    snprintf(address, sizeof address, "serial:%s", path);
    fn(data, &info);
}

int jig_serial_list(jig_port_info_fn *fn, void *data, struct jig_error *err)
{
    struct sp_port **ports;
    int code = list_ports(&ports, err);
    if (code < 0)
        return code;
    struct jig_holders *holders = ports && ports[0] ? jig_holders_look() : NULL;
    for (int i = 0; ports && ports[i]; i++)
        describe(ports[i], holders, fn, data);
    jig_holders_free(holders);
    free_ports(ports);
    return JIG_OK;
}
