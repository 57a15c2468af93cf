/*
 * A stand-in for the vendor's factory_tool: the documented four commands and outputs, over a
 * simulated service in a directory.
 *
 *   factory_tool new_device SID
 *   factory_tool get_device_configuration SID HEX
 *   factory_tool handle_device_response SID HEX
 *   factory_tool report_error SID CODE REASON
 *
 * Environment: SIM_DIR, SIM_DELAY_MS, SIM_TOOL_FAULT, SIM_PIN. Exit status: enum service_result.
 * See README.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agreement.h"
#include "audit.h"
#include "bytes.h"
#include "misbehave.h"
#include "pin.h"
#include "service.h"

static const char USAGE[] = "factory_tool new_device SID | get_device_configuration SID HEX | "
                            "handle_device_response SID HEX | "
                            "report_error SID CODE REASON";

enum { DELAY_MAX_MS = 3600 * 1000 };

struct call {
    struct service service;
    struct audit audit;
    struct misbehave misbehave;
    struct service_answer answer;
    char *faults; /* the misbehaviours point into it */
    unsigned long delay_ms;
};

static enum service_result trouble(const char *what)
{
    (void)fprintf(stderr, "factory_tool: %s: %s\n", what, strerror(errno));
    return SERVICE_TROUBLE;
}

/* SIM_DIR; else a folder of this user's own among the temporary files: jig gives its CLI no
 * variable that nobody named. */
static const char *directory(char *own, size_t size)
{
    const char *path = getenv("SIM_DIR");
    if (path != NULL && *path != 0) {
        return path;
    }
    const char *above = getenv("TMPDIR");
    (void)snprintf(own, size, "%s/factory_service.%u",
                   above != NULL && *above != 0 ? above : "/tmp", (unsigned)getuid());
    return own;
}

/* Somebody else may have made that folder first. */
static bool is_mine(int dir)
{
    struct stat st;
    errno = EPERM;
    return fstat(dir, &st) == 0 && st.st_uid == geteuid() &&
           (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static enum service_result open_directory(struct call *c)
{
    char own[PATH_MAX];
    const char *path = directory(own, sizeof own);
    if (mkdir(path, 0700) < 0 && errno != EEXIST) {
        return trouble(path);
    }
    int last = path == own ? O_NOFOLLOW : 0;
    c->service.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | last);
    if (c->service.dir < 0 || (path == own && !is_mine(c->service.dir))) {
        return trouble(path);
    }
    c->audit.fd =
        openat(c->service.dir, "audit.jsonl", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return c->audit.fd < 0 ? trouble("audit.jsonl") : SERVICE_OK;
}

static void note_arguments(struct audit *a, int argc, char **argv)
{
    a->command = argc > 1 ? argv[1] : "";
    a->session = argc > 2 ? argv[2] : NULL;
    bool is_report = strcmp(a->command, "report_error") == 0;
    if (is_report) {
        a->code = argc > 3 ? argv[3] : NULL;
        a->reason = argc > 4 ? argv[4] : NULL;
    } else {
        a->response = argc > 3 ? argv[3] : NULL;
    }
}

static bool is_well_formed(const char *command, int argc)
{
    static const struct {
        const char *name;
        int argc;
    } commands[] = {{"new_device", 3},
                    {"get_device_configuration", 4},
                    {"handle_device_response", 4},
                    {"report_error", 5}};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(commands[i].name, command) == 0) {
            return commands[i].argc == argc;
        }
    }
    return false;
}

/* NULL, or what is wrong with arguments or environment. */
static const char *prepare(struct call *c, int argc)
{
    const char *why = NULL;
    const char *delay = getenv("SIM_DELAY_MS");
    char *faults = getenv("SIM_TOOL_FAULT");
    if (!is_well_formed(c->audit.command, argc)) {
        return USAGE;
    }
    if (delay != NULL && *delay != 0 && sim_number(delay, DELAY_MAX_MS, &c->delay_ms) < 0) {
        return "SIM_DELAY_MS is no number of milliseconds up to an hour";
    }
    if (faults != NULL && *faults != 0) {
        c->faults = strdup(faults);
        if (c->faults == NULL ||
            misbehave_parse(&c->misbehave, c->service.dir, c->faults, c->audit.command, &why) < 0) {
            return why == NULL ? "out of memory" : why;
        }
    }
    return NULL;
}

static enum service_result serve(struct call *c)
{
    const struct audit *a = &c->audit;
    if (strcmp(a->command, "new_device") == 0) {
        return service_new_device(&c->service, a->session, &c->answer);
    }
    if (strcmp(a->command, "get_device_configuration") == 0) {
        return service_configure(&c->service, a->session, a->response, &c->answer);
    }
    if (strcmp(a->command, "handle_device_response") == 0) {
        return service_finish(&c->service, a->session, a->response, &c->answer);
    }
    return service_report(&c->service, a->session, &c->answer);
}

/* From the accepted call to its printed answer. */
static enum service_result answer(struct call *c)
{
    if (misbehave_print(&c->misbehave, &c->answer) < 0) {
        return trouble("stdout");
    }
    if (c->answer.fingerprint[0] != 0 && !c->misbehave.spoils_answer) {
        return service_handed(&c->service, c->audit.session, &c->answer);
    }
    return SERVICE_OK;
}

/* The exit status; *outcome is for the audit. */
static int perform(struct call *c, const char **outcome)
{
    static const char *const outcomes[] = {"accepted",     "refused", "usage", "already_reported",
                                           "manufactured", "trouble", "pin"};
    sim_sleep_ms(c->delay_ms);
    int status = misbehave_act(&c->misbehave, false);
    if (status >= 0) {
        *outcome = "refused";
        return status;
    }
    enum service_result result =
        pin_check(c->service.dir, &c->answer.why) == PIN_RIGHT ? serve(c) : SERVICE_PIN;
    if (result == SERVICE_OK) {
        status = misbehave_act(&c->misbehave, true);
        if (status >= 0) {
            *outcome = "accepted"; /* though the tool says otherwise */
            return status;
        }
        result = answer(c);
    }
    *outcome = outcomes[result];
    if (c->answer.why != NULL) {
        (void)fprintf(stderr, "factory_tool: %s\n", c->answer.why);
    }
    return (int)result;
}

int main(int argc, char **argv)
{
    struct call c = {.service = {.dir = -1}, .audit = {.fd = -1, .started = sim_now()}};
    c.service.audit = &c.audit;
    c.audit.faults = getenv("SIM_TOOL_FAULT");
    sim_crypto_init();
    note_arguments(&c.audit, argc, argv);
    if (open_directory(&c) != SERVICE_OK) {
        return SERVICE_TROUBLE;
    }
    if (audit_start(&c.audit) < 0) {
        return (int)trouble("audit.jsonl");
    }
    const char *outcome = "usage";
    int status = SERVICE_USAGE;
    const char *why = prepare(&c, argc);
    if (why == NULL) {
        status = perform(&c, &outcome);
    } else {
        (void)fprintf(stderr, "factory_tool: %s\n", why);
    }
    if (audit_end(&c.audit, status, outcome) < 0) {
        status = (int)trouble("audit.jsonl");
    }
    service_answer_free(&c.answer);
    free(c.faults);
    (void)close(c.audit.fd);
    (void)close(c.service.dir);
    return status;
}
