/* A port: one open wire to a device, whatever its kind.
 *
 * A *transport* is a kind of wire (a const vtable, one file in transports/); a *port* is an open
 * instance; an *address* (address.h) selects it. port.c owns what is the same for all kinds: the
 * input buffer, one waiter per direction, paced writes, tracing, and what an absent member means.
 *
 * Nothing here blocks and nothing waits by itself: try, and on JIG_AGAIN ask jig_port_wait() to be
 * told. A port that answered JIG_ELOST stays lost: every later read and write says so again, after
 * the bytes that had arrived before were handed out.
 */
#ifndef JIG_CORE_PORT_H
#define JIG_CORE_PORT_H

#include "core/address.h"
#include "core/buf.h"
#include "core/error.h"
#include "core/log.h"
#include "core/loop.h"
#include <stdbool.h>

enum {
    JIG_PORT_INPUT_CAP = 1 << 20, /* bytes that wait in `in`; then JIG_ELIMIT until some are read */
    JIG_PORT_READ_SIZE = 16384,   /* bytes asked of the transport at once */
    JIG_CONTROL_CAP = 4096,       /* bytes of a control request: more, the kernel does not take */
};

/* An event beside JIG_READABLE and JIG_WRITABLE: a control request has ended. */
enum { JIG_ANSWERED = 4 };

struct jig_port;

/* One thing that can be set on an open port: "dtr", "rts", "break" (0 or 1), "baud" (per second),
 * "latency" (ms) ... A transport that does not know the name answers JIG_EUNSUPPORTED. */
struct jig_setting {
    const char *name;
    int64_t number;
};

/* A control request, which goes beside the stream of bytes, as USB has them. Bit 7 of request_type:
 * the device answers with `length` bytes at most. */
struct jig_control {
    uint8_t request_type, request;
    uint16_t value, index, length;
    const uint8_t *data; /* what is sent */
    uint8_t *answer;     /* room for `length` bytes; filled when the request has ended */
};

enum {
    JIG_SERIAL_CAP = 380, /* 126 characters at most fit a descriptor of USB, as UTF-8, and a NUL */
    JIG_PATH_CAP = 40,
};

/* What the system knows of the device behind an open port; "" = nothing. */
struct jig_port_about {
    char serial[JIG_SERIAL_CAP]; /* its serial number, to the letter */
    char path[JIG_PATH_CAP];     /* where it is plugged in, as the option `path` of its addresses */
};

enum { JIG_PORT_HOLDERS = 4 }; /* programs that are told of one device at most */

/* A program that has a device's node open. */
struct jig_port_holder {
    int pid;
    char program[32]; /* "" = unknown */
};

/* A device that `jig ports` lists. Strings live during the call only; unknown ones are NULL. What a
 * device says of itself is cut, and has no control characters. */
struct jig_port_info {
    const char *address; /* usable as it is: "serial:/dev/serial/by-path/..." */
    const char *name;    /* the short node: "/dev/ttyUSB0" */
    const char *path;    /* where on USB it is plugged in: "1-2.3" */
    const char *driver;  /* the kernel's; several are separated by commas */
    const char *description, *manufacturer, *product, *serial;
    int vid, pid; /* -1 = none */
    const struct jig_port_holder *holders;
    size_t n_holders;
};
typedef void jig_port_info_fn(void *data, const struct jig_port_info *info);

struct jig_transport {
    const char *scheme;  /* of its addresses */
    const char *summary; /* one line for people */
    size_t priv_size;    /* bytes of private data, zeroed before open */

    /* Starts to open port->address. 0 = open; JIG_AGAIN = under way, jig_port_opened() follows from
     * the loop; negative = failed, everything undone. Options of the address that the transport
     * does not know are an error that names them. The deadline is the caller's business. */
    int (*open)(struct jig_port *port, struct jig_error *err);

    /* Undoes open, also one that is under way or lost. Called once. No callback after it. */
    void (*close)(struct jig_port *port);

    /* Bytes now, > 0; JIG_AGAIN; JIG_ELOST at end of stream or unplug. n > 0. */
    int (*read)(struct jig_port *port, void *bytes, size_t n, struct jig_error *err);
    int (*write)(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err);

    /* Which events port.c wants to be told by jig_port_ready(); replaces the former choice. Told
     * from the loop only, repeatedly while the condition holds. */
    int (*want)(struct jig_port *port, unsigned events, struct jig_error *err);

    /* 0 = all that was written has left this machine as far as it can tell, JIG_AGAIN = not yet
     * (ask again after a millisecond). NULL: nothing to drain. */
    int (*drain)(struct jig_port *port, struct jig_error *err);

    /* Drops input that the system holds. NULL: port.c reads until JIG_AGAIN. */
    int (*discard)(struct jig_port *port, struct jig_error *err);

    int (*set)(struct jig_port *port, const struct jig_setting *setting, struct jig_error *err);

    /* Begins a control request, or looks how the one under way does: the bytes that it moved, 0 or
     * more; JIG_AGAIN = JIG_ANSWERED will be told, call again with the same; JIG_EREFUSED = the
     * device does not do that. NULL for the request: the one under way is given up, and what it
     * points to is not looked at any more. NULL for the member: there are none. */
    int (*control)(struct jig_port *port, const struct jig_control *control, struct jig_error *err);

    /* Fills in what is known of the device behind an open port, lost or not; *about was zeroed.
     * NULL: nothing is. */
    void (*about)(const struct jig_port *port, struct jig_port_about *about);

    /* Whether the device that the address names is there now, without opening it: 1, 0, or why that
     * cannot be told. NULL: only opening it can tell. */
    int (*present)(struct jig_loop *loop, const struct jig_address *address, struct jig_error *err);

    /* Calls fn, which returns, for each device that could be opened now. NULL: such wires cannot be
     * listed. */
    int (*list)(jig_port_info_fn *fn, void *data, struct jig_error *err);
};

enum jig_direction { JIG_INPUT, JIG_OUTPUT, JIG_ANSWER, JIG_DIRECTIONS };

/* Told once that the direction may be tried again, or that opening ended. From the loop only. */
typedef void jig_port_fn(void *data);

struct jig_port_waiter {
    jig_port_fn *fn; /* NULL = nobody waits */
    void *data;
};

struct jig_port {
    const struct jig_transport *transport;
    struct jig_loop *loop;
    const struct jig_log *log; /* may be NULL */
    char name[64];             /* for messages: the slot's name or the address */
    struct jig_address address;
    void *priv;
    struct jig_buf in; /* bytes that arrived and were not consumed; consume with jig_buf_consume */

    size_t chunk; /* at most so many bytes in one write; 0 = no pacing */
    int64_t gap;  /* ns of silence after each chunk */

    /* private to port.c */
    enum { JIG_PORT_CLOSED, JIG_PORT_OPENING, JIG_PORT_OPEN, JIG_PORT_LOST } state;
    struct jig_error failure; /* why opening failed, or why it was lost */
    struct jig_port_waiter waiter[JIG_DIRECTIONS];
    struct jig_timer pause; /* until the next chunk may go */
    int64_t next_write;
    unsigned wanted; /* what the transport was last asked to tell */
    uint64_t received, sent;
};

/* A closed port for an address, of the transport that transports/table.c lists under its scheme.
 * Takes over *address (it is released with the port, also on failure). NULL with *err filled. */
struct jig_port *jig_port_new(struct jig_loop *loop, const struct jig_log *log,
                              struct jig_address *address, const char *name, struct jig_error *err);

/* Closes if open and frees. A waiter is told first and finds JIG_ECLOSED. NULL is harmless. */
void jig_port_free(struct jig_port *port);

/* Ports that were not freed. */
size_t jig_port_count(struct jig_loop *loop);

/* 0 = open, JIG_AGAIN = ask jig_port_wait(port, JIG_OUTPUT, ...) and call again, negative = failed.
 */
int jig_port_open(struct jig_port *port, struct jig_error *err);

/* Idempotent. The input buffer is dropped. Waiters are told from the next loop pass. */
void jig_port_close(struct jig_port *port);

/* Reads once into port->in: bytes added (> 0), JIG_AGAIN, JIG_ELIMIT when the buffer is full,
 * JIG_ELOST, JIG_ECLOSED. */
int jig_port_fill(struct jig_port *port, struct jig_error *err);

/* Bytes accepted (> 0), JIG_AGAIN, or failure. n > 0. Honours chunk and gap. */
int jig_port_write(struct jig_port *port, const void *bytes, size_t n, struct jig_error *err);

int jig_port_drain(struct jig_port *port, struct jig_error *err);

/* Empties port->in and what the system holds: bytes dropped, or negative. Dropped bytes are handed
 * to `each` (may be NULL) first, so that they can go to the device's log. */
int jig_port_discard(struct jig_port *port, void (*each)(void *data, const void *bytes, size_t n),
                     void *data, struct jig_error *err);

int jig_port_set(struct jig_port *port, const struct jig_setting *setting, struct jig_error *err);

/* As the transport's member; wait for JIG_ANSWER on JIG_AGAIN. */
int jig_port_control(struct jig_port *port, const struct jig_control *control,
                     struct jig_error *err);

/* What is known of the device behind a port that was opened; nothing of one that is closed. */
void jig_port_about(const struct jig_port *port, struct jig_port_about *about);

/* Whether the device that an address names is there now: 1, 0, JIG_EUNSUPPORTED where only opening
 * it can tell, or another failure. */
int jig_port_present(struct jig_loop *loop, const struct jig_address *address,
                     struct jig_error *err);

/* Asks to be told once when the direction may be tried again. JIG_EMISUSE when somebody else
 * already waits for that direction: two readers would each get half. JIG_ECLOSED when closed. */
int jig_port_wait(struct jig_port *port, enum jig_direction direction, jig_port_fn *fn, void *data,
                  struct jig_error *err);
void jig_port_unwait(struct jig_port *port, enum jig_direction direction); /* harmless when none */

/* ---- for transports ---- */

void jig_port_opened(struct jig_port *port, const struct jig_error *err); /* NULL err = open */
void jig_port_ready(struct jig_port *port, unsigned events);

/* Says JIG_EINVALID "address option 'x' is unknown: ..." for the first query option that is not in
 * the NULL-terminated list `known`; 0 when all are. */
int jig_port_check_options(const struct jig_port *port, const char *const *known,
                           struct jig_error *err);

/* ---- transports/table.c ---- */

extern const struct jig_transport *const jig_transports[]; /* NULL-terminated */

#endif
