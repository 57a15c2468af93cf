/* Timed output. */
#include "outbox.h"

#include <stdio.h>
#include <stdlib.h>

static struct outbox_piece *add(struct outbox *o, unsigned long delay_ms)
{
    if (o->count == o->cap) {
        size_t cap = o->cap * 2 + 16;
        struct outbox_piece *pieces = realloc(o->pieces, cap * sizeof *pieces);
        if (pieces == NULL) {
            (void)fprintf(stderr, "simulator: out of memory\n");
            abort();
        }
        o->pieces = pieces;
        o->cap = cap;
    }
    struct outbox_piece *piece = &o->pieces[o->count++];
    *piece = (struct outbox_piece){.delay_ms = delay_ms};
    return piece;
}

void outbox_add(struct outbox *o, unsigned long delay_ms, const uint8_t *data, size_t len)
{
    if (len > 0) {
        sim_bytes_add(&add(o, delay_ms)->bytes, data, len);
    }
}

void outbox_add_hang_up(struct outbox *o, unsigned long delay_ms)
{
    add(o, delay_ms)->hang_up = true;
}

bool outbox_send(struct outbox *o, struct endpoint *e, int64_t now)
{
    while (o->at < o->count) {
        struct outbox_piece *piece = &o->pieces[o->at];
        if (o->due == 0) {
            o->due = now + (int64_t)piece->delay_ms * 1000000;
        }
        if (o->due > now) {
            return false;
        }
        if (piece->hang_up) {
            return true;
        }
        o->sent += endpoint_write(e, piece->bytes.data + o->sent, piece->bytes.len - o->sent);
        if (o->sent < piece->bytes.len) {
            return false;
        }
        o->at++;
        o->sent = 0;
        o->due = 0;
    }
    outbox_clear(o);
    return false;
}

int64_t outbox_due(const struct outbox *o)
{
    return o->at < o->count ? o->due : INT64_MAX;
}

bool outbox_is_blocked(const struct outbox *o, int64_t now)
{
    return o->at < o->count && o->due != 0 && o->due <= now;
}

void outbox_clear(struct outbox *o)
{
    for (size_t i = 0; i < o->count; i++) {
        sim_bytes_free(&o->pieces[i].bytes);
    }
    o->count = 0;
    o->at = 0;
    o->sent = 0;
    o->due = 0;
}

void outbox_free(struct outbox *o)
{
    outbox_clear(o);
    free(o->pieces);
    *o = (struct outbox){0};
}
