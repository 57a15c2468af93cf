/* See usbip.h. The layouts are those of the kernel's Documentation/usb/usbip_protocol.rst. */
#include "usbip.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTROLLER "/sys/devices/platform/vhci_hcd.0/"

enum { HEAD = 48, SUBMITTED = 3, UNLINKED = 4, STATUS_FREE = 4 };

static uint32_t get(const uint8_t *head, size_t word)
{
    uint32_t value;
    memcpy(&value, head + 4 * word, 4);
    return ntohl(value);
}

static void put(uint8_t *head, size_t word, uint32_t value)
{
    value = htonl(value);
    memcpy(head + 4 * word, &value, 4);
}

bool usbip_is_free(unsigned port)
{
    char line[128];
    bool is_free = false;
    FILE *file = fopen(CONTROLLER "status", "re");
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        unsigned number, status;
        if (sscanf(line, "hs %u %u", &number, &status) == 2 && number == port)
            is_free = status == STATUS_FREE;
    }
    fclose(file);
    return is_free;
}

static bool tell_controller(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int why = errno;
    close(fd);
    errno = why;
    return written;
}

int usbip_plug(unsigned port, unsigned speed)
{
    char text[64];
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -1;
    snprintf(text, sizeof text, "%u %d %u %u", port, ends[0], 1 << 16 | (port + 1), speed);
    bool plugged = tell_controller(CONTROLLER "attach", text);
    int why = errno;
    close(ends[0]); /* the kernel has one of its own */
    if (plugged)
        return ends[1];
    close(ends[1]);
    errno = why;
    return -1;
}

static bool read_all(int fd, void *bytes, size_t n)
{
    return recv(fd, bytes, n, MSG_WAITALL) == (ssize_t)n;
}

bool usbip_read(int fd, struct usbip_request *request)
{
    uint8_t head[HEAD];
    if (!read_all(fd, head, sizeof head))
        return false;
    bool in = get(head, 3) != 0;
    request->command = get(head, 0);
    request->number = get(head, 1);
    request->endpoint = (uint8_t)(get(head, 4) | (in ? USBIP_IN : 0u));
    request->unlinks = get(head, 5);
    if (request->command == USBIP_UNLINK)
        return true;
    request->length = get(head, 6);
    memcpy(request->setup, head + 40, sizeof request->setup);
    if (request->command != USBIP_SUBMIT || request->length > USBIP_MOST)
        return false;
    return in || !request->length || read_all(fd, request->data, request->length);
}

/* That the host is gone shows at the next read. */
static void send_all(int fd, const uint8_t head[HEAD], const void *bytes, size_t n)
{
    if (send(fd, head, HEAD, MSG_NOSIGNAL | (n ? MSG_MORE : 0)) == HEAD && n)
        (void)send(fd, bytes, n, MSG_NOSIGNAL);
}

void usbip_answer(int fd, uint32_t number, int status, const void *bytes, size_t length)
{
    uint8_t head[HEAD] = {0};
    put(head, 0, SUBMITTED);
    put(head, 1, number);
    put(head, 5, (uint32_t)status);
    put(head, 6, (uint32_t)length);
    send_all(fd, head, bytes, bytes ? length : 0);
}

void usbip_unlinked(int fd, uint32_t number, bool was_there)
{
    uint8_t head[HEAD] = {0};
    put(head, 0, UNLINKED);
    put(head, 1, number);
    put(head, 5, was_there ? (uint32_t)-ECONNRESET : 0);
    send_all(fd, head, NULL, 0);
}
