/*
 * A stand-in for a device: its firmware on one of six wires, at the end of a pseudo-terminal or of
 * a TCP connection. One process plays one unit after another; each connection, and each boot after
 * a unit was spoken to, is a new one. See README.md.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "agreement.h"
#include "bytes.h"
#include "endpoint.h"
#include "firmware.h"
#include "options.h"
#include "outbox.h"
#include "trouble.h"
#include "wire.h"

enum { TICK_MS = 2, SPLIT_PAUSE_MS = 1, JUNK_LEN = 64, MS = 1000000, READ_MAX = 4096 };

struct device {
    struct options options;
    struct endpoint endpoint;
    struct wire wire;
    struct firmware firmware;
    struct troubles troubles;
    struct outbox outbox;
    struct sim_bytes input;
    char serial[OPTIONS_SERIAL_MAX + 24];
    int log;
    unsigned unit;     /* the number of the present one */
    unsigned finished; /* units that are over and were spoken to */
    bool booted;
    bool heard; /* this unit was spoken to */
    bool reads_singly;
    bool done;
    int64_t last_byte; /* when it came */
    int64_t window_start;
    unsigned long window_count;
    uint32_t noise; /* state of the generator of junk */
};

/* ---- log ---- */

static void log_begin(const struct device *d, const char *event, struct sim_bytes *line)
{
    sim_bytes_format(line, "{\"event\":\"%s\",\"time_ns\":%lld,\"unit\":%u,\"serial\":", event,
                     (long long)sim_now(), d->unit);
    sim_bytes_json(line, d->serial);
}

static void log_end(const struct device *d, struct sim_bytes *line)
{
    sim_bytes_text(line, "}\n");
    if (d->log >= 0 && sim_write_all(d->log, line->data, line->len) < 0) {
        perror("device: log");
    }
    sim_bytes_free(line);
}

static void log_event(const struct device *d, const char *event)
{
    struct sim_bytes line = {0};
    log_begin(d, event, &line);
    log_end(d, &line);
}

static void log_count(const struct device *d, const char *event, size_t count)
{
    struct sim_bytes line = {0};
    log_begin(d, event, &line);
    sim_bytes_format(&line, ",\"bytes\":%zu", count);
    log_end(d, &line);
}

static void log_message(const struct device *d, enum stage stage, const struct wire_request *r,
                        uint32_t status)
{
    struct sim_bytes line = {0};
    char digest[SIM_DIGEST_TEXT];
    sim_digest_text(r->payload, r->len, digest);
    log_begin(d, "message", &line);
    sim_bytes_format(
        &line,
        ",\"message\":\"%s\",\"command\":%lu,\"length\":%zu,\"sha256\":\"%s\",\"status\":%lu",
        firmware_stage_name(stage), (unsigned long)r->command, r->len, digest,
        (unsigned long)status);
    log_end(d, &line);
}

/* ---- output ---- */

static void add_junk(struct device *d, struct sim_bytes *out)
{
    bool framed = d->options.wire == WIRE_SLIP || d->options.wire == WIRE_HDLC;
    uint8_t delimiter = d->options.wire == WIRE_LINE   ? '\n'
                        : d->options.wire == WIRE_SLIP ? 0xC0
                                                       : 0x7E;
    if (framed) {
        sim_bytes_byte(out, delimiter);
    }
    for (int i = 0; i < JUNK_LEN; i++) { /* xorshift: the same junk in every run */
        d->noise ^= d->noise << 13;
        d->noise ^= d->noise >> 17;
        d->noise ^= d->noise << 5;
        sim_bytes_byte(out, (uint8_t)(d->noise & 0xFF));
    }
    if (framed || d->options.wire == WIRE_LINE) {
        sim_bytes_byte(out, delimiter);
    }
}

static void add_noise_before(const struct device *d, struct sim_bytes *out)
{
    static const uint8_t glitch[] = {0x00, 0xFF, 0x80};
    sim_bytes_add(out, glitch, sizeof glitch);
    sim_bytes_text(out, "\r\nbrown-out detected\r\n");
    if (d->options.wire == WIRE_FTCD) {
        sim_bytes_text(out, "\x1b[0m"); /* with the frame behind it: "mmbedprov" */
    }
}

static void send_pieces(struct device *d, unsigned long delay_ms, const struct sim_bytes *bytes,
                        bool split)
{
    if (!split) {
        outbox_add(&d->outbox, delay_ms, bytes->data, bytes->len);
        return;
    }
    for (size_t i = 0; i < bytes->len; i++) {
        outbox_add(&d->outbox, i == 0 ? delay_ms : SPLIT_PAUSE_MS, bytes->data + i, 1);
    }
}

/* Sends a banner or an answer, with the troubles of its stage. Returns false when the wire is not
 * to be trusted behind it. */
static bool emit(struct device *d, enum stage stage, const struct sim_bytes *frame)
{
    struct troubles *t = &d->troubles;
    struct sim_bytes out = {0};
    const struct trouble *late = troubles_strike(t, TROUBLE_LATE, stage);
    unsigned long delay =
        (stage == STAGE_BOOT ? 0 : d->options.latency_ms) + (late == NULL ? 0 : late->value);
    if (troubles_strike(t, TROUBLE_SILENCE, stage) != NULL) {
        return false;
    }
    if (troubles_strike(t, TROUBLE_GONE, stage) != NULL) {
        outbox_add_hang_up(&d->outbox, delay);
        return false;
    }
    if (troubles_strike(t, TROUBLE_JUNK_BEFORE, stage) != NULL) {
        add_noise_before(d, &out);
    }
    if (troubles_strike(t, TROUBLE_JUNK, stage) != NULL) {
        add_junk(d, &out);
    } else {
        size_t start = out.len;
        sim_bytes_add(&out, frame->data, frame->len);
        if (troubles_strike(t, TROUBLE_CRC, stage) != NULL) {
            struct sim_bytes answer = {.data = out.data + start, .len = out.len - start};
            wire_spoil_check(&d->wire, &answer);
        }
    }
    if (troubles_strike(t, TROUBLE_DUPLICATE, stage) != NULL) {
        sim_bytes_add(&out, frame->data, frame->len);
    }
    bool cut_off = troubles_strike(t, TROUBLE_GONE_MID_REPLY, stage) != NULL;
    bool is_short = troubles_strike(t, TROUBLE_SHORT, stage) != NULL;
    if (cut_off || is_short) {
        out.len /= 2;
    }
    send_pieces(d, delay, &out, troubles_strike(t, TROUBLE_SPLIT, stage) != NULL);
    if (cut_off) {
        outbox_add_hang_up(&d->outbox, 0);
    }
    sim_bytes_free(&out);
    return !cut_off && !is_short;
}

/* The gateway prints its trace on the wire that carries the frames. */
static void trace(struct device *d, const char *text)
{
    if (d->options.wire != WIRE_FTCD) {
        return;
    }
    struct sim_bytes line = {0};
    sim_bytes_format(&line, "\x1b[39m[INFO][fact]: %s\x1b[0m\r\n", text);
    outbox_add(&d->outbox, 0, line.data, line.len);
    sim_bytes_free(&line);
}

/* ---- the life of a unit ---- */

static void name_unit(struct device *d)
{
    const char *mark = strchr(d->options.serial, '#');
    if (mark == NULL) {
        (void)snprintf(d->serial, sizeof d->serial, "%s", d->options.serial);
    } else {
        (void)snprintf(d->serial, sizeof d->serial, "%.*s%u%s", (int)(mark - d->options.serial),
                       d->options.serial, d->unit, mark + 1);
    }
}

static void power_off(struct device *d)
{
    firmware_reset(&d->firmware);
    wire_reset(&d->wire);
    outbox_clear(&d->outbox);
    d->input.len = 0;
    d->window_count = 0;
    d->booted = false;
}

static void end_unit(struct device *d)
{
    power_off(d);
    if (d->heard) {
        d->finished++;
        d->done = d->options.units > 0 && d->finished >= d->options.units;
    }
    d->heard = false;
}

static void begin_unit(struct device *d)
{
    d->unit++;
    name_unit(d);
}

static void boot(struct device *d)
{
    struct sim_bytes banner = {0};
    if (d->heard) {
        end_unit(d);
        begin_unit(d);
    }
    power_off(d);
    d->booted = true;
    log_event(d, "boot");
    if (d->options.wire == WIRE_LENGTH) {
        sim_bytes_format(&banner, "\r\nthermostat boot v2.1\r\nSN=%s\r\nready\r\n", d->serial);
    } else if (d->options.wire == WIRE_FTCD) {
        sim_bytes_format(&banner, "\x1b[39m[INFO][main]: gateway boot v4.0, serial %s\x1b[0m\r\n",
                         d->serial);
        sim_bytes_text(&banner, "\x1b[90m[DBG ][fact]: factory flow begins\x1b[0m\r\n");
    }
    if (troubles_strike(&d->troubles, TROUBLE_NO_BANNER, STAGE_BOOT) == NULL) {
        (void)emit(d, STAGE_BOOT, &banner);
    }
    sim_bytes_free(&banner);
}

static void hang_up(struct device *d)
{
    log_event(d, "gone");
    end_unit(d);
    if (endpoint_hang_up(&d->endpoint) < 0) {
        perror("device: listen");
        d->done = true;
    }
    d->done = d->done || d->endpoint.is_stdio;
}

static void on_event(struct device *d, enum endpoint_event event)
{
    switch (event) {
    case ENDPOINT_OPENED:
        begin_unit(d);
        log_event(d, "open");
        if (d->options.boot_at_open) {
            boot(d);
        }
        break;
    case ENDPOINT_CLOSED:
        log_event(d, "close");
        end_unit(d);
        d->done = d->done || d->endpoint.is_stdio;
        break;
    case ENDPOINT_DTR_LOW:
        log_event(d, "reset");
        power_off(d);
        break;
    case ENDPOINT_DTR_HIGH:
        boot(d);
        break;
    default:
        break;
    }
}

/* ---- input ---- */

static void answer(struct device *d, enum stage stage, const struct wire_request *r,
                   uint32_t status, const struct sim_bytes *payload)
{
    struct sim_bytes frame = {0};
    if (d->options.wire == WIRE_RAW && status != 0) {
        return; /* raw has no way to say so */
    }
    wire_answer(&d->wire, r->command, status, payload->data, payload->len, &frame);
    trace(d, "message received");
    if (emit(d, stage, &frame)) {
        trace(d, status == 0 ? "message processed" : "message failed");
    }
    sim_bytes_free(&frame);
}

static void on_request(struct device *d, const struct wire_request *r)
{
    struct sim_bytes payload = {0};
    uint32_t status = 0;
    enum stage stage = firmware_stage(&d->firmware, r);
    if (!troubles_status(&d->troubles, stage, d->options.wire, &status)) {
        enum failure failure = firmware_handle(&d->firmware, stage, r->payload, r->len, &payload);
        status = firmware_status(d->options.wire, failure);
    }
    log_message(d, stage, r, status);
    answer(d, stage, r, status, &payload);
    sim_bytes_free(&payload);
}

/* A frame that did not check. As on the vendor's example device, ftcd over TCP closes instead of
 * answering; HDLC drops. */
static void on_corrupt(struct device *d, const struct wire_request *r)
{
    const struct sim_bytes nothing = {0};
    log_event(d, "corrupt");
    if (d->options.wire == WIRE_HDLC) {
        return;
    }
    if (d->options.wire != WIRE_FTCD) {
        answer(d, STAGE_UNKNOWN, r, firmware_status(d->options.wire, FAILURE_CANNOT_PARSE),
               &nothing);
    } else if (d->endpoint.is_pty) {
        answer(d, STAGE_UNKNOWN, r, r->status, &nothing);
    } else {
        outbox_add_hang_up(&d->outbox, 0);
    }
}

/*
 * A receive buffer of rx_chunk bytes that needs rx_gap to be emptied: what comes beyond it in one
 * gap is lost. Half the gap is what counts, so that a host which keeps to it never loses bytes
 * because this process was scheduled late.
 */
static size_t receive_limit(struct device *d, size_t len, int64_t now)
{
    if (d->options.rx_chunk == 0) {
        return len;
    }
    if (now - d->window_start >= (int64_t)d->options.rx_gap_ms * MS / 2) {
        d->window_start = now;
        d->window_count = 0;
    }
    size_t room = d->options.rx_chunk - d->window_count;
    size_t taken = len < room ? len : room;
    d->window_count += taken;
    if (taken < len) {
        log_count(d, "overrun", len - taken);
    }
    return taken;
}

static void dispatch(struct device *d, enum wire_event event, const struct wire_request *r)
{
    if (event == WIRE_REQUEST && r->len == 0 && !wire_has_commands(d->options.wire)) {
        event = WIRE_CORRUPT;
    }
    if (event == WIRE_REQUEST) {
        on_request(d, r);
    } else if (event == WIRE_CORRUPT) {
        on_corrupt(d, r);
    }
}

static void take_input(struct device *d, const uint8_t *data, size_t len, int64_t now)
{
    struct wire_request r;
    if (!d->booted) {
        return; /* nobody listens */
    }
    d->heard = true;
    d->last_byte = now;
    if (!wire_is_inside(&d->wire) && troubles_strike(&d->troubles, TROUBLE_GONE_MID_REQUEST,
                                                     firmware_expects(&d->firmware)) != NULL) {
        hang_up(d);
        return;
    }
    sim_bytes_add(&d->input, data, receive_limit(d, len, now));
    enum wire_event event = WIRE_REQUEST;
    while (event != WIRE_MORE) {
        event = wire_next(&d->wire, &d->input, &r);
        dispatch(d, event, &r);
    }
}

static void read_input(struct device *d)
{
    uint8_t data[READ_MAX];
    size_t n = 1;
    while (n > 0 && d->endpoint.open && !d->done) {
        n = endpoint_read(&d->endpoint, data, d->reads_singly ? 1 : sizeof data);
        if (n > 0) {
            take_input(d, data, n, sim_now());
        }
    }
}

static int64_t raw_gap_due(const struct device *d)
{
    bool waits = d->options.wire == WIRE_RAW && wire_is_inside(&d->wire);
    return waits ? d->last_byte + (int64_t)WIRE_RAW_GAP_MS * MS : INT64_MAX;
}

static void end_raw_request(struct device *d)
{
    struct wire_request r;
    if (raw_gap_due(d) <= sim_now()) {
        dispatch(d, wire_gap(&d->wire, &r), &r);
    }
}

/* ---- the loop ---- */

static int poll_timeout(const struct device *d, bool blocked)
{
    int64_t now = sim_now();
    int64_t due = raw_gap_due(d);
    if (!blocked && outbox_due(&d->outbox) < due) {
        due = outbox_due(&d->outbox);
    }
    if (endpoint_needs_ticks(&d->endpoint) && due > now + (int64_t)TICK_MS * MS) {
        due = now + (int64_t)TICK_MS * MS;
    }
    if (due == INT64_MAX) {
        return -1;
    }
    int64_t ms = due <= now ? 0 : (due - now + MS - 1) / MS;
    return ms > 60000 ? 60000 : (int)ms;
}

static void step(struct device *d)
{
    enum endpoint_event event = endpoint_next(&d->endpoint);
    while (event != ENDPOINT_NOTHING && !d->done) {
        on_event(d, event);
        event = endpoint_next(&d->endpoint);
    }
    read_input(d);
    end_raw_request(d);
    if (d->endpoint.open && outbox_send(&d->outbox, &d->endpoint, sim_now())) {
        hang_up(d);
    }
    if (d->endpoint.lost) { /* found out by reading or writing */
        on_event(d, endpoint_next(&d->endpoint));
    }
}

static int run(struct device *d, int signals)
{
    while (!d->done) {
        struct pollfd fds[1 + ENDPOINT_POLLFDS] = {{.fd = signals, .events = POLLIN}};
        bool blocked = outbox_is_blocked(&d->outbox, sim_now());
        nfds_t n = 1 + endpoint_pollfds(&d->endpoint, blocked, fds + 1);
        if (poll(fds, n, poll_timeout(d, blocked)) < 0 && errno != EINTR) {
            perror("device: poll");
            return 1;
        }
        if (fds[0].revents != 0) {
            return 0;
        }
        step(d);
    }
    return 0;
}

/* ---- start and end ---- */

static int set_up_faults(struct device *d)
{
    for (size_t i = 0; i < d->options.fault_count; i++) {
        char text[128];
        (void)snprintf(text, sizeof text, "%s", d->options.faults[i]);
        const char *why = troubles_add(&d->troubles, text, d->options.wire);
        if (why != NULL) {
            (void)fprintf(stderr, "device: --fault %s: %s\n", d->options.faults[i], why);
            return -1;
        }
        d->reads_singly = d->reads_singly || d->troubles.list[i].kind == TROUBLE_GONE_MID_REQUEST;
    }
    return 0;
}

static int set_up_signals(const struct options *o)
{
    pid_t parent = getppid();
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (o->parent_death && (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)) {
        (void)raise(SIGTERM); /* it died before we asked to be told */
    }
    return fd;
}

static int open_log(struct device *d, const char *path)
{
    if (path != NULL) {
        d->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    }
    return path == NULL || d->log >= 0 ? 0 : -1;
}

static int set_up(struct device *d)
{
    const struct options *o = &d->options;
    d->wire = (struct wire){.kind = o->wire, .big_endian = o->big_endian};
    d->firmware = (struct firmware){
        .wire = o->wire, .factory_id = o->factory_id, .store = o->store, .serial = d->serial};
    if (open_log(d, o->log) < 0) {
        perror(o->log);
        return -1;
    }
    if (endpoint_open(&d->endpoint, o->listen) < 0) {
        perror(o->listen);
        return -1;
    }
    if (d->endpoint.is_stdio) {
        return 0; /* where "ready" would be said is the wire */
    }
    if (d->endpoint.is_pty) {
        (void)printf("ready tty:%s\n", d->endpoint.link);
    } else {
        (void)printf("ready tcp:127.0.0.1:%u\n", d->endpoint.port);
    }
    return fflush(stdout) == 0 ? 0 : -1;
}

static void tear_down(struct device *d)
{
    firmware_reset(&d->firmware);
    wire_free(&d->wire);
    outbox_free(&d->outbox);
    sim_bytes_free(&d->input);
    endpoint_close(&d->endpoint);
    if (d->log >= 0) {
        (void)close(d->log);
    }
}

int main(int argc, char **argv)
{
    struct device d = {.log = -1, .endpoint = {.fd = -1, .source = -1}, .noise = 2463534242U};
    if (options_parse(&d.options, argc, argv) < 0 || set_up_faults(&d) < 0) {
        return 2;
    }
    sim_crypto_init();
    /* Before "ready" is said: from then on the device may be told to end. */
    int signals = set_up_signals(&d.options);
    int status = signals >= 0 && set_up(&d) == 0 ? run(&d, signals) : 1;
    tear_down(&d);
    if (signals >= 0) {
        (void)close(signals);
    }
    return status;
}
