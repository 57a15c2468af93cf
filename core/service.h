/* The service: how the vendor's CLI is called at this station. */
#ifndef JIG_CORE_SERVICE_H
#define JIG_CORE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/factory_cli.h"
#include "core/handover.h"

/* How a refusal says that something is the matter with the token: by its exit status, or by a text
 * in what it printed on stderr (plain, letters of either case). Nothing by default. */
struct jig_token_trouble {
    const int *statuses;
    size_t n_statuses;
    const char *const *patterns; /* NULL-terminated; NULL = none */
};

/* The token that all calls of this service use, and their gate: see gate.h. */
struct jig_token {
    const char *name;   /* NULL = no seats */
    const char *folder; /* of the seats */
    int width;          /* CLI calls that it bears at once, in all jig processes; default 1 */
    struct jig_token_trouble missing, busy, pin;
    struct jig_handover handover; /* of its PIN; none by default */
};

/* Everything that the vendor does not document is here, with
 * a strict default (jig_service_init). */
struct jig_service {
    struct jig_factory_cli cli;
    const char *const *env; /* NULL-terminated; NULL = what environment.h lets through */
    const char *cwd;        /* NULL = jig's own */
    const int *accepted;    /* exit statuses that mean success */
    size_t n_accepted;
    double limit[4]; /* seconds a call may take, by enum jig_factory_command */
    double gate;     /* seconds it may wait before, for the token; default 600 */
    size_t calls;    /* CLI calls of this process at once, whatever the token; 0 = no limit */
    struct jig_token token;
    double grace;        /* seconds between TERM and KILL for a call that must end */
    double stop;         /* seconds that a running call gets once its unit is interrupted */
    double hurry;        /* seconds that any call gets once it is interrupted again */
    bool report_refused; /* report a new_device that was refused; default false */
    bool report_unclear; /* report when it is unknown whether one was opened; default true */
    bool report_again;   /* call report_error again after one whose outcome is unknown; true */
};

/* The strict defaults: exit status 0; 60 s a call; grace 2 s, stop 10 s, hurry 3 s; no token. */
void jig_service_init(struct jig_service *service, const char *program);

/* A copy on the heap that owns all it points to, for sessions to share; each session holds it, and
 * so does the caller until it drops it. NULL when there is no memory. */
struct jig_service *jig_service_share(const struct jig_service *service);
/* One more holder of a shared service; returns it. */
struct jig_service *jig_service_hold(struct jig_service *shared);
void jig_service_drop(struct jig_service *shared); /* NULL is harmless */

#endif
