/* Growing bytes, hex, JSON text, time and files for the simulator programs. */
#include "bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void reserve(struct sim_bytes *b, size_t more)
{
    if (b->cap - b->len >= more) {
        return;
    }
    size_t cap = b->cap * 2 + more + 64;
    uint8_t *data = realloc(b->data, cap);
    if (data == NULL) {
        (void)fprintf(stderr, "simulator: out of memory\n");
        abort();
    }
    b->data = data;
    b->cap = cap;
}

void sim_bytes_add(struct sim_bytes *b, const void *data, size_t len)
{
    if (len == 0) {
        return;
    }
    reserve(b, len);
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

void sim_bytes_byte(struct sim_bytes *b, uint8_t byte)
{
    sim_bytes_add(b, &byte, 1);
}

void sim_bytes_text(struct sim_bytes *b, const char *text)
{
    sim_bytes_add(b, text, strlen(text));
}

void sim_bytes_format(struct sim_bytes *b, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (len > 0) {
        sim_bytes_add(b, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
    }
}

void sim_bytes_hex(struct sim_bytes *b, const uint8_t *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        sim_bytes_byte(b, (uint8_t)digits[data[i] >> 4]);
        sim_bytes_byte(b, (uint8_t)digits[data[i] & 15]);
    }
}

/* The length of the UTF-8 sequence that starts here (RFC 3629), or 0 when it is none. The text ends
 * with NUL, which is no continuation byte, so nothing behind it is read. */
static size_t utf8_length(const uint8_t *s)
{
    if (s[0] < 0x80) {
        return 1;
    }
    size_t len = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || s[0] > 0xF4) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90);
    bool surrogate = s[0] == 0xED && s[1] > 0x9F;
    bool too_high = s[0] == 0xF4 && s[1] > 0x8F;
    return overlong || surrogate || too_high ? 0 : len;
}

void sim_bytes_json(struct sim_bytes *b, const char *text)
{
    const uint8_t *s = (const uint8_t *)text;
    sim_bytes_byte(b, '"');
    while (*s != 0) {
        size_t len = utf8_length(s);
        if (len == 0 || *s < 0x20 || *s == 0x7F) {
            sim_bytes_format(b, "\\u%04x", (unsigned)*s);
            len = 1;
        } else {
            if (*s == '"' || *s == '\\') {
                sim_bytes_byte(b, '\\');
            }
            sim_bytes_add(b, s, len);
        }
        s += len;
    }
    sim_bytes_byte(b, '"');
}

void sim_bytes_big(struct sim_bytes *b, uint64_t value, size_t width)
{
    for (size_t i = width; i > 0; i--) {
        sim_bytes_byte(b, (uint8_t)(value >> (8 * (i - 1)) & 0xFF));
    }
}

void sim_bytes_little(struct sim_bytes *b, uint64_t value, size_t width)
{
    for (size_t i = 0; i < width; i++) {
        sim_bytes_byte(b, (uint8_t)(value >> (8 * i) & 0xFF));
    }
}

void sim_bytes_drop(struct sim_bytes *b, size_t n)
{
    if (n == 0) {
        return;
    }
    b->len -= n;
    memmove(b->data, b->data + n, b->len);
}

void sim_bytes_free(struct sim_bytes *b)
{
    free(b->data);
    *b = (struct sim_bytes){0};
}

uint64_t sim_read_big(const uint8_t *data, size_t width)
{
    uint64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        value = value << 8 | data[i];
    }
    return value;
}

uint64_t sim_read_little(const uint8_t *data, size_t width)
{
    uint64_t value = 0;
    for (size_t i = width; i > 0; i--) {
        value = value << 8 | data[i - 1];
    }
    return value;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int sim_hex_decode(const char *text, struct sim_bytes *out)
{
    for (; *text != 0; text += 2) {
        int high = digit_value(text[0]);
        int low = high < 0 ? -1 : digit_value(text[1]);
        if (low < 0) {
            return -1;
        }
        sim_bytes_byte(out, (uint8_t)(high * 16 + low));
    }
    return 0;
}

int sim_number(const char *text, unsigned long max, unsigned long *out)
{
    size_t len = strspn(text, "0123456789");
    if (len == 0 || len > 19 || text[len] != 0) {
        return -1;
    }
    *out = strtoul(text, NULL, 10);
    return *out <= max ? 0 : -1;
}

bool sim_is_name(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strlen(text);
    return len >= 1 && len <= 64 && text[0] != '.' && strspn(text, allowed) == len;
}

int sim_write_all(int fd, const void *data, size_t len)
{
    const uint8_t *from = data;
    while (len > 0) {
        ssize_t n = write(fd, from, len);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        if (n > 0) {
            from += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

int sim_replace_file(int dir, const char *name, const void *data, size_t len)
{
    char temporary[128];
    (void)snprintf(temporary, sizeof temporary, ".%s.%ld", name, (long)getpid());
    int fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -1;
    }
    int result = sim_write_all(fd, data, len);
    if (close(fd) < 0) {
        result = -1;
    }
    if (result == 0) {
        result = renameat(dir, temporary, dir, name);
    }
    if (result < 0) {
        int saved = errno;
        (void)unlinkat(dir, temporary, 0);
        errno = saved;
    }
    return result;
}

int sim_read_file(int dir, const char *name, struct sim_bytes *out)
{
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    char part[4096];
    ssize_t n = 1;
    while (n != 0) {
        n = read(fd, part, sizeof part);
        if (n > 0) {
            sim_bytes_add(out, part, (size_t)n);
        } else if (n < 0 && errno != EINTR) {
            break;
        }
    }
    int saved = errno;
    (void)close(fd);
    errno = saved;
    return n < 0 ? -1 : 0;
}

int64_t sim_now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void sim_sleep_ms(unsigned long ms)
{
    struct timespec rest = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&rest, &rest) < 0 && errno == EINTR) {
        continue;
    }
}
