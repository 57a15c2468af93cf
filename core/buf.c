/* See buf.h. Growth doubles, so that n appended bytes cost O(n). */
#include "core/buf.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 512 };

/* Moves the contents so that `front` free bytes precede them, in a block of `size` bytes. */
static int relocate(struct jig_buf *b, size_t front, size_t size)
{
    size_t len = jig_buf_len(b);
    uint8_t *bytes = malloc(size);
    if (!bytes)
        return -1;
    if (b->bytes) {
        memcpy(bytes + front, b->bytes + b->head, len);
        explicit_bzero(b->bytes, b->tail); /* nothing was ever written behind it */
    }
    free(b->bytes);
    b->bytes = bytes;
    b->head = front;
    b->tail = front + len;
    b->size = size;
    return 0;
}

static int allowed(const struct jig_buf *b, size_t n)
{
    size_t len = jig_buf_len(b);
    return n <= SIZE_MAX / 4 - len && (!b->cap || len + n <= b->cap);
}

static size_t grown(const struct jig_buf *b, size_t need)
{
    size_t size = b->size ? b->size : FIRST_SIZE;
    while (size < need)
        size *= 2;
    return size;
}

uint8_t *jig_buf_reserve(struct jig_buf *b, size_t n)
{
    size_t len = jig_buf_len(b);
    if (!allowed(b, n))
        return NULL;
    if (b->bytes && jig_buf_room(b) >= n)
        return b->bytes + b->tail;
    if (b->bytes && len + n <= b->size) {
        size_t stale = b->tail;
        memmove(b->bytes, b->bytes + b->head, len);
        explicit_bzero(b->bytes + len, stale - len);
        b->head = 0;
        b->tail = len;
    } else if (relocate(b, 0, grown(b, len + n)) < 0) {
        return NULL;
    }
    return b->bytes + b->tail;
}

void jig_buf_added(struct jig_buf *b, size_t n)
{
    b->tail += n;
}

int jig_buf_append(struct jig_buf *b, const void *bytes, size_t n)
{
    uint8_t *at = jig_buf_reserve(b, n);
    if (!at)
        return -1;
    if (n)
        memcpy(at, bytes, n);
    b->tail += n;
    return 0;
}

void jig_buf_consume(struct jig_buf *b, size_t n)
{
    b->head += n;
    if (b->head == b->tail) {
        if (b->bytes)
            explicit_bzero(b->bytes, b->tail);
        b->head = b->tail = 0;
    }
}

int jig_buf_unread(struct jig_buf *b, const void *bytes, size_t n)
{
    if (!n)
        return 0;
    if (!allowed(b, n))
        return -1;
    if (b->head < n && relocate(b, n, grown(b, jig_buf_len(b) + n)) < 0)
        return -1;
    b->head -= n;
    memcpy(b->bytes + b->head, bytes, n);
    return 0;
}

void jig_buf_release(struct jig_buf *b)
{
    if (b->bytes)
        explicit_bzero(b->bytes, b->tail);
    free(b->bytes);
    b->bytes = NULL;
    b->head = b->tail = b->size = 0;
}
