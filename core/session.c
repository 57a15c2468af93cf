/* See session.h; what a service is made of stands in service.c, how an answer is judged in judge.c.
 */
#include "core/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/digest.h"
#include "core/facts.h"
#include "core/gate.h"
#include "core/judge.h"
#include "core/proc.h"

struct jig_session {
    struct jig_loop *loop;
    struct jig_service *service;
    const struct jig_log *log;
    struct jig_journal *journal; /* NULL = nothing is recorded */
    struct jig_gate *gate;       /* NULL = there is none to pass */
    char id[JIG_CLI_SESSION_CAP + 1];
    char name[64];
    int attempt;
    char *record; /* what "opening" says */
    int lock;     /* of an owner that is gone; -1 = none */
    enum jig_session_state state;
    bool maybe_open;    /* a session may be open at the service */
    bool orphaned;      /* who recovers it decides what is tried, and counts */
    bool report_tried;  /* report_error was called */
    bool report_closed; /* and must not be called again */
    bool released;
    unsigned interrupts;
    /* the running call: it passes the gate, its intent is recorded, its program runs, its outcome
     * is recorded */
    enum jig_factory_command command;
    struct jig_factory_argv argv;
    struct jig_passage passage;
    struct jig_facts facts; /* of its intent, until that is recorded */
    struct jig_entry entry; /* on its way to the journal while `recording` */
    bool recording;
    struct jig_proc *proc; /* NULL = no program is running */
    int64_t deadline;
    bool cut; /* an interrupt brought it forward */
    struct jig_session_result result;
    struct jig_factory_answer answer;
    jig_session_fn *fn;
    void *data;
    int32_t last_code; /* what to report when it was released with a call running */
    char last_reason[JIG_CLI_REASON_CAP + 1];
};

struct tally {
    size_t busy, unreported, kept;
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
/* What is durable before a command is called; what is recorded when it succeeded. A command without
 * an intent can be taken back: losing it loses nothing. */
static const enum jig_event_kind intent[] = {
    [JIG_NEW_DEVICE] = JIG_EVENT_OPENING,
    [JIG_GET_DEVICE_CONFIGURATION] = JIG_EVENT_KINDS,
    [JIG_HANDLE_DEVICE_RESPONSE] = JIG_EVENT_FINISHING,
    [JIG_REPORT_ERROR] = JIG_EVENT_REPORTING,
};
static const enum jig_event_kind success[] = {
    [JIG_NEW_DEVICE] = JIG_EVENT_OPENED,
    [JIG_GET_DEVICE_CONFIGURATION] = JIG_EVENT_CONFIGURED,
    [JIG_HANDLE_DEVICE_RESPONSE] = JIG_EVENT_FINISHED,
    [JIG_REPORT_ERROR] = JIG_EVENT_REPORTED,
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

size_t jig_session_kept(struct jig_loop *loop)
{
    const struct tally *tally = tally_of(loop);
    return tally ? tally->kept : 0;
}

static bool is_calling(const struct jig_session *s)
{
    return s->proc || s->recording || jig_gate_waits(&s->passage);
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

/* ---- the record ---- */

static void fill_entry(const struct jig_session *s, struct jig_entry *entry,
                       enum jig_event_kind kind, struct jig_facts *facts)
{
    *entry =
        (struct jig_entry){.kind = kind, .attempt = s->attempt, .facts = jig_facts_take(facts)};
    snprintf(entry->session, sizeof entry->session, "%s", s->id);
}

/* Records what nobody waits for. */
static void note(struct jig_session *s, enum jig_event_kind kind, struct jig_facts *facts)
{
    struct jig_entry *entry = s->journal ? malloc(sizeof *entry) : NULL;
    if (!entry) { /* what is lost is a step of the timeline */
        jig_facts_release(facts);
        return;
    }
    fill_entry(s, entry, kind, facts);
    entry->relaxed = true;
    jig_journal_append(s->journal, entry);
}

/* Records, and goes on in `then` when it is durable or cannot be. */
static void record(struct jig_session *s, enum jig_event_kind kind, struct jig_facts *facts,
                   void (*then)(struct jig_entry *entry))
{
    fill_entry(s, &s->entry, kind, facts);
    s->entry.done = then;
    s->entry.data = s;
    s->recording = true;
    jig_journal_append(s->journal, &s->entry);
}

static struct jig_facts why_facts(const struct jig_session *s)
{
    struct jig_facts facts = {0};
    jig_facts_text_member(&facts, "command", jig_factory_command_name(s->command));
    jig_facts_text_member(&facts, "code", jig_err_name((enum jig_err)s->result.rc));
    jig_facts_text_member(&facts, "why", s->result.err.text);
    return facts;
}

/* ---- the end of a call ---- */

static void go_on_alone(struct jig_session *s);

/* Tells who waits. The callback may release the session. */
static void deliver(struct jig_session *s)
{
    struct jig_session_result result = s->result;
    struct jig_factory_answer answer = s->answer;
    result.waited = jig_gate_waited(&s->passage);
    result.answer = &answer;
    explicit_bzero(&s->answer, sizeof s->answer);
    if (s->released)
        go_on_alone(s);
    else
        s->fn(s->data, &result);
    jig_factory_answer_release(&answer);
}

static void failed(struct jig_session *s)
{
    s->state = s->maybe_open ? JIG_SESSION_OWING : JIG_SESSION_ENDED;
}

/* What this process alone knows now. The line is the record: it holds all that one needs to enter
 * it by hand. */
static void lost_record(struct jig_session *s, const char *what)
{
    tally_of(s->loop)->unreported++;
    jig_log(s->log, JIG_LOG_ERROR, "%s NOT RECORDED: session %s %s %s (%s)", s->name, s->id, what,
            s->answer.fingerprint, s->entry.err.text);
}

static void outcome_kept(struct jig_entry *entry)
{
    struct jig_session *s = entry->data;
    s->recording = false;
    if (entry->kept == JIG_KEPT_NOWHERE)
        lost_record(s, jig_event_name(entry->kind));
    if (entry->kept != JIG_KEPT_JOURNAL && entry->kind == JIG_EVENT_FINISHED)
        s->result.rc =
            jig_fail(&s->result.err, JIG_ERECORD,
                     "the device is manufactured, but the journal does not take it%s: %s",
                     entry->kept == JIG_KEPT_EMERGENCY
                         ? "; the emergency file has the record"
                         : ", nor does the emergency file; it stands on stderr",
                     entry->err.text);
    deliver(s);
}

/* What the journal says of a call that failed. */
static enum jig_event_kind failure_kind(const struct jig_session *s)
{
    if (s->command == JIG_NEW_DEVICE)
        return s->maybe_open ? JIG_EVENT_UNKNOWN : JIG_EVENT_REFUSED;
    if (s->command ==
        JIG_REPORT_ERROR) /* one that could not be started is tried again later, too */
        return jig_judge_refused(s->result.rc) ? JIG_EVENT_REFUSED : JIG_EVENT_UNKNOWN;
    if (!s->result.started || s->command == JIG_GET_DEVICE_CONFIGURATION)
        return JIG_EVENT_FAILED;
    return jig_judge_refused(s->result.rc) ? JIG_EVENT_FAILED : JIG_EVENT_UNKNOWN;
}

/* The call is over and the state is settled: records the outcome and tells. What the next intent
 * makes durable with it is not waited for. */
static void conclude(struct jig_session *s)
{
    bool ok = s->result.rc == JIG_OK;
    struct jig_facts facts = {0};
    if (!s->journal) {
        deliver(s);
        return;
    }
    if (ok && s->answer.fingerprint[0])
        jig_facts_text_member(&facts, "fingerprint", s->answer.fingerprint);
    if (!ok)
        facts = why_facts(s);
    enum jig_event_kind kind = ok ? success[s->command] : failure_kind(s);
    if (s->state == JIG_SESSION_ENDED || s->command == JIG_REPORT_ERROR) {
        record(s, kind, &facts, outcome_kept);
    } else {
        note(s, kind, &facts);
        deliver(s);
    }
}

static void settle_command(struct jig_session *s, const struct jig_proc_result *r)
{
    if (s->result.rc == JIG_OK) {
        s->state = after[s->command];
        s->maybe_open = s->command != JIG_HANDLE_DEVICE_RESPONSE;
        return;
    }
    if (s->command == JIG_NEW_DEVICE)
        s->maybe_open = jig_judge_may_have_opened(s->service, &s->result, r);
    failed(s);
}

static void settle_report(struct jig_session *s)
{
    if (s->result.rc == JIG_OK)
        s->maybe_open = false;
    else if (!jig_judge_refused(s->result.rc))
        s->report_closed = !s->service->report_again;
    failed(s);
}

/* Three tries block a token: nobody of this process tries again. */
static void shut_gate(const struct jig_session *s)
{
    if (jig_gate_is_shut(s->loop))
        return;
    jig_log(s->log, JIG_LOG_ERROR, "%s %s; the CLI is not called any more", s->name,
            s->result.err.text);
    jig_gate_shut(s->loop, JIG_EPIN, s->result.err.text);
}

static void call_ended(void *data, struct jig_proc_result *r)
{
    struct jig_session *s = data;
    jig_gate_leave(&s->passage);
    struct jig_judged_call call = {s->service, s->id, s->command, s->cut};
    s->result = (struct jig_session_result){
        .started = true, .answer = &s->answer, .took = r->ended - r->started};
    s->proc = NULL;
    jig_judge(&call, r, &s->result);
    trace(s, &s->result, r);
    if (s->result.rc == JIG_EPIN)
        shut_gate(s);
    else if (s->result.rc == JIG_OK && s->passage.tries)
        jig_gate_accepted(s->loop);
    if (s->command == JIG_REPORT_ERROR)
        settle_report(s);
    else
        settle_command(s, r);
    conclude(s);
}

/* ---- calls ---- */

static double limit_of(const struct jig_session *s, enum jig_factory_command command)
{
    double limit = s->service->limit[command];
    return s->interrupts > 1 && limit > s->service->hurry ? s->service->hurry : limit;
}

/* Descriptors that the CLI holds as long as it lives: whose session it works on is not orphaned. */
static void add_locks(const struct jig_session *s, struct jig_proc_options *options)
{
    int lock = s->journal ? jig_journal_lock(s->journal) : -1;
    if (lock >= 0)
        options->kept[options->n_kept++] = lock;
    if (s->lock >= 0)
        options->kept[options->n_kept++] = s->lock;
    if (jig_gate_seat(&s->passage) >= 0)
        options->kept[options->n_kept++] = jig_gate_seat(&s->passage);
}

/* A failure to start gives the seat back. */
static int started(struct jig_session *s, const struct jig_error *why, struct jig_error *err)
{
    int64_t limit = s->deadline - jig_loop_now(s->loop);
    if (!s->proc) {
        jig_gate_leave(&s->passage);
        return jig_fail(err, why->code, "%s: %s", jig_factory_command_name(s->command), why->text);
    }
    jig_gate_calls(&s->passage, jig_proc_pid(s->proc), jig_clock_after(limit, s->service->grace));
    return JIG_OK;
}

/* Starts the program whose argument vector stands ready. */
static int start(struct jig_session *s, struct jig_error *err)
{
    const struct jig_service *service = s->service;
    s->deadline = jig_clock_after(jig_loop_now(s->loop), limit_of(s, s->command));
    s->cut = s->interrupts > 1 && service->hurry < service->limit[s->command];
    struct jig_proc_options options = {
        .argv = (const char *const *)s->argv.words,
        .env = service->env,
        .cwd = service->cwd,
        .deadline = s->deadline,
        .grace = jig_clock_after(0, service->grace),
        .cap = JIG_CLI_OUTPUT_CAP,
        .pinned = service->cli.pinned,
        .handover = &service->token.handover,
    };
    struct jig_error why;
    add_locks(s, &options);
    s->proc = jig_proc_start(s->loop, &options, call_ended, s, &why);
    jig_factory_argv_release(&s->argv);
    return started(s, &why, err);
}

/* Nothing was called: the state is what it would be had the call not been tried, but for the
 * failure. */
static void not_started(struct jig_session *s)
{
    if (s->command == JIG_NEW_DEVICE)
        s->maybe_open = false;
    failed(s);
}

/* An emergency file is enough for a report, which must be sent whatever the disk does; all else
 * waits for a journal that works. */
static bool intent_is_kept(const struct jig_session *s)
{
    return s->entry.kept == JIG_KEPT_JOURNAL ||
           (s->entry.kept == JIG_KEPT_EMERGENCY && s->command == JIG_REPORT_ERROR);
}

/* Nobody wants it called any more. A report is called all the same. */
static bool is_called_off(const struct jig_session *s)
{
    return (s->interrupts || s->released) && s->command != JIG_REPORT_ERROR;
}

static int fail_called_off(const struct jig_session *s, struct jig_error *err)
{
    return jig_fail(err, JIG_ECANCELLED,
                    s->interrupts ? "interrupted" : "nobody waits for it any more");
}

/* It passed the gate and is not called. */
static void give_up(struct jig_session *s)
{
    jig_gate_leave(&s->passage);
    jig_factory_argv_release(&s->argv);
    not_started(s);
}

static void intent_kept(struct jig_entry *entry)
{
    struct jig_session *s = entry->data;
    s->recording = false;
    s->result = (struct jig_session_result){.exit_status = -1, .answer = &s->answer};
    if (!intent_is_kept(s)) {
        s->result.rc = entry->err.code == JIG_EDUPLICATE ? JIG_EDUPLICATE : JIG_ERECORD;
        s->result.err = entry->err;
        s->result.err.code = (enum jig_err)s->result.rc;
        give_up(s);
        deliver(s);
    } else if (is_called_off(s)) {
        s->result.rc = fail_called_off(s, &s->result.err);
        give_up(s);
        conclude(s);
    } else if ((s->result.rc = start(s, &s->result.err)) < 0) {
        not_started(s);
        conclude(s);
    }
}

static void record_opening(struct jig_session *s)
{
    s->entry = (struct jig_entry){.kind = JIG_EVENT_OPENING,
                                  .attempt = s->attempt,
                                  .facts = s->record,
                                  .done = intent_kept,
                                  .data = s};
    snprintf(s->entry.session, sizeof s->entry.session, "%s", s->id);
    s->record = NULL;
    s->recording = true;
    jig_journal_append(s->journal, &s->entry);
}

static struct jig_factory_call new_call(const struct jig_session *s,
                                        enum jig_factory_command command)
{
    return (struct jig_factory_call){
        .command = command, .session = s->id, .session_len = strlen(s->id)};
}

/* The call failed before anything was recorded or called. */
static void fail_at_once(struct jig_session *s, int rc, const struct jig_error *err)
{
    s->result = (struct jig_session_result){.rc = rc, .exit_status = -1, .err = *err};
    if (s->maybe_open && s->command != JIG_REPORT_ERROR) {
        struct jig_facts facts = why_facts(s);
        note(s, JIG_EVENT_FAILED, &facts);
    }
    failed(s);
}

/* Behind the gate: the intent, where there is one, then the program. */
static int go_in(struct jig_session *s, struct jig_error *err)
{
    if (!s->journal || intent[s->command] == JIG_EVENT_KINDS) {
        jig_facts_release(&s->facts);
        return start(s, err);
    }
    if (s->command == JIG_NEW_DEVICE)
        record_opening(s);
    else
        record(s, intent[s->command], &s->facts, intent_kept);
    return JIG_OK;
}

/* Nothing is recorded of a call that did not pass the gate, but that an open session failed. */
static void stayed_outside(struct jig_session *s, int rc, const struct jig_error *err)
{
    jig_factory_argv_release(&s->argv);
    jig_facts_release(&s->facts);
    if (s->command == JIG_NEW_DEVICE)
        s->maybe_open = false;
    fail_at_once(s, rc, err);
}

static void waited(struct jig_passage *passage, int rc, const struct jig_error *err)
{
    struct jig_session *s = passage->data;
    struct jig_error why = *err;
    if (is_called_off(s))
        rc = fail_called_off(s, &why);
    else if (rc == JIG_ETOKEN && s->cut)
        rc = jig_fail(&why, JIG_ECANCELLED, "interrupted: %s", err->text);
    else if (rc == JIG_OK)
        rc = go_in(s, &why);
    if (rc == JIG_OK)
        return;
    jig_gate_leave(&s->passage);
    stayed_outside(s, rc, &why);
    deliver(s);
}

static const enum jig_gate_order turn[] = {
    [JIG_NEW_DEVICE] = JIG_GATE_NEW,
    [JIG_GET_DEVICE_CONFIGURATION] = JIG_GATE_CONFIGURED,
    [JIG_HANDLE_DEVICE_RESPONSE] = JIG_GATE_CONFIGURED,
    [JIG_REPORT_ERROR] = JIG_GATE_REPORT,
};

/* JIG_AGAIN: it waits, and waited() is told. */
static int pass_gate(struct jig_session *s, struct jig_error *err)
{
    double hurry = s->service->hurry;
    s->cut = s->interrupts > 1 && hurry < s->service->gate;
    s->deadline = jig_clock_after(jig_loop_now(s->loop), s->cut ? hurry : s->service->gate);
    s->passage = (struct jig_passage){.order = turn[s->command],
                                      .name = s->name,
                                      .calls = s->service->calls,
                                      .tries = s->service->token.handover.secret != NULL,
                                      .deadline = s->deadline,
                                      .ended = waited,
                                      .data = s};
    return s->gate ? jig_gate_enter(s->gate, &s->passage, err) : jig_gate_check(s->loop, err);
}

/* The way of each call. A failure before anything was recorded or called is told at once. */
static int call(struct jig_session *s, const struct jig_factory_call *call, struct jig_facts *facts,
                jig_session_fn *fn, void *data, struct jig_error *err)
{
    s->command = call->command;
    s->facts = *facts;
    s->fn = fn;
    s->data = data;
    int rc = jig_factory_cli_argv(&s->argv, &s->service->cli, call, err);
    if (rc == JIG_OK)
        rc = pass_gate(s, err);
    if (rc == JIG_OK)
        rc = go_in(s, err);
    if (rc < 0 && rc != JIG_AGAIN) {
        stayed_outside(s, rc, err);
        return rc;
    }
    if (s->command == JIG_NEW_DEVICE)
        s->maybe_open = true; /* from here on, until its answer tells otherwise */
    s->state = during[s->command];
    return JIG_OK;
}

static int command(struct jig_session *s, const struct jig_factory_call *which, jig_session_fn *fn,
                   void *data, struct jig_error *err)
{
    struct jig_facts facts = {0};
    if (is_calling(s) || s->state != before[which->command])
        return jig_fail(err, JIG_EMISUSE, "%s cannot be called now: the session is %s",
                        jig_factory_command_name(which->command), jig_session_state_name(s->state));
    return call(s, which, &facts, fn, data, err);
}

int jig_session_new_device(struct jig_session *s, jig_session_fn *fn, void *data,
                           struct jig_error *err)
{
    struct jig_factory_call which = new_call(s, JIG_NEW_DEVICE);
    return command(s, &which, fn, data, err);
}

static int respond(struct jig_session *s, enum jig_factory_command name, const void *response,
                   size_t n, jig_session_fn *fn, void *data, struct jig_error *err)
{
    struct jig_factory_call which = new_call(s, name);
    which.response = response;
    which.response_len = n;
    return command(s, &which, fn, data, err);
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

int jig_session_report(struct jig_session *s, const struct jig_report *report, jig_session_fn *fn,
                       void *data, struct jig_error *err)
{
    struct jig_factory_call which = new_call(s, JIG_REPORT_ERROR);
    struct jig_facts facts = {0};
    if (is_calling(s) || !s->maybe_open || s->report_closed)
        return jig_fail(err, JIG_EMISUSE, "report_error cannot be called now: the session is %s%s",
                        jig_session_state_name(s->state),
                        s->report_closed ? " and its report's outcome is unknown" : "");
    which.code = report->code;
    which.reason = report->reason;
    which.reason_len = strlen(report->reason);
    s->report_tried = true;
    jig_facts_integer(&facts, "code", report->code);
    jig_facts_text_member(&facts, "reason", report->reason);
    jig_facts_text_member(&facts, "fault", report->fault);
    jig_facts_text_member(&facts, "phase", report->phase);
    return call(s, &which, &facts, fn, data, err);
}

/* The limit of what runs, or of the wait before it, comes sooner. */
static void cut_short(struct jig_session *s, double seconds)
{
    int64_t deadline = jig_clock_after(jig_loop_now(s->loop), seconds);
    if (deadline >= s->deadline)
        return;
    s->deadline = deadline;
    s->cut = true;
    if (s->proc)
        jig_proc_limit(s->proc, deadline);
    else
        jig_gate_limit(&s->passage, deadline);
}

void jig_session_interrupt(struct jig_session *s, unsigned times)
{
    bool waits = jig_gate_waits(&s->passage);
    s->interrupts = times;
    if ((!s->proc && !waits) || (times < 2 && s->command == JIG_REPORT_ERROR))
        return;
    if (waits && is_called_off(s))
        cut_short(s, 0);
    else
        cut_short(s, times < 2 ? s->service->stop : s->service->hurry);
}

/* ---- life ---- */

static int check_id(const struct jig_session_options *o, struct jig_error *err)
{
    struct jig_factory_argv argv = {0};
    struct jig_factory_call which = {
        .command = JIG_NEW_DEVICE, .session = o->id, .session_len = strlen(o->id)};
    int rc = jig_factory_cli_argv(&argv, &o->service->cli, &which, err);
    jig_factory_argv_release(&argv);
    return rc;
}

static bool has_gate(const struct jig_service *service)
{
    return service->token.name || service->calls > 0;
}

struct jig_gate *jig_session_gate(struct jig_loop *loop, const struct jig_service *service,
                                  const struct jig_log *log, struct jig_error *err)
{
    struct jig_gate_options options = {.token = service->token.name,
                                       .folder = service->token.folder,
                                       .width = service->token.width,
                                       .grace = jig_clock_after(0, service->grace),
                                       .log = log};
    return jig_gate_open(loop, &options, err);
}

struct jig_session *jig_session_new(const struct jig_session_options *o, struct jig_error *err)
{
    struct jig_gate *gate = NULL;
    if (check_id(o, err) < 0)
        return NULL;
    if (has_gate(o->service) && !(gate = jig_session_gate(o->loop, o->service, o->log, err)))
        return NULL;
    struct jig_session *s = calloc(1, sizeof *s);
    char *said = o->journal ? strdup(o->record ? o->record : "{}") : NULL;
    if (!s || (o->journal && !said) || !tally_of(o->loop)) {
        jig_fail(err, JIG_ENOMEM, "no memory for a session");
        jig_gate_close(gate);
        free(s);
        free(said);
        return NULL;
    }
    s->loop = o->loop;
    s->gate = gate;
    s->service = jig_service_hold(o->service);
    s->log = o->log;
    s->journal = o->journal;
    tally_of(s->loop)->kept += s->journal != NULL;
    s->attempt = o->attempt;
    s->record = said;
    s->lock = o->orphaned ? o->lock : -1;
    s->maybe_open = s->orphaned = s->report_tried = o->orphaned;
    s->state = o->orphaned ? JIG_SESSION_OWING : JIG_SESSION_IDLE;
    snprintf(s->id, sizeof s->id, "%s", o->id);
    snprintf(s->name, sizeof s->name, "%s", o->name);
    return s;
}

/* A released session after each of its calls: reports once, then is gone. */
static void go_on_alone(struct jig_session *s)
{
    struct jig_report report = {.code = s->last_code, .reason = s->last_reason};
    struct jig_error err;
    if (s->maybe_open && !s->report_tried) {
        if (jig_session_report(s, &report, NULL, NULL, &err) == JIG_OK)
            return;
        jig_log(s->log, JIG_LOG_ERROR, "%s session %s: %s", s->name, s->id, err.text);
    }
    struct tally *tally = tally_of(s->loop);
    tally->busy--;
    tally->kept -= s->journal != NULL;
    tally->unreported += s->maybe_open && !s->orphaned;
    jig_gate_close(s->gate);
    jig_service_drop(s->service);
    free(s->record);
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
    if (!is_calling(s))
        go_on_alone(s);
    else if (jig_gate_waits(&s->passage) && is_called_off(s))
        cut_short(s, 0);
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

size_t jig_session_place(const struct jig_session *s)
{
    return jig_gate_place(&s->passage);
}
