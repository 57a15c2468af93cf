/* Signatures by OpenSSL's EVP interface. */
#include "core/sign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

enum { FILE_MAX = 8192 }; /* such a key has some hundred bytes */

/* The file's first bytes, at most FILE_MAX; *st is what it is. */
static int read_file(const char *path, char *text, size_t *n, struct stat *st,
                     struct jig_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return jig_fail_sys(err, errno, "cannot open the key %s", path);
    ssize_t got = fstat(fd, st) < 0 ? -1 : read(fd, text, FILE_MAX);
    int sys = errno;
    close(fd);
    if (got < 0)
        return jig_fail_sys(err, sys, "cannot read the key %s", path);
    *n = (size_t)got;
    return 0;
}

/* Without it OpenSSL would ask on the terminal. */
static int no_passphrase(char *text, int size, int writing, void *data)
{
    (void)text, (void)size, (void)writing, (void)data;
    return -1;
}

static int adopt(struct jig_key *key, EVP_PKEY *pkey, const char *path, struct jig_error *err)
{
    size_t n = sizeof key->public;
    if (pkey && EVP_PKEY_id(pkey) == EVP_PKEY_ED25519 &&
        EVP_PKEY_get_raw_public_key(pkey, key->public, &n) == 1 && n == sizeof key->public) {
        key->key = pkey;
        return 0;
    }
    EVP_PKEY_free(pkey);
    return jig_fail(err, JIG_EINVALID, "%s holds no Ed25519 key without a passphrase", path);
}

static EVP_PKEY *parse(const char *text, size_t n, bool private)
{
    BIO *bio = BIO_new_mem_buf(text, (int)n);
    if (!bio)
        return NULL;
    EVP_PKEY *pkey = private ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL)
                             : PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return pkey;
}

static bool is_public(const char *text, size_t n)
{
    EVP_PKEY *pkey = parse(text, n, false);
    EVP_PKEY_free(pkey);
    return pkey != NULL;
}

int jig_key_private(struct jig_key *key, const char *path, struct jig_error *err)
{
    char text[FILE_MAX];
    size_t n = 0;
    struct stat st = {0};
    *key = (struct jig_key){0};
    int rc = read_file(path, text, &n, &st, err);
    if (rc < 0)
        return rc;
    if (is_public(text, n))
        rc = jig_fail(err, JIG_EINVALID, "%s is a public key: name the private one of the pair",
                      path);
    else if (st.st_uid != geteuid())
        rc = jig_fail(err, JIG_EDENIED, "the key %s belongs to user %u, and this is user %u", path,
                      (unsigned)st.st_uid, (unsigned)geteuid());
    else if (st.st_mode & (S_IRWXG | S_IRWXO))
        rc = jig_fail(err, JIG_EDENIED, "others may use the key %s: chmod 600 it", path);
    else
        rc = adopt(key, parse(text, n, true), path, err);
    explicit_bzero(text, n);
    return rc;
}

int jig_key_parse(struct jig_key *key, const char *pem, size_t n, const char *name,
                  struct jig_error *err)
{
    *key = (struct jig_key){0};
    size_t size = n < FILE_MAX ? n : FILE_MAX;
    EVP_PKEY *pkey = parse(pem, size, false);
    return adopt(key, pkey ? pkey : parse(pem, size, true), name, err);
}

int jig_key_public(struct jig_key *key, const char *path, struct jig_error *err)
{
    char text[FILE_MAX];
    size_t n = 0;
    struct stat st;
    *key = (struct jig_key){0};
    int rc = read_file(path, text, &n, &st, err);
    if (rc < 0)
        return rc;
    rc = jig_key_parse(key, text, n, path, err);
    explicit_bzero(text, n);
    return rc;
}

/* ---- a new pair ---- */

static int write_new(const char *path, mode_t mode, const void *bytes, size_t n,
                     struct jig_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST)
        return jig_fail(err, JIG_EDUPLICATE, "%s is there already: nothing was written", path);
    if (fd < 0)
        return jig_fail_sys(err, errno, "cannot write %s", path);
    ssize_t put = 0;
    for (size_t done = 0; done < n && put >= 0; done += (size_t)put)
        put = write(fd, (const char *)bytes + done, n - done);
    int rc = put < 0 || fsync(fd) < 0 ? jig_fail_sys(err, errno, "cannot write %s", path) : JIG_OK;
    close(fd);
    if (rc < 0)
        unlink(path);
    return rc;
}

static int write_pem(EVP_PKEY *pkey, bool private, const char *path, struct jig_error *err)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    int made = !bio      ? 0
               : private ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL)
                         : PEM_write_bio_PUBKEY(bio, pkey);
    char *text = NULL;
    long n = made == 1 ? BIO_get_mem_data(bio, &text) : 0;
    int rc = n > 0 ? write_new(path, private ? 0600 : 0644, text, (size_t)n, err)
                   : jig_fail(err, JIG_EUNSUPPORTED, "the crypto library writes no key");
    BIO_free(bio);
    return rc;
}

int jig_key_generate(const char *private_path, const char *public_path, struct jig_error *err)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (!pkey)
        return jig_fail(err, JIG_EUNSUPPORTED, "the crypto library makes no key");
    int rc = write_pem(pkey, true, private_path, err);
    if (rc == JIG_OK && (rc = write_pem(pkey, false, public_path, err)) < 0)
        unlink(private_path);
    EVP_PKEY_free(pkey);
    return rc;
}

int jig_key_of(struct jig_key *key, const uint8_t *public, struct jig_error *err)
{
    *key = (struct jig_key){
        .key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public, JIG_PUBLIC_KEY_SIZE),
    };
    if (!key->key)
        return jig_fail(err, JIG_EINVALID, "these bytes are no Ed25519 key");
    memcpy(key->public, public, sizeof key->public);
    return 0;
}

void jig_key_release(struct jig_key *key)
{
    EVP_PKEY_free(key->key);
    *key = (struct jig_key){0};
}

int jig_key_sign(const struct jig_key *key, const void *message, size_t n, uint8_t *signature,
                 struct jig_error *err)
{
    size_t size = JIG_SIGNATURE_SIZE;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int rc = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key->key) == 1 &&
                     EVP_DigestSign(context, signature, &size, message, n) == 1
                 ? 0
                 : jig_fail(err, JIG_EUNSUPPORTED, "the crypto library does not sign");
    EVP_MD_CTX_free(context);
    return rc;
}

bool jig_key_verify(const struct jig_key *key, const void *message, size_t n,
                    const uint8_t *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool right = context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->key) == 1 &&
                 EVP_DigestVerify(context, signature, JIG_SIGNATURE_SIZE, message, n) == 1;
    EVP_MD_CTX_free(context);
    return right;
}
