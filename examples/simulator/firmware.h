/*
 * What the device's firmware does with a message, whatever wire it came on. Fresh for every unit.
 */
#ifndef SIM_FIRMWARE_H
#define SIM_FIRMWARE_H

#include <openssl/evp.h>

#include "agreement.h"
#include "bytes.h"
#include "wire.h"

/* What a message is; also where a fault switch strikes. */
enum stage {
    STAGE_BOOT,
    STAGE_INIT,
    STAGE_PROVISION,
    STAGE_MODE,
    STAGE_LOCK,
    STAGE_UNKNOWN,
    STAGE_COUNT
};

/* How firmware fails; each product has a number of its own for each. */
enum failure {
    FAILURE_NONE,
    FAILURE_KEYGEN,
    FAILURE_UNKNOWN_FACTORY,
    FAILURE_NO_MEMORY,
    FAILURE_CANNOT_DECRYPT,
    FAILURE_UNKNOWN_COMMAND,
    FAILURE_CANNOT_PARSE,
    FAILURE_WRONG_ORDER,
    FAILURE_LOCKED,
    FAILURE_COUNT,
};

struct firmware {
    enum wire_kind wire; /* decides which product this is */
    unsigned long factory_id;
    const char *store; /* directory for the certificate, or NULL; borrowed, as is */
    const char *serial;
    EVP_PKEY *key; /* NULL before Factory Init */
    uint8_t init[SIM_INIT_LEN];
    uint8_t init_answer[SIM_INIT_ANSWER_LEN];
    bool factory_mode; /* the meter only */
    bool provisioned;
    bool locked;
};

enum stage firmware_stage(const struct firmware *f, const struct wire_request *r);
/* What the next message would be in the right order. */
enum stage firmware_expects(const struct firmware *f);
/* Handles one message and appends the payload of its answer. */
enum failure firmware_handle(struct firmware *f, enum stage stage, const uint8_t *payload,
                             size_t len, struct sim_bytes *answer);
uint32_t firmware_status(enum wire_kind wire, enum failure failure);
const char *firmware_stage_name(enum stage stage);
/* Power cycle. */
void firmware_reset(struct firmware *f);

#endif
