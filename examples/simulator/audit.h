/*
 * The audit file: an independent witness of every call. One JSON object per line, each appended by
 * one write, so that lines of processes that run at once never mix. It never holds bytes of a
 * message, only a length and the start of a SHA-256.
 */
#ifndef SIM_AUDIT_H
#define SIM_AUDIT_H

#include "bytes.h"

struct audit {
    int fd;
    int64_t started;     /* CLOCK_MONOTONIC, ns */
    const char *command; /* "" when there was none; all four borrowed from the argument vector, NULL
                            when absent */
    const char *session;
    const char *response;
    const char *code;
    const char *reason;
    const char *faults; /* the fault switches as given, or NULL */
};

/* Writes the line "start". Returns 0 or -1 with errno. */
int audit_start(struct audit *a);
/* Writes the line "commit": the service now holds the session in this state. */
int audit_commit(const struct audit *a, const char *state, unsigned attempt);
/* Writes the line "end". A call that was killed has none. */
int audit_end(const struct audit *a, int status, const char *outcome);

#endif
