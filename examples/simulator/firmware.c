/* Factory Init and Factory Provisioning as a small device would do them, and the meter's mode
 * switch and lock. */
#include "firmware.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509.h>

enum { COMMAND_INIT = 256, COMMAND_PROVISION = 257 };
enum { METER_MODE = 0x10, METER_INIT = 0x20, METER_PROVISION = 0x21, METER_LOCK = 0x30 };

enum product { THERMOSTAT, GATEWAY, METER, PRODUCTS };

static const uint32_t STATUS[PRODUCTS][FAILURE_COUNT] = {
    [THERMOSTAT] =
        {
            [FAILURE_KEYGEN] = 0x01,
            [FAILURE_UNKNOWN_FACTORY] = 0x02,
            [FAILURE_NO_MEMORY] = 0x11,
            [FAILURE_CANNOT_DECRYPT] = 0x12,
            [FAILURE_UNKNOWN_COMMAND] = 0x21,
            [FAILURE_CANNOT_PARSE] = 0x22,
            [FAILURE_WRONG_ORDER] = 0x23,
            [FAILURE_LOCKED] = 0x24,
        },
    /* 3 and 9 are the public numbers of the ftcd layer ("out of memory", "could not process the
       message"). */
    [GATEWAY] =
        {
            [FAILURE_KEYGEN] = 0x101,
            [FAILURE_UNKNOWN_FACTORY] = 0x102,
            [FAILURE_NO_MEMORY] = 3,
            [FAILURE_CANNOT_DECRYPT] = 0x112,
            [FAILURE_UNKNOWN_COMMAND] = 0x121,
            [FAILURE_CANNOT_PARSE] = 9,
            [FAILURE_WRONG_ORDER] = 0x123,
            [FAILURE_LOCKED] = 0x124,
        },
    [METER] =
        {
            [FAILURE_KEYGEN] = 0x41,
            [FAILURE_UNKNOWN_FACTORY] = 0x42,
            [FAILURE_NO_MEMORY] = 0x51,
            [FAILURE_CANNOT_DECRYPT] = 0x52,
            [FAILURE_UNKNOWN_COMMAND] = 0x61,
            [FAILURE_CANNOT_PARSE] = 0x62,
            [FAILURE_WRONG_ORDER] = 0x71,
            [FAILURE_LOCKED] = 0x72,
        },
};

static const char *const STAGE_NAMES[STAGE_COUNT] = {"boot", "init", "provision",
                                                     "mode", "lock", "unknown"};

static enum product product_of(enum wire_kind wire)
{
    if (wire == WIRE_SLIP || wire == WIRE_HDLC) {
        return METER;
    }
    return wire == WIRE_FTCD ? GATEWAY : THERMOSTAT;
}

uint32_t firmware_status(enum wire_kind wire, enum failure failure)
{
    return STATUS[product_of(wire)][failure];
}

const char *firmware_stage_name(enum stage stage)
{
    return STAGE_NAMES[stage];
}

static enum stage meter_stage(uint32_t command)
{
    switch (command) {
    case METER_MODE:
        return STAGE_MODE;
    case METER_INIT:
        return STAGE_INIT;
    case METER_PROVISION:
        return STAGE_PROVISION;
    case METER_LOCK:
        return STAGE_LOCK;
    default:
        return STAGE_UNKNOWN;
    }
}

enum stage firmware_stage(const struct firmware *f, const struct wire_request *r)
{
    if (product_of(f->wire) == METER) {
        return meter_stage(r->command);
    }
    /* Where the wire names no command, the message's own first byte does. */
    bool by_command = wire_has_commands(f->wire);
    uint32_t given = by_command ? r->command : r->payload[0];
    if (given == (by_command ? COMMAND_INIT : SIM_KIND_INIT)) {
        return STAGE_INIT;
    }
    return given == (by_command ? COMMAND_PROVISION : SIM_KIND_PROVISION) ? STAGE_PROVISION
                                                                          : STAGE_UNKNOWN;
}

enum stage firmware_expects(const struct firmware *f)
{
    if (product_of(f->wire) == METER && !f->factory_mode) {
        return STAGE_MODE;
    }
    if (f->provisioned) {
        return STAGE_LOCK;
    }
    return f->key == NULL ? STAGE_INIT : STAGE_PROVISION;
}

static enum failure factory_init(struct firmware *f, const uint8_t *payload, size_t len,
                                 struct sim_bytes *answer)
{
    if (len != SIM_INIT_LEN || payload[0] != SIM_KIND_INIT) {
        return FAILURE_CANNOT_PARSE;
    }
    if (f->key != NULL) {
        return FAILURE_WRONG_ORDER;
    }
    if (sim_read_little(payload + 1, 3) != f->factory_id) {
        return FAILURE_UNKNOWN_FACTORY;
    }
    uint8_t nonce[SIM_FIELD_DATA];
    f->key = sim_key_new();
    if (f->key == NULL || sim_key_point(f->key, f->init_answer + 1) < 0 ||
        getrandom(nonce, sizeof nonce, 0) != (ssize_t)sizeof nonce) {
        return FAILURE_KEYGEN;
    }
    memcpy(f->init, payload, SIM_INIT_LEN);
    f->init_answer[0] = SIM_KIND_INIT;
    sim_field(nonce, sizeof nonce, f->init_answer + 1 + SIM_POINT_LEN);
    sim_bytes_add(answer, f->init_answer, SIM_INIT_ANSWER_LEN);
    return FAILURE_NONE;
}

/* The next part of the configuration: a little-endian length, then that many bytes. */
static X509 *read_certificate(const uint8_t *clear, size_t *at)
{
    size_t len = (size_t)sim_read_little(clear + *at, 2);
    if (len > SIM_CLEAR_LEN - 2 - *at) {
        return NULL;
    }
    const unsigned char *der = clear + *at + 2;
    X509 *x = d2i_X509(NULL, &der, (long)len);
    *at += 2 + len;
    /* Another part's length must still fit. */
    if (*at > SIM_CLEAR_LEN - 2) {
        X509_free(x);
        return NULL;
    }
    return x;
}

static int store_certificate(const struct firmware *f, X509 *x)
{
    if (f->store == NULL) {
        return 0;
    }
    char name[80];
    char *text = NULL;
    (void)snprintf(name, sizeof name, "%s.pem", f->serial);
    int dir = open(f->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    BIO *bio = BIO_new(BIO_s_mem());
    int result = -1;
    if (dir >= 0 && bio != NULL && PEM_write_bio_X509(bio, x) == 1) {
        long len = BIO_get_mem_data(bio, &text);
        result = sim_replace_file(dir, name, text, (size_t)len);
    }
    BIO_free(bio);
    if (dir >= 0) {
        (void)close(dir);
    }
    return result;
}

/* The certificate must be for this device's key and signed by the authority that came with it. */
static enum failure accept_configuration(struct firmware *f, const uint8_t *clear,
                                         const struct sim_secret *secret, struct sim_bytes *answer)
{
    size_t at = 0;
    uint8_t ack[SIM_ACK_LEN];
    enum failure failure = FAILURE_CANNOT_PARSE;
    X509 *certificate = read_certificate(clear, &at);
    size_t len = at - 2; /* of the certificate, where there is one */
    X509 *authority = certificate == NULL ? NULL : read_certificate(clear, &at);
    bool is_ours = authority != NULL && EVP_PKEY_eq(X509_get0_pubkey(certificate), f->key) == 1 &&
                   X509_verify(certificate, X509_get0_pubkey(authority)) == 1;
    if (is_ours && store_certificate(f, certificate) < 0) {
        failure = FAILURE_NO_MEMORY;
    } else if (is_ours && sim_acknowledge(secret, clear + 2, len, ack) == 0) {
        sim_bytes_add(answer, ack, sizeof ack);
        f->provisioned = true;
        failure = FAILURE_NONE;
    }
    X509_free(certificate);
    X509_free(authority);
    return failure;
}

static enum failure factory_provision(struct firmware *f, const uint8_t *payload, size_t len,
                                      struct sim_bytes *answer)
{
    if (len != SIM_PROVISION_LEN || payload[0] != SIM_KIND_PROVISION) {
        return FAILURE_CANNOT_PARSE;
    }
    if (f->key == NULL || f->provisioned) {
        return FAILURE_WRONG_ORDER;
    }
    uint8_t clear[SIM_CLEAR_LEN];
    struct sim_secret secret;
    struct sim_transcript transcript = {
        .init = f->init, .init_answer = f->init_answer, .ephemeral = payload + 1};
    EVP_PKEY *ephemeral = sim_key_from_point(payload + 1);
    bool opened = ephemeral != NULL && sim_agree(f->key, ephemeral, &transcript, &secret) == 0 &&
                  sim_open(&secret, payload + 1 + SIM_POINT_LEN, clear) == 0;
    EVP_PKEY_free(ephemeral);
    return opened ? accept_configuration(f, clear, &secret, answer) : FAILURE_CANNOT_DECRYPT;
}

static enum failure meter_mode(struct firmware *f, const uint8_t *payload, size_t len)
{
    if (len != 7 || memcmp(payload, "FACTORY", 7) != 0) {
        return FAILURE_CANNOT_PARSE;
    }
    f->factory_mode = true;
    return FAILURE_NONE;
}

enum failure firmware_handle(struct firmware *f, enum stage stage, const uint8_t *payload,
                             size_t len, struct sim_bytes *answer)
{
    bool needs_mode = product_of(f->wire) == METER && stage != STAGE_MODE;
    if (f->locked) {
        return FAILURE_LOCKED;
    }
    if (stage == STAGE_UNKNOWN) {
        return FAILURE_UNKNOWN_COMMAND;
    }
    if (needs_mode && !f->factory_mode) {
        return FAILURE_WRONG_ORDER;
    }
    switch (stage) {
    case STAGE_INIT:
        return factory_init(f, payload, len, answer);
    case STAGE_PROVISION:
        return factory_provision(f, payload, len, answer);
    case STAGE_MODE:
        return meter_mode(f, payload, len);
    default:
        f->locked = f->provisioned;
        return f->provisioned ? FAILURE_NONE : FAILURE_WRONG_ORDER;
    }
}

void firmware_reset(struct firmware *f)
{
    EVP_PKEY_free(f->key);
    f->key = NULL;
    f->factory_mode = false;
    f->provisioned = false;
    f->locked = false;
}
