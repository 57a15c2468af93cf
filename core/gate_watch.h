/* Sees that seats of a token become free: inotify on their folder. No other file sees inotify. */
#ifndef JIG_CORE_GATE_WATCH_H
#define JIG_CORE_GATE_WATCH_H

#include "core/loop.h"

struct jig_gate_watch;

/* Calls fn(data) from the loop when a seat's file was closed for the last time by one who had it
 * open, a moment before its lock is gone, or was removed. NULL where that cannot be had. */
struct jig_gate_watch *jig_gate_watch_new(struct jig_loop *loop, const char *folder,
                                          const char *token, void (*fn)(void *data), void *data);

void jig_gate_watch_free(struct jig_gate_watch *watch); /* NULL is harmless */

#endif
