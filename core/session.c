/* See session.h; what a service is made of stands in service.c. */
#include "core/session.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/proc.h"

enum {
    STDERR_SHOWN = 120, /* characters of the CLI's stderr in a message */
    HEX_SHOWN = 15,     /* hex digits in a row there */
};

struct jig_session {
    struct jig_loop *loop;
    struct jig_service *service;
    const struct jig_log *log;
    char id[JIG_CLI_SESSION_CAP + 1];
    char name[64];
    enum jig_session_state state;
    bool maybe_open;    /* a session may be open at the service */
    bool report_tried;  /* report_error was called */
    bool report_closed; /* and must not be called again */
    bool released;
    unsigned interrupts;
    int64_t deadline;                 /* of the running call */
    bool cut;                         /* an interrupt brought it forward */
    enum jig_factory_command command; /* of the running call */
    struct jig_proc *proc;            /* NULL = no call is running */
    jig_session_fn *fn;
    void *data;
    int32_t last_code; /* what to report when it was released with a call running */
    char last_reason[JIG_CLI_REASON_CAP + 1];
};

struct tally {
    size_t busy, unreported;
};

static const char tally_key;

static const enum jig_session_state before[] = {
    [JIG_NEW_DEVICE] = JIG_SESSION_IDLE,
    [JIG_GET_DEVICE_CONFIGURATION] = JIG_SESSION_OPENED,
    [JIG_HANDLE_DEVICE_RESPONSE] = JIG_SESSION_CONFIGURED,
};
static const enum jig_session_state during[] = {
    [JIG_NEW_DEVICE] = JIG_SESSION_OPENING,
    [JIG_GET_DEVICE_CONFIGURATION] = JIG_SESSION_CONFIGURING,
    [JIG_HANDLE_DEVICE_RESPONSE] = JIG_SESSION_FINISHING,
    [JIG_REPORT_ERROR] = JIG_SESSION_REPORTING,
};
static const enum jig_session_state after[] = {
    [JIG_NEW_DEVICE] = JIG_SESSION_OPENED,
    [JIG_GET_DEVICE_CONFIGURATION] = JIG_SESSION_CONFIGURED,
    [JIG_HANDLE_DEVICE_RESPONSE] = JIG_SESSION_ENDED,
    [JIG_REPORT_ERROR] = JIG_SESSION_ENDED,
};

static struct tally *tally_of(struct jig_loop *loop)
{
    return jig_loop_local(loop, &tally_key, sizeof(struct tally));
}

size_t jig_session_busy(struct jig_loop *loop)
{
    const struct tally *tally = tally_of(loop);
    return tally ? tally->busy : 0;
}

size_t jig_session_unreported(struct jig_loop *loop)
{
    const struct tally *tally = tally_of(loop);
    return tally ? tally->unreported : 0;
}

/* ---- what a call came to ---- */

static bool accepted(const struct jig_service *service, int status)
{
    for (size_t i = 0; i < service->n_accepted; i++)
        if (service->accepted[i] == status)
            return true;
    return false;
}

/* Takes long hex numbers but the session's own id out of a line: a CLI that repeats its arguments
 * in an error text must not put a response into a message. */
static void hide_hex(char *line, const char *id)
{
    char *out = line;
    for (const char *in = line; *in;) {
        size_t n = strspn(in, "0123456789abcdefABCDEF");
        bool hidden = n > HEX_SHOWN && !(n == strlen(id) && strncmp(in, id, n) == 0);
        size_t shown = hidden ? 3 : n ? n : 1;
        memmove(out, hidden ? "..." : in, shown);
        out += shown;
        in += n ? n : 1;
    }
    *out = '\0';
}

/* The first line of what it printed on stderr, fit for a message. */
static void first_line(char *line, size_t size, const struct jig_buf *err)
{
    const uint8_t *bytes = jig_buf_data(err);
    size_t n = jig_buf_len(err), used = 0;
    for (size_t i = 0; i < n && bytes[i] != '\n' && used + 1 < size; i++)
        if (isprint(bytes[i]))
            line[used++] = (char)bytes[i];
    line[used] = '\0';
}

static int fail_refused(const struct jig_session *s, const struct jig_proc_result *r,
                        struct jig_error *err)
{
    char line[STDERR_SHOWN];
    first_line(line, sizeof line, &r->err);
    hide_hex(line, s->id);
    return jig_fail(err, JIG_EREFUSED, "%s: exit status %d%s%s",
                    jig_factory_command_name(s->command), r->number, line[0] ? ": " : "", line);
}

/* Also one that cannot be read: who prints it has opened a session. */
static bool printed_payload(const struct jig_buf *out)
{
    static const char key[] = "PAYLOAD";
    return memmem(jig_buf_data(out), jig_buf_len(out), key, sizeof key - 1) != NULL;
}

/* Fills `result` from how the program ended and what it printed. */
static void judge(struct jig_session *s, const struct jig_proc_result *r,
                  struct jig_session_result *result)
{
    const char *what = jig_factory_command_name(s->command);
    result->exit_status = r->end == JIG_PROC_EXITED ? r->number : -1;
    result->rc = jig_proc_check(r, what, &result->err);
    if (result->rc == JIG_ETIMEOUT && s->cut)
        result->rc =
            jig_fail(&result->err, JIG_ECANCELLED, "%s: interrupted, and ended by jig after %.3g s",
                     what, (double)result->took / JIG_SECOND);
    if (result->rc == JIG_OK && !accepted(s->service, r->number))
        result->rc = fail_refused(s, r, &result->err);
    if (result->rc == JIG_OK) {
        struct jig_error err;
        result->rc = jig_factory_cli_parse(s->command, jig_buf_data(&r->out), jig_buf_len(&r->out),
                                           result->answer, &err);
        if (result->rc < 0)
            jig_fail(&result->err, err.code, "%s: %s", what, err.text);
    }
}

static void trace(const struct jig_session *s, const struct jig_session_result *result,
                  const struct jig_proc_result *r)
{
    char digest[64];
    if (!s->log || s->log->level < JIG_LOG_TRACE)
        return;
    jig_digest_brief(digest, sizeof digest, jig_buf_data(&r->out), jig_buf_len(&r->out));
    jig_log(s->log, JIG_LOG_TRACE, "%s cli %s %s: %s, %s, %.1f ms", s->name,
            jig_factory_command_name(s->command), s->id,
            result->rc == JIG_OK ? "ok" : jig_err_name(result->rc), digest,
            (double)result->took / JIG_MS);
}

/* ---- transitions ---- */

/* Whether new_device may have opened a session although it failed. */
static bool may_have_opened(const struct jig_session *s, const struct jig_session_result *result,
                            const struct jig_proc_result *r)
{
    if (result->rc == JIG_EREFUSED && !printed_payload(&r->out))
        return s->service->report_refused;
    return s->service->report_unclear;
}

static void failed(struct jig_session *s)
{
    s->state = s->maybe_open ? JIG_SESSION_OWING : JIG_SESSION_ENDED;
}

static void settle_command(struct jig_session *s, const struct jig_session_result *result,
                           const struct jig_proc_result *r)
{
    if (result->rc == JIG_OK) {
        s->state = after[s->command];
        s->maybe_open = s->command != JIG_HANDLE_DEVICE_RESPONSE;
        return;
    }
    if (s->command == JIG_NEW_DEVICE)
        s->maybe_open = may_have_opened(s, result, r);
    failed(s);
}

static void settle_report(struct jig_session *s, const struct jig_session_result *result)
{
    if (result->rc == JIG_OK)
        s->maybe_open = false;
    else if (result->rc != JIG_EREFUSED)
        s->report_closed = !s->service->report_again;
    failed(s);
}

static void go_on_alone(struct jig_session *s);

static void call_ended(void *data, struct jig_proc_result *r)
{
    struct jig_session *s = data;
    struct jig_factory_answer answer = {0};
    struct jig_session_result result = {
        .started = true, .answer = &answer, .took = r->ended - r->started};
    s->proc = NULL;
    judge(s, r, &result);
    trace(s, &result, r);
    if (s->command == JIG_REPORT_ERROR)
        settle_report(s, &result);
    else
        settle_command(s, &result, r);
    if (s->released)
        go_on_alone(s);
    else
        s->fn(s->data, &result);
    jig_factory_answer_release(&answer);
}

/* ---- calls ---- */

static double limit_of(const struct jig_session *s, enum jig_factory_command command)
{
    double limit = s->service->limit[command];
    return s->interrupts > 1 && limit > s->service->hurry ? s->service->hurry : limit;
}

static int start(struct jig_session *s, const struct jig_factory_call *call, struct jig_error *err)
{
    const struct jig_service *service = s->service;
    struct jig_factory_argv argv = {0};
    int rc = jig_factory_cli_argv(&argv, &service->cli, call, err);
    if (rc < 0)
        return rc;
    int64_t now = jig_loop_now(s->loop);
    s->deadline = jig_clock_after(now, limit_of(s, call->command));
    s->cut = s->interrupts > 1 && s->service->hurry < s->service->limit[call->command];
    struct jig_proc_options options = {
        .argv = (const char *const *)argv.words,
        .env = service->env,
        .cwd = service->cwd,
        .deadline = s->deadline,
        .grace = jig_clock_after(0, service->grace),
        .cap = JIG_CLI_OUTPUT_CAP,
    };
    struct jig_error why;
    s->proc = jig_proc_start(s->loop, &options, call_ended, s, &why);
    jig_factory_argv_release(&argv);
    if (!s->proc)
        return jig_fail(err, why.code, "%s: %s", jig_factory_command_name(call->command), why.text);
    s->command = call->command;
    return JIG_OK;
}

static struct jig_factory_call new_call(const struct jig_session *s,
                                        enum jig_factory_command command)
{
    return (struct jig_factory_call){
        .command = command, .session = s->id, .session_len = strlen(s->id)};
}

static int command(struct jig_session *s, const struct jig_factory_call *call, jig_session_fn *fn,
                   void *data, struct jig_error *err)
{
    if (s->proc || s->state != before[call->command])
        return jig_fail(err, JIG_EMISUSE, "%s cannot be called now: the session is %s",
                        jig_factory_command_name(call->command), jig_session_state_name(s->state));
    int rc = start(s, call, err);
    if (rc < 0) {
        failed(s);
        return rc;
    }
    if (call->command == JIG_NEW_DEVICE)
        s->maybe_open = true; /* from here on, until its answer tells otherwise */
    s->state = during[call->command];
    s->fn = fn;
    s->data = data;
    return JIG_OK;
}

int jig_session_new_device(struct jig_session *s, jig_session_fn *fn, void *data,
                           struct jig_error *err)
{
    struct jig_factory_call call = new_call(s, JIG_NEW_DEVICE);
    return command(s, &call, fn, data, err);
}

static int respond(struct jig_session *s, enum jig_factory_command which, const void *response,
                   size_t n, jig_session_fn *fn, void *data, struct jig_error *err)
{
    struct jig_factory_call call = new_call(s, which);
    call.response = response;
    call.response_len = n;
    return command(s, &call, fn, data, err);
}

int jig_session_get_device_configuration(struct jig_session *s, const void *response, size_t n,
                                         jig_session_fn *fn, void *data, struct jig_error *err)
{
    return respond(s, JIG_GET_DEVICE_CONFIGURATION, response, n, fn, data, err);
}

int jig_session_handle_device_response(struct jig_session *s, const void *response, size_t n,
                                       jig_session_fn *fn, void *data, struct jig_error *err)
{
    return respond(s, JIG_HANDLE_DEVICE_RESPONSE, response, n, fn, data, err);
}

int jig_session_report(struct jig_session *s, int32_t code, const char *reason, jig_session_fn *fn,
                       void *data, struct jig_error *err)
{
    struct jig_factory_call call = new_call(s, JIG_REPORT_ERROR);
    if (s->proc || !s->maybe_open || s->report_closed)
        return jig_fail(err, JIG_EMISUSE, "report_error cannot be called now: the session is %s%s",
                        jig_session_state_name(s->state),
                        s->report_closed ? " and its report's outcome is unknown" : "");
    call.code = code;
    call.reason = reason;
    call.reason_len = strlen(reason);
    s->report_tried = true;
    int rc = start(s, &call, err);
    s->state = rc < 0 ? JIG_SESSION_OWING : JIG_SESSION_REPORTING;
    s->fn = fn;
    s->data = data;
    return rc;
}

void jig_session_interrupt(struct jig_session *s, unsigned times)
{
    s->interrupts = times;
    if (!s->proc || (times < 2 && s->command == JIG_REPORT_ERROR))
        return;
    double seconds = times < 2 ? s->service->stop : s->service->hurry;
    int64_t deadline = jig_clock_after(jig_loop_now(s->loop), seconds);
    if (deadline >= s->deadline)
        return;
    s->deadline = deadline;
    s->cut = true;
    jig_proc_limit(s->proc, deadline);
}

/* ---- life ---- */

struct jig_session *jig_session_new(struct jig_loop *loop, struct jig_service *service,
                                    const struct jig_log *log, const char *id, const char *name,
                                    struct jig_error *err)
{
    struct jig_factory_argv argv = {0};
    struct jig_factory_call call = {
        .command = JIG_NEW_DEVICE, .session = id, .session_len = strlen(id)};
    if (jig_factory_cli_argv(&argv, &service->cli, &call, err) < 0)
        return NULL;
    jig_factory_argv_release(&argv);
    struct jig_session *s = calloc(1, sizeof *s);
    if (!s || !tally_of(loop)) {
        jig_fail(err, JIG_ENOMEM, "no memory for a session");
        free(s);
        return NULL;
    }
    s->loop = loop;
    s->service = jig_service_hold(service);
    s->log = log;
    snprintf(s->id, sizeof s->id, "%s", id);
    snprintf(s->name, sizeof s->name, "%s", name);
    return s;
}

/* A released session after each of its calls: reports once, then is gone. */
static void go_on_alone(struct jig_session *s)
{
    struct jig_error err;
    if (s->maybe_open && !s->report_tried) {
        if (jig_session_report(s, s->last_code, s->last_reason, NULL, NULL, &err) == JIG_OK)
            return;
        jig_log(s->log, JIG_LOG_ERROR, "%s session %s: %s", s->name, s->id, err.text);
    }
    struct tally *tally = tally_of(s->loop);
    tally->busy--;
    tally->unreported += s->maybe_open;
    jig_service_drop(s->service);
    explicit_bzero(s, sizeof *s);
    free(s);
}

void jig_session_release(struct jig_session *s, int32_t code, const char *reason)
{
    if (!s)
        return;
    s->released = true;
    s->last_code = code;
    snprintf(s->last_reason, sizeof s->last_reason, "%s", reason);
    tally_of(s->loop)->busy++;
    if (!s->proc)
        go_on_alone(s);
}

enum jig_session_state jig_session_state(const struct jig_session *s)
{
    return s->state;
}

const char *jig_session_state_name(enum jig_session_state state)
{
    static const char *const names[] = {
        [JIG_SESSION_IDLE] = "idle",
        [JIG_SESSION_OPENING] = "opening",
        [JIG_SESSION_OPENED] = "opened",
        [JIG_SESSION_CONFIGURING] = "configuring",
        [JIG_SESSION_CONFIGURED] = "configured",
        [JIG_SESSION_FINISHING] = "finishing",
        [JIG_SESSION_OWING] = "owing a report",
        [JIG_SESSION_REPORTING] = "reporting",
        [JIG_SESSION_ENDED] = "ended",
    };
    return names[state];
}

const char *jig_session_id(const struct jig_session *s)
{
    return s->id;
}

bool jig_session_owes(const struct jig_session *s)
{
    return s->maybe_open;
}
