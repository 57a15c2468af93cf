/* What the device has still to send: pieces in order, each after a pause, with a hang-up as a
 * possible last one. */
#ifndef SIM_OUTBOX_H
#define SIM_OUTBOX_H

#include "bytes.h"
#include "endpoint.h"

struct outbox_piece {
    struct sim_bytes bytes;
    unsigned long delay_ms; /* after the piece before it was sent */
    bool hang_up;
};

struct outbox {
    struct outbox_piece *pieces;
    size_t count;
    size_t cap;
    size_t at;   /* the piece that is next */
    size_t sent; /* of that piece */
    int64_t due; /* when that piece may go; 0: not known yet */
};

/* Copies the bytes. */
void outbox_add(struct outbox *o, unsigned long delay_ms, const uint8_t *data, size_t len);
void outbox_add_hang_up(struct outbox *o, unsigned long delay_ms);
/* Sends what is due. Returns true when it came to a hang-up, which the caller does. */
bool outbox_send(struct outbox *o, struct endpoint *e, int64_t now);
/* When outbox_send has something to do: a time, or INT64_MAX. */
int64_t outbox_due(const struct outbox *o);
/* True when something is due and only the wire is in the way. */
bool outbox_is_blocked(const struct outbox *o, int64_t now);
void outbox_clear(struct outbox *o);
void outbox_free(struct outbox *o);

#endif
