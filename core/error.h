/* Results and errors of core/ and transports/.
 *
 * Success is 0 or a count; failure is a negative `enum jig_err`. JIG_AGAIN is a normal result of
 * its own ("would block: ask to be told when ready"), never an error to report.
 * A failing call fills the caller's `struct jig_error` and leaves it alone on success; there is
 * no global last error. `text` is complete: it may be printed as it is.
 */
#ifndef JIG_CORE_ERROR_H
#define JIG_CORE_ERROR_H

enum jig_err {
    JIG_OK = 0,
    JIG_AGAIN = -1,        /* would block; not a failure */
    JIG_EMISUSE = -2,      /* the caller's bug: closed object, two waiters, wrong order */
    JIG_EINVALID = -3,     /* data from outside is malformed */
    JIG_ESYSTEM = -4,      /* the operating system refused; see `sys` */
    JIG_ENOMEM = -5,       /* no memory */
    JIG_EUNSUPPORTED = -6, /* this transport cannot do that */
    JIG_ETIMEOUT = -7,     /* a limit passed */
    JIG_ECLOSED = -8,      /* closed by ourselves while waiting */
    JIG_ECANCELLED = -9,   /* interrupted: the unit is being stopped */
    JIG_ELOST = -10,       /* the other side went away: unplugged, hung up, peer closed */
    JIG_ENOTFOUND = -11,   /* no such device, file, host or program */
    JIG_EBUSY = -12,       /* held by somebody else */
    JIG_EDENIED = -13,     /* no permission, or not executable */
    JIG_ELIMIT = -14,      /* a cap on size or count was exceeded */
    JIG_EREFUSED = -15,    /* the other side answered, and said no */
    JIG_EKILLED = -16,     /* a child process was ended by a signal */
    JIG_EDUPLICATE = -17,  /* it exists already, and there may be only one */
    JIG_ERECORD = -18,     /* the journal cannot take it */
    JIG_ETOKEN = -19,      /* the token's gate was not passed in time */
    JIG_ENOTOKEN = -20,    /* the other side says that its token is missing */
    JIG_ETOKENBUSY = -21,  /* ... that it is busy */
    JIG_EPIN = -22,        /* ... that it refused the PIN */
};

enum { JIG_ERROR_TEXT = 256 };

struct jig_error {
    enum jig_err code;
    int sys; /* errno when code came from the operating system, else 0 */
    char text[JIG_ERROR_TEXT];
};

/* A stable word for `code` ("timeout", "lost", ...), never NULL. Lua sees these words. */
const char *jig_err_name(enum jig_err code);

/* The code of a word; JIG_OK for one that is none of a failure. */
enum jig_err jig_err_of(const char *name);

/* Fills *err (which may be NULL) and returns `code`. Text over the cap is cut. */
int jig_fail(struct jig_error *err, enum jig_err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed system call: the code is chosen from `sys` (an errno value), its text is
 * appended after ": ". */
int jig_fail_sys(struct jig_error *err, int sys, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
