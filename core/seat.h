/* The seats of a token: files FOLDER/TOKEN.0, FOLDER/TOKEN.1, ..., one for each CLI that may run at
 * a time, shared by all jig processes of the host.
 *
 * Who holds a seat has a flock on its file; the CLI that works there inherits the descriptor, so a
 * seat is free when the holder *and* its CLI are gone, however they ended. The lock is given back
 * by closing alone. While a process waits it keeps the descriptors of the taken seats open and only
 * tries their locks again, so that waiting makes no noise for those who watch the folder. A file
 * that was removed or replaced meanwhile is opened anew.
 *
 * In a seat's file stands who holds it, and the CLI that works there. Processes that wait hold a
 * shared lock on FOLDER/TOKEN.waiting, by which one who releases a seat sees that it is wanted
 * elsewhere. Jigs that give one token different widths use the seats of their own width.
 */
#ifndef JIG_CORE_SEAT_H
#define JIG_CORE_SEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

enum { JIG_SEATS_MAX = 1024, JIG_TOKEN_MAX = 64 };

/* Who holds a seat; `cli` and what follows are 0 while no CLI works there. */
struct jig_seat_record {
    int64_t pid;
    uint64_t start; /* as in process.h */
    int64_t cli;
    uint64_t cli_start;
    int64_t deadline; /* ns of CLOCK_BOOTTIME: when the CLI should have ended, grace included */
};

enum jig_seat_state {
    JIG_SEAT_AWAY,  /* no descriptor */
    JIG_SEAT_TAKEN, /* by another process; the descriptor is kept to try again */
    JIG_SEAT_OURS,  /* its lock is ours, and nobody of us sits there */
    JIG_SEAT_USED,  /* its lock is ours */
};

struct jig_seat {
    enum jig_seat_state state;
    int fd;
    int64_t ending; /* process id of an orphaned CLI that got TERM, and when it gets KILL */
    int64_t kill_at;
};

struct jig_seats {
    char *folder, *token;
    struct jig_seat *seats;
    int width;
    int waiting; /* descriptor of the mark */
    bool marked;
    uint64_t start; /* of this process */
};

/* Whether a token may be called that: 1 to 64 of [A-Za-z0-9_.-], not a dot at first. */
bool jig_seats_name(const char *token);

/* Makes what is missing of the folder (its last part group-writable) and checks that files can be
 * made there. JIG_EINVALID for a name or width that is none; else the error says what to do. */
int jig_seats_open(struct jig_seats *seats, const char *folder, const char *token, int width,
                   struct jig_error *err);
void jig_seats_close(struct jig_seats *seats);

/* Takes one of the seats that are ours or free: its number. JIG_AGAIN when all are taken. */
int jig_seats_take(struct jig_seats *seats, struct jig_error *err);

/* Gives a used seat back: to the host, or with `keep` to this process alone (JIG_SEAT_OURS). */
void jig_seats_give(struct jig_seats *seats, int number, bool keep);

/* Closes all descriptors but those of used seats. */
void jig_seats_rest(struct jig_seats *seats);

/* Marks that this process waits, or no longer does. */
void jig_seats_mark(struct jig_seats *seats, bool waits);

/* Whether another process waits. */
bool jig_seats_wanted(const struct jig_seats *seats);

/* Writes into a used seat's file which CLI works there; 0 = none. */
void jig_seats_sign(const struct jig_seats *seats, int number, int64_t cli, int64_t deadline);

/* What stands in a taken seat's file. False when it cannot be read. */
bool jig_seats_read(const struct jig_seats *seats, int number, struct jig_seat_record *record);

/* A CLI at a taken seat whose jig is gone ends when its deadline has passed: TERM for its process
 * group, KILL after `grace` ns. Gives the ns after which to look again, JIG_FOREVER = there is no
 * such CLI. `ended` is set when it was just sent TERM, for who tells people. */
int64_t jig_seats_end_orphan(struct jig_seats *seats, int number, int64_t grace,
                             struct jig_seat_record *ended);

/* ns of CLOCK_BOOTTIME. */
int64_t jig_seats_clock(void);

#endif
