/* What the kernel says of devices in /sys: attributes, one to a file. They can be read without
 * opening a device, without permission for it, and without waiting for it.
 *
 * Much of it is what a device says of itself, and so hostile: each text is cut at JIG_SYSFS_TEXT,
 * and is to be cleaned before it is shown.
 */
#ifndef JIG_TRANSPORTS_SYSFS_H
#define JIG_TRANSPORTS_SYSFS_H

#include <stdbool.h>

enum {
    JIG_SYSFS_TEXT = 3 * 126 + 2, /* bytes with newline and NUL: 126 characters of UTF-16 at most
                                     fit a descriptor, and the kernel makes UTF-8 of them */
    JIG_SYSFS_PATH = 320,         /* of a folder */
};

/* The first line of an attribute, as it is. False and "" when there is none. */
bool jig_sysfs_read(const char *folder, const char *attribute, char out[JIG_SYSFS_TEXT]);

/* The last part of what a link of the folder points to: of "driver" the driver's name. False and ""
 * when there is none. */
bool jig_sysfs_link(const char *folder, const char *name, char out[JIG_SYSFS_TEXT]);

/* Where the device that the folder belongs to is plugged in, as the kernel writes it: "1-2.3".
 * False and "" when it is not on USB. */
bool jig_sysfs_usb_path(const char *folder, char out[JIG_SYSFS_TEXT]);

/* Makes a text fit to be shown, in place: what is not UTF-8, controls, and what turns the direction
 * of writing or cannot be seen become '?'. */
void jig_sysfs_clean(char *text);

#endif
