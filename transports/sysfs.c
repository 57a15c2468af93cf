/* See sysfs.h. */
#include "transports/sysfs.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool jig_sysfs_read(const char *folder, const char *attribute, char out[JIG_SYSFS_TEXT])
{
    char name[JIG_SYSFS_PATH + 64];
    out[0] = '\0';
    if (snprintf(name, sizeof name, "%s/%s", folder, attribute) >= (int)sizeof name)
        return false;
    FILE *file = fopen(name, "re");
    if (!file)
        return false;
    bool read = fgets(out, JIG_SYSFS_TEXT, file) != NULL;
    if (!read)
        out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    fclose(file);
    return read;
}

bool jig_sysfs_link(const char *folder, const char *link, char out[JIG_SYSFS_TEXT])
{
    char name[JIG_SYSFS_PATH + 64], target[PATH_MAX];
    out[0] = '\0';
    if (snprintf(name, sizeof name, "%s/%s", folder, link) >= (int)sizeof name)
        return false;
    ssize_t n = readlink(name, target, sizeof target - 1);
    if (n < 0)
        return false;
    target[n] = '\0';
    const char *slash = strrchr(target, '/');
    snprintf(out, JIG_SYSFS_TEXT, "%.200s", slash ? slash + 1 : target);
    return true;
}

/* "1-2.3:1.0" is an interface of the device at 1-2.3; parts of PCI addresses have colons, too. */
static size_t interface_of(const char *part)
{
    size_t bus = strspn(part, "0123456789");
    size_t ports = part[bus] == '-' ? strspn(part + bus + 1, "0123456789.") : 0;
    return bus && ports && part[bus + 1 + ports] == ':' ? bus + 1 + ports : 0;
}

bool jig_sysfs_usb_path(const char *folder, char out[JIG_SYSFS_TEXT])
{
    char path[PATH_MAX];
    out[0] = '\0';
    if (!realpath(folder, path))
        return false;
    for (const char *part = strchr(path, '/'); part; part = strchr(part + 1, '/')) {
        size_t n = interface_of(part + 1);
        if (n && n < JIG_SYSFS_TEXT)
            snprintf(out, JIG_SYSFS_TEXT, "%.*s", (int)n, part + 1);
    }
    return out[0] != '\0';
}

/* ---- texts ---- */

/* Bytes of the character at `text`, 0 when it is not UTF-8. */
static int decode(const char *text, uint32_t *character)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char first = (unsigned char)text[0];
    int n = first < 0x80 ? 1 : first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (!n || first > 0xF4)
        return 0;
    *character = n == 1 ? first : first & (0x7Fu >> n);
    for (int i = 1; i < n; i++) {
        if (((unsigned char)text[i] & 0xC0) != 0x80)
            return 0;
        *character = *character << 6 | ((unsigned char)text[i] & 0x3F);
    }
    bool surrogate = *character >= 0xD800 && *character <= 0xDFFF;
    return *character < least[n] || *character > 0x10FFFF || surrogate ? 0 : n;
}

static bool can_be_shown(uint32_t c)
{
    bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
    bool unseen = c == 0xAD || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
                  (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
                  c >= 0xE0000;
    return !control && !unseen;
}

void jig_sysfs_clean(char *text)
{
    char *to = text;
    while (*text) {
        uint32_t c = 0;
        int n = decode(text, &c);
        if (n && can_be_shown(c)) {
            memmove(to, text, (size_t)n);
            to += n;
        } else {
            *to++ = '?';
        }
        text += n ? n : 1;
    }
    *to = '\0';
}
