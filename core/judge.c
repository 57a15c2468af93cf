/* See judge.h. */
#include "core/judge.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
    STDERR_SHOWN = 120, /* characters of the CLI's stderr in a message */
    HEX_SHOWN = 15,     /* hex digits in a row there */
};

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

/* What a message has of the bytes of a line. */
static void keep_printable(char *line, size_t size, const uint8_t *bytes, size_t n)
{
    size_t used = 0;
    for (size_t i = 0; i < n && bytes[i] != '\n' && used + 1 < size; i++)
        if (isprint(bytes[i]))
            line[used++] = (char)bytes[i];
    line[used] = '\0';
}

enum { WHOLE = STDERR_SHOWN + JIG_PIN_CAP };

/* Hides the PIN that a CLI repeats, of which a line shows what can be printed: each place where it
 * stands, also those that overlap. */
static void hide_pin(char line[WHOLE], const struct jig_secret *pin)
{
    char shown[JIG_PIN_CAP + 1], before[WHOLE];
    if (!pin)
        return;
    keep_printable(shown, sizeof shown, jig_secret_bytes(pin), jig_secret_size(pin));
    memcpy(before, line, WHOLE);
    size_t n = strlen(shown);
    for (const char *at = before; n > 0 && (at = strstr(at, shown)) != NULL; at++)
        memset(line + (at - before), '*', n);
    explicit_bzero(shown, sizeof shown);
    explicit_bzero(before, sizeof before);
}

/* The first line of what it printed on stderr, fit for a message. A PIN in which the message ends
 * is read whole. */
static void first_line(char line[STDERR_SHOWN], const struct jig_buf *err,
                       const struct jig_secret *pin)
{
    char whole[WHOLE] = "";
    keep_printable(whole, sizeof whole, jig_buf_data(err), jig_buf_len(err));
    hide_pin(whole, pin);
    snprintf(line, STDERR_SHOWN, "%.*s", STDERR_SHOWN - 1, whole);
    explicit_bzero(whole, sizeof whole);
}

static bool printed(const struct jig_buf *err, const char *pattern)
{
    const char *bytes = (const char *)jig_buf_data(err);
    size_t n = jig_buf_len(err), length = strlen(pattern);
    for (size_t i = 0; i + length <= n; i++)
        if (strncasecmp(bytes + i, pattern, length) == 0)
            return true;
    return false;
}

static bool says(const struct jig_token_trouble *trouble, const struct jig_proc_result *r)
{
    for (size_t i = 0; i < trouble->n_statuses; i++)
        if (trouble->statuses[i] == r->number)
            return true;
    for (const char *const *p = trouble->patterns; p && *p; p++)
        if (printed(&r->err, *p))
            return true;
    return false;
}

/* What the refusal says of the token. A PIN comes first: it must not be tried again. */
static enum jig_err refusal(const struct jig_token *token, const struct jig_proc_result *r)
{
    if (says(&token->pin, r))
        return JIG_EPIN;
    if (says(&token->missing, r))
        return JIG_ENOTOKEN;
    return says(&token->busy, r) ? JIG_ETOKENBUSY : JIG_EREFUSED;
}

static int fail_refused(const struct jig_judged_call *call, const struct jig_proc_result *r,
                        struct jig_error *err)
{
    char line[STDERR_SHOWN];
    first_line(line, &r->err, call->service->token.handover.secret);
    hide_hex(line, call->session);
    return jig_fail(err, refusal(&call->service->token, r), "%s: exit status %d%s%s",
                    jig_factory_command_name(call->command), r->number, line[0] ? ": " : "", line);
}

/* Also one that cannot be read: who prints it has opened a session. */
static bool printed_payload(const struct jig_buf *out)
{
    static const char key[] = "PAYLOAD";
    return memmem(jig_buf_data(out), jig_buf_len(out), key, sizeof key - 1) != NULL;
}

void jig_judge(const struct jig_judged_call *call, const struct jig_proc_result *r,
               struct jig_session_result *result)
{
    const char *what = jig_factory_command_name(call->command);
    result->exit_status = r->end == JIG_PROC_EXITED ? r->number : -1;
    result->rc = jig_proc_check(r, what, &result->err);
    if (result->rc == JIG_ETIMEOUT && call->cut)
        result->rc =
            jig_fail(&result->err, JIG_ECANCELLED, "%s: interrupted, and ended by jig after %.3g s",
                     what, (double)result->took / JIG_SECOND);
    if (result->rc == JIG_OK && !accepted(call->service, r->number))
        result->rc = fail_refused(call, r, &result->err);
    if (result->rc == JIG_OK) {
        struct jig_error err;
        result->rc = jig_factory_cli_parse(call->command, jig_buf_data(&r->out),
                                           jig_buf_len(&r->out), result->answer, &err);
        if (result->rc < 0)
            jig_fail(&result->err, err.code, "%s: %s", what, err.text);
    }
}

bool jig_judge_refused(int rc)
{
    return rc == JIG_EREFUSED || rc == JIG_ENOTOKEN || rc == JIG_ETOKENBUSY || rc == JIG_EPIN;
}

bool jig_judge_may_have_opened(const struct jig_service *service,
                               const struct jig_session_result *result,
                               const struct jig_proc_result *r)
{
    if (jig_judge_refused(result->rc) && !printed_payload(&r->out))
        return service->report_refused;
    return service->report_unclear;
}
