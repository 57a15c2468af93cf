/*
 * The key agreement of the simulator: ECDH on P-256, HKDF-SHA256 (RFC 5869), AES-256-GCM. It was
 * made up here so that the simulated service and the simulated device really have to understand
 * each other; it is not the vendor's protocol. Only the sizes of the four messages (4, 90, 1984 and
 * 24 bytes) are those of the vendor's published transcript.
 *
 *   Factory Init           01, factory ID (3 bytes, little-endian)
 *   its answer             01, uncompressed point (65), a field: 22 random bytes
 *   Factory Provisioning   02, ephemeral point (65), sealed configuration (1902), GCM tag (16)
 *   its answer             a field: the first 10 bytes of HMAC-SHA256 over the certificate
 *
 * A field is a little-endian 16-bit length and 22 bytes, padded with zeroes.
 *
 * All functions return 0, or -1 when the world fails; OpenSSL's error queue then holds why.
 */
#ifndef SIM_AGREEMENT_H
#define SIM_AGREEMENT_H

#include <openssl/evp.h>
#include <stdint.h>

#include "bytes.h"

enum {
    SIM_KIND_INIT = 0x01,
    SIM_KIND_PROVISION = 0x02,
    SIM_FACTORY_ID = 129,
    SIM_INIT_LEN = 4,
    SIM_POINT_LEN = 65,
    SIM_FIELD_DATA = 22,
    SIM_FIELD_LEN = 2 + SIM_FIELD_DATA,
    SIM_INIT_ANSWER_LEN = 1 + SIM_POINT_LEN + SIM_FIELD_LEN,
    SIM_PROVISION_LEN = 1984,
    SIM_TAG_LEN = 16,
    SIM_CLEAR_LEN = SIM_PROVISION_LEN - 1 - SIM_POINT_LEN - SIM_TAG_LEN,
    SIM_ACK_MAC_LEN = 10,
    SIM_ACK_LEN = SIM_FIELD_LEN,
    SIM_DIGEST_TEXT = 17, /* 16 hex digits of SHA-256 and NUL */
};

/* The messages that the secret is bound to. */
struct sim_transcript {
    const uint8_t *init;        /* SIM_INIT_LEN */
    const uint8_t *init_answer; /* SIM_INIT_ANSWER_LEN */
    const uint8_t *ephemeral;   /* SIM_POINT_LEN */
};

struct sim_secret {
    uint8_t key[32];
    uint8_t iv[12]; /* derived: the key seals one message only */
    uint8_t mac[32];
};

/* Keeps OpenSSL from reading its configuration file, which neither program needs. Call once, first.
 */
void sim_crypto_init(void);

/* New objects: free with EVP_PKEY_free. NULL on failure. */
EVP_PKEY *sim_key_new(void);
EVP_PKEY *sim_key_from_point(const uint8_t point[SIM_POINT_LEN]);
int sim_key_point(EVP_PKEY *key, uint8_t point[SIM_POINT_LEN]);

int sim_agree(EVP_PKEY *own, EVP_PKEY *peer, const struct sim_transcript *t,
              struct sim_secret *out);
/* sealed: SIM_CLEAR_LEN bytes and the tag. */
int sim_seal(const struct sim_secret *s, const uint8_t clear[SIM_CLEAR_LEN],
             uint8_t sealed[SIM_CLEAR_LEN + SIM_TAG_LEN]);
/* -1 also when the tag does not fit. */
int sim_open(const struct sim_secret *s, const uint8_t sealed[SIM_CLEAR_LEN + SIM_TAG_LEN],
             uint8_t clear[SIM_CLEAR_LEN]);
/* What a device answers that decrypted this certificate. */
int sim_acknowledge(const struct sim_secret *s, const uint8_t *certificate, size_t len,
                    uint8_t ack[SIM_ACK_LEN]);

/* len <= SIM_FIELD_DATA */
void sim_field(const uint8_t *data, size_t len, uint8_t field[SIM_FIELD_LEN]);

/* The start of SHA-256 in hex: all that audit and log ever say about the bytes of a message. */
void sim_digest_text(const void *data, size_t len, char out[SIM_DIGEST_TEXT]);

#endif
