/* Appends to the audit file. */
#include "audit.h"

#include <string.h>
#include <unistd.h>

#include "agreement.h"

static void begin(const struct audit *a, const char *event, struct sim_bytes *line)
{
    sim_bytes_format(line, "{\"event\":\"%s\",\"time_ns\":%lld,\"pid\":%ld,\"command\":", event,
                     (long long)sim_now(), (long)getpid());
    sim_bytes_json(line, a->command);
    if (a->session != NULL) {
        sim_bytes_text(line, ",\"session\":");
        sim_bytes_json(line, a->session);
    }
}

static int finish(const struct audit *a, struct sim_bytes *line)
{
    sim_bytes_text(line, "}\n");
    int result = sim_write_all(a->fd, line->data, line->len);
    sim_bytes_free(line);
    return result;
}

/* The bytes of the response when it is hex, else its text. */
static void add_response(const char *response, struct sim_bytes *line)
{
    struct sim_bytes bytes = {0};
    char digest[SIM_DIGEST_TEXT];
    bool is_hex = sim_hex_decode(response, &bytes) == 0;
    if (!is_hex) {
        bytes.len = 0;
        sim_bytes_text(&bytes, response);
    }
    sim_digest_text(bytes.data, bytes.len, digest);
    sim_bytes_format(line, ",\"response\":{\"hex\":%s,\"length\":%zu,\"sha256\":\"%s\"}",
                     is_hex ? "true" : "false", bytes.len, digest);
    sim_bytes_free(&bytes);
}

static void add_text(struct sim_bytes *line, const char *key, const char *text)
{
    if (text != NULL) {
        sim_bytes_format(line, ",\"%s\":", key);
        sim_bytes_json(line, text);
    }
}

int audit_start(struct audit *a)
{
    struct sim_bytes line = {0};
    begin(a, "start", &line);
    if (a->response != NULL) {
        add_response(a->response, &line);
    }
    add_text(&line, "code", a->code);
    add_text(&line, "reason", a->reason);
    add_text(&line, "faults", a->faults);
    return finish(a, &line);
}

int audit_commit(const struct audit *a, const char *state, unsigned attempt)
{
    struct sim_bytes line = {0};
    begin(a, "commit", &line);
    sim_bytes_format(&line, ",\"state\":\"%s\",\"attempt\":%u", state, attempt);
    return finish(a, &line);
}

int audit_end(const struct audit *a, int status, const char *outcome)
{
    struct sim_bytes line = {0};
    begin(a, "end", &line);
    sim_bytes_format(&line, ",\"start_ns\":%lld,\"end_ns\":%lld,\"exit\":%d,\"outcome\":\"%s\"",
                     (long long)a->started, (long long)sim_now(), status, outcome);
    add_text(&line, "code", a->code);
    add_text(&line, "reason", a->reason);
    return finish(a, &line);
}
