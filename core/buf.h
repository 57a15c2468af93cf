/* A queue of bytes: appended at the tail, consumed from the head.
 *
 * Invariants: `head <= tail <= size`; `bytes` is NULL only while size is 0. A zeroed struct is an
 * empty buffer with no cap. Bytes that were consumed are cleared when the memory is reused or
 * released, since they may be payload. Nothing here knows what the bytes mean.
 */
#ifndef JIG_CORE_BUF_H
#define JIG_CORE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct jig_buf {
    uint8_t *bytes;
    size_t head, tail, size;
    size_t cap; /* jig_buf_reserve refuses to hold more than this many bytes; 0 = no cap */
};

/* The bytes that are waiting, and how many. The pointer is valid until the next call. */
static inline const uint8_t *jig_buf_data(const struct jig_buf *b)
{
    return b->bytes ? b->bytes + b->head : (const uint8_t *)"";
}

static inline size_t jig_buf_len(const struct jig_buf *b)
{
    return b->tail - b->head;
}

/* Room for at least n more bytes at the tail: returns where to write them, NULL when the cap or
 * the memory does not allow it. Follow with jig_buf_added(). */
uint8_t *jig_buf_reserve(struct jig_buf *b, size_t n);

/* How many bytes fit at the tail without moving anything. */
static inline size_t jig_buf_room(const struct jig_buf *b)
{
    return b->size - b->tail;
}

/* Counts n bytes that the caller wrote at the tail. n <= jig_buf_room(). */
void jig_buf_added(struct jig_buf *b, size_t n);

/* Appends a copy. 0, or -1 when the cap or the memory does not allow it (nothing appended). */
int jig_buf_append(struct jig_buf *b, const void *bytes, size_t n);

/* Drops n bytes from the head. n <= jig_buf_len(). */
void jig_buf_consume(struct jig_buf *b, size_t n);

/* Puts bytes back in front of the head, as if they had not been consumed. 0 or -1 as append. */
int jig_buf_unread(struct jig_buf *b, const void *bytes, size_t n);

/* Clears and frees the contents; the struct is empty again and keeps its cap. */
void jig_buf_release(struct jig_buf *b);

#endif
