/* State per session; each command holds the session's lock from reading its state to having
 * replaced it. */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "agreement.h"
#include "authority.h"

static const char STATE_FILE[] = "state";

enum phase { NONE, OPENED, CONFIGURED, FINISHED, HANDED, REPORTED };

static const char *const PHASE_NAMES[] = {"none",     "opened", "configured",
                                          "finished", "handed", "reported"};

/* One session, open and locked. */
struct session {
    int dir; /* holds the lock */
    enum phase phase;
    unsigned attempt;
    char ack[2 * SIM_ACK_LEN + 1];
    char fingerprint[41];
};

static enum service_result refuse(struct service_answer *out, const char *why)
{
    out->why = why;
    return SERVICE_REFUSED;
}

static enum service_result trouble(struct service_answer *out, const char *why)
{
    out->why = why;
    return SERVICE_TROUBLE;
}

static int session_parse(struct session *se, const char *text)
{
    char name[16];
    int n = sscanf(text, "phase %15s attempt %u ack %48s fingerprint %40s", name, &se->attempt,
                   se->ack, se->fingerprint);
    if (n != 4) {
        return -1;
    }
    for (unsigned i = OPENED; i <= REPORTED; i++) {
        if (strcmp(name, PHASE_NAMES[i]) == 0) {
            se->phase = (enum phase)i;
            return 0;
        }
    }
    return -1;
}

static int session_read(struct session *se)
{
    struct sim_bytes text = {0};
    int result = sim_read_file(se->dir, STATE_FILE, &text);
    if (result < 0 && errno == ENOENT) {
        result = 0; /* its maker ended before it wrote the state: never opened */
    } else if (result == 0) {
        sim_bytes_byte(&text, 0);
        result = session_parse(se, (const char *)text.data);
    }
    sim_bytes_free(&text);
    return result;
}

static void session_close(struct session *se)
{
    if (se->dir >= 0) {
        (void)close(se->dir);
    }
    se->dir = -1;
}

static int make_directories(int dir, const char *path)
{
    if (mkdirat(dir, "sessions", 0700) < 0 && errno != EEXIST) {
        return -1;
    }
    return mkdirat(dir, path, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

/* Opens and locks. `create` makes the session's directory when there is none. */
static enum service_result session_open(struct session *se, struct service *s, const char *id,
                                        bool create, struct service_answer *out)
{
    char path[96];
    *se = (struct session){.dir = -1, .ack = "-", .fingerprint = "-"};
    if (!sim_is_name(id)) {
        return refuse(out, "not a valid device session id");
    }
    (void)snprintf(path, sizeof path, "sessions/%s", id);
    if (create && make_directories(s->dir, path) < 0) {
        return trouble(out, "cannot make the session's directory");
    }
    se->dir = openat(s->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (se->dir < 0) {
        return errno == ENOENT ? refuse(out, "unknown device session id")
                               : trouble(out, "cannot open the session");
    }
    if (flock(se->dir, LOCK_EX) < 0 || session_read(se) < 0) {
        session_close(se);
        return trouble(out, "cannot read the session's state");
    }
    return SERVICE_OK;
}

static enum service_result session_commit(struct session *se, struct service *s, const char *id,
                                          enum phase phase, struct service_answer *out)
{
    struct sim_bytes text = {0};
    se->phase = phase;
    sim_bytes_format(&text, "phase %s\nattempt %u\nack %s\nfingerprint %s\nid %s\n",
                     PHASE_NAMES[phase], se->attempt, se->ack, se->fingerprint, id);
    int result = sim_replace_file(se->dir, STATE_FILE, text.data, text.len);
    sim_bytes_free(&text);
    if (result == 0) {
        result = audit_commit(s->audit, PHASE_NAMES[phase], se->attempt);
    }
    return result == 0 ? SERVICE_OK : trouble(out, "cannot write the session's state");
}

/* Why a command does not fit a session that is in this phase. */
static enum service_result wrong_phase(enum phase phase, struct service_answer *out)
{
    static const char *const why[] = {
        "unknown device session id",
        "wrong order: the session waits for get_device_configuration",
        "wrong order: the session waits for handle_device_response",
        "wrong order: the session is finished",
        "wrong order: the session is finished",
        "wrong order: the session was ended by report_error",
    };
    return refuse(out, why[phase]);
}

static void init_message(uint8_t message[SIM_INIT_LEN])
{
    message[0] = SIM_KIND_INIT;
    message[1] = SIM_FACTORY_ID & 0xFF;
    message[2] = SIM_FACTORY_ID >> 8;
    message[3] = 0;
}

enum service_result service_new_device(struct service *s, const char *id,
                                       struct service_answer *out)
{
    struct session se;
    enum service_result result = session_open(&se, s, id, true, out);
    if (result != SERVICE_OK) {
        return result;
    }
    if (se.phase != NONE && se.phase != REPORTED) {
        result = refuse(out, "the session id is in use");
    } else {
        se.attempt++;
        (void)strcpy(se.ack, "-");
        (void)strcpy(se.fingerprint, "-");
        result = session_commit(&se, s, id, OPENED, out);
    }
    if (result == SERVICE_OK) {
        uint8_t message[SIM_INIT_LEN];
        init_message(message);
        out->scp = 256;
        sim_bytes_add(&out->payload, message, sizeof message);
    }
    session_close(&se);
    return result;
}

/* certificate, authority, parameters: each with a little-endian 16-bit length; zeroes up to the
 * fixed size. */
static int write_configuration(const char *id, const struct sim_bytes *certificate,
                               const struct sim_bytes *authority, uint8_t clear[SIM_CLEAR_LEN])
{
    struct sim_bytes parameters = {0};
    struct sim_bytes all = {0};
    sim_bytes_format(&parameters, "endpoint=%s\nserver=coaps://bootstrap.example:5684\n", id);
    const struct sim_bytes *parts[] = {certificate, authority, &parameters};
    for (size_t i = 0; i < 3; i++) {
        sim_bytes_little(&all, parts[i]->len, 2);
        sim_bytes_add(&all, parts[i]->data, parts[i]->len);
    }
    int result = all.len <= SIM_CLEAR_LEN ? 0 : -1;
    if (result == 0) {
        memset(clear, 0, SIM_CLEAR_LEN);
        memcpy(clear, all.data, all.len);
    }
    sim_bytes_free(&parameters);
    sim_bytes_free(&all);
    return result;
}

static void write_hex(char *text, const uint8_t *data, size_t len)
{
    struct sim_bytes hex = {0};
    sim_bytes_hex(&hex, data, len);
    memcpy(text, hex.data, hex.len);
    text[hex.len] = 0;
    sim_bytes_free(&hex);
}

/* Seals the configuration for the device and notes what it must acknowledge with. */
static int seal_for_device(EVP_PKEY *device, const uint8_t *answer,
                           const uint8_t clear[SIM_CLEAR_LEN], const struct sim_bytes *certificate,
                           struct session *se, struct sim_bytes *payload)
{
    uint8_t init[SIM_INIT_LEN];
    uint8_t point[SIM_POINT_LEN];
    uint8_t sealed[SIM_CLEAR_LEN + SIM_TAG_LEN];
    uint8_t ack[SIM_ACK_LEN];
    struct sim_secret secret;
    init_message(init);
    EVP_PKEY *ephemeral = sim_key_new();
    struct sim_transcript transcript = {.init = init, .init_answer = answer, .ephemeral = point};
    int ok = ephemeral != NULL && sim_key_point(ephemeral, point) == 0 &&
             sim_agree(ephemeral, device, &transcript, &secret) == 0 &&
             sim_seal(&secret, clear, sealed) == 0 &&
             sim_acknowledge(&secret, certificate->data, certificate->len, ack) == 0;
    EVP_PKEY_free(ephemeral);
    if (!ok) {
        return -1;
    }
    write_hex(se->ack, ack, sizeof ack);
    sim_bytes_byte(payload, SIM_KIND_PROVISION);
    sim_bytes_add(payload, point, sizeof point);
    sim_bytes_add(payload, sealed, sizeof sealed);
    return 0;
}

static enum service_result make_configuration(struct service *s, const char *id,
                                              const struct sim_bytes *answer, struct session *se,
                                              struct service_answer *out)
{
    if (answer->len != SIM_INIT_ANSWER_LEN || answer->data[0] != SIM_KIND_INIT ||
        sim_read_little(answer->data + 1 + SIM_POINT_LEN, 2) > SIM_FIELD_DATA) {
        return refuse(out, "the response is no answer to Factory Init");
    }
    EVP_PKEY *device = sim_key_from_point(answer->data + 1);
    if (device == NULL) {
        return refuse(out, "the response holds no point of the curve");
    }
    struct sim_bytes certificate = {0};
    struct sim_bytes authority = {0};
    uint8_t clear[SIM_CLEAR_LEN];
    enum service_result result = SERVICE_OK;
    if (authority_issue(s->dir, device, id, &certificate, &authority) < 0) {
        result = trouble(out, "cannot issue a certificate");
    } else if (write_configuration(id, &certificate, &authority, clear) < 0 ||
               seal_for_device(device, answer->data, clear, &certificate, se, &out->payload) < 0) {
        result = trouble(out, "cannot make the configuration");
    } else {
        uint8_t digest[SHA_DIGEST_LENGTH];
        (void)EVP_Digest(certificate.data, certificate.len, digest, NULL, EVP_sha1(), NULL);
        write_hex(se->fingerprint, digest, sizeof digest);
        out->scp = 257;
    }
    EVP_PKEY_free(device);
    sim_bytes_free(&certificate);
    sim_bytes_free(&authority);
    return result;
}

enum service_result service_configure(struct service *s, const char *id, const char *response,
                                      struct service_answer *out)
{
    struct session se;
    struct sim_bytes answer = {0};
    enum service_result result = session_open(&se, s, id, false, out);
    if (result != SERVICE_OK) {
        return result;
    }
    if (se.phase != OPENED) {
        result = wrong_phase(se.phase, out);
    } else if (sim_hex_decode(response, &answer) < 0) {
        result = refuse(out, "the response is not hexadecimal");
    } else {
        result = make_configuration(s, id, &answer, &se, out);
    }
    if (result == SERVICE_OK) {
        result = session_commit(&se, s, id, CONFIGURED, out);
    }
    sim_bytes_free(&answer);
    session_close(&se);
    return result;
}

enum service_result service_finish(struct service *s, const char *id, const char *response,
                                   struct service_answer *out)
{
    struct session se;
    struct sim_bytes given = {0};
    struct sim_bytes expected = {0};
    enum service_result result = session_open(&se, s, id, false, out);
    if (result != SERVICE_OK) {
        return result;
    }
    if (se.phase != CONFIGURED) {
        result = wrong_phase(se.phase, out);
    } else if (sim_hex_decode(response, &given) < 0) {
        result = refuse(out, "the response is not hexadecimal");
    } else if (sim_hex_decode(se.ack, &expected) < 0 || given.len != expected.len ||
               memcmp(given.data, expected.data, given.len) != 0) {
        result = refuse(out, "the device did not acknowledge its configuration");
    } else {
        result = session_commit(&se, s, id, FINISHED, out);
    }
    if (result == SERVICE_OK) {
        (void)strcpy(out->fingerprint, se.fingerprint);
    }
    sim_bytes_free(&given);
    sim_bytes_free(&expected);
    session_close(&se);
    return result;
}

enum service_result service_report(struct service *s, const char *id, struct service_answer *out)
{
    struct session se;
    enum service_result result = session_open(&se, s, id, false, out);
    if (result != SERVICE_OK) {
        return result;
    }
    if (se.phase == NONE) {
        result = refuse(out, "unknown device session id");
    } else if (se.phase == REPORTED) {
        out->why = "already reported";
        result = SERVICE_ALREADY_REPORTED;
    } else if (se.phase == HANDED) {
        out->why = "the device is manufactured: its fingerprint was handed out";
        result = SERVICE_MANUFACTURED;
    } else {
        result = session_commit(&se, s, id, REPORTED, out);
    }
    session_close(&se);
    return result;
}

enum service_result service_handed(struct service *s, const char *id, struct service_answer *out)
{
    struct session se;
    enum service_result result = session_open(&se, s, id, false, out);
    if (result == SERVICE_OK && se.phase == FINISHED) {
        result = session_commit(&se, s, id, HANDED, out);
    }
    session_close(&se);
    return result;
}

void service_answer_free(struct service_answer *a)
{
    sim_bytes_free(&a->payload);
}
