/*
 * The simulated Secure Factory Service: strict state per session, in a directory. A session goes
 *
 *   opened -> configured -> finished -> handed
 *
 * and from the first three also to "reported". "finished" means that the service made the device
 * valid; "handed", that the tool has printed the fingerprint too. Only then is a report refused:
 * before, the factory may not know that its device is made. After "reported" new_device may open
 * the same id again, as its next attempt.
 */
#ifndef SIM_SERVICE_H
#define SIM_SERVICE_H

#include "audit.h"
#include "bytes.h"

/* Also the exit statuses of factory_tool. */
enum service_result {
    SERVICE_OK = 0,
    SERVICE_REFUSED = 1,
    SERVICE_USAGE = 2,
    SERVICE_ALREADY_REPORTED = 3,
    SERVICE_MANUFACTURED = 4, /* a report after the fingerprint was handed out */
    SERVICE_TROUBLE = 5,      /* the simulator itself: SIM_DIR, disk, OpenSSL */
    SERVICE_PIN = 6,          /* the token refuses the PIN, is blocked, or got none */
};

/* What a command prints: SCP and PAYLOAD, or FINGERPRINT, or nothing. Free the bytes with
 * service_answer_free. */
struct service_answer {
    unsigned scp;
    struct sim_bytes payload;
    char fingerprint[41]; /* hex; empty: none */
    const char *why;      /* of a refusal: a static string */
};

struct service {
    int dir; /* SIM_DIR */
    const struct audit *audit;
};

enum service_result service_new_device(struct service *s, const char *id,
                                       struct service_answer *out);
enum service_result service_configure(struct service *s, const char *id, const char *response,
                                      struct service_answer *out);
enum service_result service_finish(struct service *s, const char *id, const char *response,
                                   struct service_answer *out);
enum service_result service_report(struct service *s, const char *id, struct service_answer *out);
/* The fingerprint was printed whole. */
enum service_result service_handed(struct service *s, const char *id, struct service_answer *out);

void service_answer_free(struct service_answer *a);

#endif
