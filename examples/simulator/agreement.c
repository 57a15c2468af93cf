/* The simulator's own key agreement; see the header for what it is and is not. */
#include "agreement.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

void sim_crypto_init(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

EVP_PKEY *sim_key_new(void)
{
    return EVP_EC_gen("P-256");
}

EVP_PKEY *sim_key_from_point(const uint8_t point[SIM_POINT_LEN])
{
    char group[] = "P-256";
    uint8_t copy[SIM_POINT_LEN];
    memcpy(copy, point, sizeof copy);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy, sizeof copy),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1) {
        (void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
    }
    EVP_PKEY_CTX_free(ctx);
    return key;
}

int sim_key_point(EVP_PKEY *key, uint8_t point[SIM_POINT_LEN])
{
    size_t len = 0;
    int ok =
        EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, SIM_POINT_LEN, &len);
    return ok == 1 && len == SIM_POINT_LEN && point[0] == 0x04 ? 0 : -1;
}

static int shared_secret(EVP_PKEY *own, EVP_PKEY *peer, uint8_t secret[32])
{
    size_t len = 32;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
    int ok = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
             EVP_PKEY_derive_set_peer(ctx, peer) == 1 && EVP_PKEY_derive(ctx, secret, &len) == 1 &&
             len == 32;
    EVP_PKEY_CTX_free(ctx);
    return ok ? 0 : -1;
}

static int hkdf(uint8_t secret[32], struct sim_bytes *salt, struct sim_bytes *info, uint8_t *out,
                size_t len)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, 32),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt->data, salt->len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info->data, info->len),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
    int ok = ctx != NULL && EVP_KDF_derive(ctx, out, len, params) == 1;
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok ? 0 : -1;
}

int sim_agree(EVP_PKEY *own, EVP_PKEY *peer, const struct sim_transcript *t, struct sim_secret *out)
{
    uint8_t secret[32];
    uint8_t derived[sizeof out->key + sizeof out->iv + sizeof out->mac];
    struct sim_bytes salt = {0};
    struct sim_bytes info = {0};
    sim_bytes_add(&salt, t->init_answer + 1 + SIM_POINT_LEN, SIM_FIELD_LEN);
    sim_bytes_text(&info, "jig simulator agreement 1");
    sim_bytes_add(&info, t->init, SIM_INIT_LEN);
    sim_bytes_add(&info, t->init_answer, SIM_INIT_ANSWER_LEN);
    sim_bytes_add(&info, t->ephemeral, SIM_POINT_LEN);
    int result = shared_secret(own, peer, secret);
    if (result == 0) {
        result = hkdf(secret, &salt, &info, derived, sizeof derived);
    }
    if (result == 0) {
        memcpy(out->key, derived, sizeof out->key);
        memcpy(out->iv, derived + sizeof out->key, sizeof out->iv);
        memcpy(out->mac, derived + sizeof out->key + sizeof out->iv, sizeof out->mac);
    }
    OPENSSL_cleanse(secret, sizeof secret);
    OPENSSL_cleanse(derived, sizeof derived);
    sim_bytes_free(&salt);
    sim_bytes_free(&info);
    return result;
}

int sim_seal(const struct sim_secret *s, const uint8_t clear[SIM_CLEAR_LEN],
             uint8_t sealed[SIM_CLEAR_LEN + SIM_TAG_LEN])
{
    int len = 0;
    int rest = 0;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int ok =
        ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, s->key, s->iv) == 1 &&
        EVP_EncryptUpdate(ctx, sealed, &len, clear, SIM_CLEAR_LEN) == 1 &&
        EVP_EncryptFinal_ex(ctx, sealed + len, &rest) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SIM_TAG_LEN, sealed + SIM_CLEAR_LEN) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok && len + rest == SIM_CLEAR_LEN ? 0 : -1;
}

int sim_open(const struct sim_secret *s, const uint8_t sealed[SIM_CLEAR_LEN + SIM_TAG_LEN],
             uint8_t clear[SIM_CLEAR_LEN])
{
    int len = 0;
    int rest = 0;
    uint8_t tag[SIM_TAG_LEN];
    memcpy(tag, sealed + SIM_CLEAR_LEN, sizeof tag);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int ok = ctx != NULL && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, s->key, s->iv) == 1 &&
             EVP_DecryptUpdate(ctx, clear, &len, sealed, SIM_CLEAR_LEN) == 1 &&
             EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SIM_TAG_LEN, tag) == 1 &&
             EVP_DecryptFinal_ex(ctx, clear + len, &rest) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok && len + rest == SIM_CLEAR_LEN ? 0 : -1;
}

int sim_acknowledge(const struct sim_secret *s, const uint8_t *certificate, size_t len,
                    uint8_t ack[SIM_ACK_LEN])
{
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    if (HMAC(EVP_sha256(), s->mac, sizeof s->mac, certificate, len, mac, &mac_len) == NULL) {
        return -1;
    }
    sim_field(mac, SIM_ACK_MAC_LEN, ack);
    return 0;
}

void sim_field(const uint8_t *data, size_t len, uint8_t field[SIM_FIELD_LEN])
{
    memset(field, 0, SIM_FIELD_LEN);
    field[0] = (uint8_t)len;
    memcpy(field + 2, data, len);
}

void sim_digest_text(const void *data, size_t len, char out[SIM_DIGEST_TEXT])
{
    uint8_t digest[32] = {0};
    struct sim_bytes text = {0};
    (void)EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL);
    sim_bytes_hex(&text, digest, 8);
    memcpy(out, text.data, SIM_DIGEST_TEXT - 1);
    out[SIM_DIGEST_TEXT - 1] = 0;
    sim_bytes_free(&text);
}
