/* spec.tls: the other side of a tls wire, for specs: certificates, and a TLS server that does no
 * input and output. What it gets and gives are strings, so that a spec decides how they are cut.
 *
 *     cc -shared -fPIC $(pkg-config --cflags lua5.4) -o build/spec/tls.so spec/support/tls.c -lssl
 * -lcrypto
 */
#include <lauxlib.h>
#include <lua.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define TYPE "spec.tls"

enum { READ_SIZE = 65536 };

struct server {
    SSL *ssl; /* NULL = closed */
    BIO *in, *out;
};

/* ---- helpers ---- */

static int fail(lua_State *L)
{
    char text[256];
    ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
    return luaL_error(L, "%s", text);
}

static const char *field(lua_State *L, int index, const char *key)
{
    return lua_getfield(L, index, key) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
}

static BIO *text_bio(lua_State *L, const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    return bio ? bio : (fail(L), NULL);
}

static X509 *read_certificate(lua_State *L, const char *text)
{
    BIO *bio = text_bio(L, text);
    X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return certificate ? certificate : (fail(L), NULL);
}

static EVP_PKEY *read_key(lua_State *L, const char *text)
{
    BIO *bio = text_bio(L, text);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return key ? key : (fail(L), NULL);
}

static void push_bio(lua_State *L, BIO *bio)
{
    char *text;
    long n = BIO_get_mem_data(bio, &text);
    lua_pushlstring(L, text, (size_t)n);
    BIO_free(bio);
}

/* ---- certificates ---- */

static void add_extension(lua_State *L, X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    if (!extension || !X509_add_ext(certificate, extension, -1))
        fail(L);
    X509_EXTENSION_free(extension);
}

/* certificate{ owner, names?, from?, to?, authority?, usage?, by?, key? } -> its PEM, the key's PEM
 *
 *   owner      its common name
 *   names      "DNS:a.example,IP:127.0.0.1"
 *   from, to   seconds from now, default -3600 and 3600
 *   authority  true: may sign others
 *   usage      "serverAuth" and the like
 *   by         { certificate, key } of who signs it; default: itself
 */
static int certificate(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    EVP_PKEY *key = EVP_EC_gen("P-256"), *signer = key;
    X509 *made = X509_new(), *by = made;
    const char *owner = field(L, 1, "owner"), *names = field(L, 1, "names");
    const char *usage = field(L, 1, "usage");
    lua_getfield(L, 1, "from");
    X509_gmtime_adj(X509_getm_notBefore(made), (long)luaL_optinteger(L, -1, -3600));
    lua_getfield(L, 1, "to");
    X509_gmtime_adj(X509_getm_notAfter(made), (long)luaL_optinteger(L, -1, 3600));
    if (lua_getfield(L, 1, "by") == LUA_TTABLE) {
        int at = lua_gettop(L);
        lua_rawgeti(L, at, 1);
        by = read_certificate(L, lua_tostring(L, -1));
        lua_rawgeti(L, at, 2);
        signer = read_key(L, lua_tostring(L, -1));
    }
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set_int64(X509_get_serialNumber(made), (int64_t)(uintptr_t)made & 0xffffff);
    X509_set_pubkey(made, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8,
                               (const unsigned char *)owner, -1, -1, 0);
    X509_set_issuer_name(made, X509_get_subject_name(by));
    lua_getfield(L, 1, "authority");
    if (lua_toboolean(L, -1))
        add_extension(L, made, NID_basic_constraints, "critical,CA:TRUE");
    if (names)
        add_extension(L, made, NID_subject_alt_name, names);
    if (usage)
        add_extension(L, made, NID_ext_key_usage, usage);
    if (!X509_sign(made, signer, EVP_sha256()))
        return fail(L);
    BIO *text = BIO_new(BIO_s_mem()), *secret = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(text, made);
    PEM_write_bio_PrivateKey(secret, key, NULL, NULL, 0, NULL, NULL);
    push_bio(L, text);
    push_bio(L, secret);
    if (by != made) {
        X509_free(by);
        EVP_PKEY_free(signer);
    }
    X509_free(made);
    EVP_PKEY_free(key);
    return 2;
}

/* ---- the server ---- */

static int at_most(const char *version)
{
    return !version ? 0 : strcmp(version, "1.1") == 0 ? TLS1_1_VERSION : TLS1_2_VERSION;
}

/* server{ certificate, key, chain?, ask?, trust?, most? } -> server
 *
 *   chain  a further certificate to send
 *   ask    true: a client certificate, which must be there and be signed by `trust`
 *   most   "1.1" or "1.2": nothing newer
 *   fragment  bytes of one record at most, from 512 on
 */
static int new_server(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    struct server *server = lua_newuserdatauv(L, sizeof *server, 0);
    *server = (struct server){0};
    luaL_setmetatable(L, TYPE);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    X509 *own = read_certificate(L, field(L, 1, "certificate"));
    EVP_PKEY *key = read_key(L, field(L, 1, "key"));
    const char *chain = field(L, 1, "chain"), *trust = field(L, 1, "trust");
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, at_most(field(L, 1, "most")));
    SSL_CTX_use_certificate(context, own);
    SSL_CTX_use_PrivateKey(context, key);
    X509_free(own);
    EVP_PKEY_free(key);
    if (chain)
        SSL_CTX_add0_chain_cert(context, read_certificate(L, chain));
    lua_getfield(L, 1, "ask");
    if (lua_toboolean(L, -1))
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    if (trust) {
        X509 *authority = read_certificate(L, trust);
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority);
        X509_free(authority);
    }
    lua_getfield(L, 1, "fragment");
    SSL_CTX_set_max_send_fragment(context, luaL_optinteger(L, -1, SSL3_RT_MAX_PLAIN_LENGTH));
    server->ssl = SSL_new(context);
    SSL_CTX_free(context);
    server->in = BIO_new(BIO_s_mem());
    server->out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(server->in, -1);
    SSL_set_bio(server->ssl, server->in, server->out);
    SSL_set_accept_state(server->ssl);
    lua_pushvalue(L, 2);
    return 1;
}

static struct server *check(lua_State *L)
{
    struct server *server = luaL_checkudata(L, 1, TYPE);
    luaL_argcheck(L, server->ssl, 1, "closed server");
    ERR_clear_error();
    return server;
}

/* nil and "again", "closed" (close_notify) or OpenSSL's words. */
static int push_failure(lua_State *L, const struct server *server, int result)
{
    int what = SSL_get_error(server->ssl, result);
    char text[256];
    lua_pushnil(L);
    if (what == SSL_ERROR_WANT_READ || what == SSL_ERROR_WANT_WRITE) {
        lua_pushliteral(L, "again");
    } else if (what == SSL_ERROR_ZERO_RETURN) {
        lua_pushliteral(L, "closed");
    } else {
        ERR_error_string_n(ERR_peek_last_error(), text, sizeof text);
        lua_pushstring(L, text);
    }
    return 2;
}

/* server:feed(bytes): they arrived. */
static int feed(lua_State *L)
{
    size_t n;
    const char *bytes = luaL_checklstring(L, 2, &n);
    if (n)
        BIO_write(check(L)->in, bytes, (int)n);
    return 0;
}

/* server:take() -> what it has to send */
static int take(lua_State *L)
{
    struct server *server = check(L);
    char *bytes;
    long n = BIO_get_mem_data(server->out, &bytes);
    lua_pushlstring(L, bytes, (size_t)n);
    BIO_reset(server->out);
    return 1;
}

/* server:shake() -> true, or nil, why */
static int shake(lua_State *L)
{
    struct server *server = check(L);
    int result = SSL_do_handshake(server->ssl);
    if (result != 1)
        return push_failure(L, server, result);
    lua_pushboolean(L, true);
    return 1;
}

/* server:read([most]) -> bytes, or nil, why */
static int read_bytes(lua_State *L)
{
    struct server *server = check(L);
    lua_Integer most = luaL_optinteger(L, 2, READ_SIZE);
    luaL_argcheck(L, most > 0 && most <= READ_SIZE, 2, "out of range");
    char *bytes = lua_newuserdatauv(L, READ_SIZE, 0);
    int got = SSL_read(server->ssl, bytes, (int)most);
    if (got <= 0)
        return push_failure(L, server, got);
    lua_pushlstring(L, bytes, (size_t)got);
    return 1;
}

/* server:write(bytes) -> how many, or nil, why */
static int write_bytes(lua_State *L)
{
    struct server *server = check(L);
    size_t n;
    const char *bytes = luaL_checklstring(L, 2, &n);
    int put = SSL_write(server->ssl, bytes, (int)n);
    if (put <= 0)
        return push_failure(L, server, put);
    lua_pushinteger(L, put);
    return 1;
}

/* server:update(): new keys, and the client shall change its own (TLS 1.3). */
static int update(lua_State *L)
{
    struct server *server = check(L);
    if (SSL_key_update(server->ssl, SSL_KEY_UPDATE_REQUESTED) != 1 ||
        SSL_do_handshake(server->ssl) != 1)
        return fail(L);
    return 0;
}

/* server:renegotiate(): asks for another handshake (TLS 1.2). */
static int renegotiate(lua_State *L)
{
    struct server *server = check(L);
    if (SSL_renegotiate(server->ssl) != 1 || SSL_do_handshake(server->ssl) != 1)
        return fail(L);
    return 0;
}

/* server:finish(): close_notify */
static int finish(lua_State *L)
{
    SSL_shutdown(check(L)->ssl);
    return 0;
}

/* server:about() -> the protocol ("TLSv1.3"), the name that was asked for (SNI) */
static int about(lua_State *L)
{
    struct server *server = check(L);
    lua_pushstring(L, SSL_get_version(server->ssl));
    lua_pushstring(L, SSL_get_servername(server->ssl, TLSEXT_NAMETYPE_host_name));
    return 2;
}

static int close_server(lua_State *L)
{
    struct server *server = luaL_checkudata(L, 1, TYPE);
    SSL_free(server->ssl);
    server->ssl = NULL;
    return 0;
}

static const luaL_Reg methods[] = {
    {"about", about},     {"close", close_server},      {"feed", feed},   {"finish", finish},
    {"read", read_bytes}, {"renegotiate", renegotiate}, {"shake", shake}, {"take", take},
    {"update", update},   {"write", write_bytes},       {NULL, NULL},
};

static const luaL_Reg functions[] = {
    {"certificate", certificate},
    {"server", new_server},
    {NULL, NULL},
};

int luaopen_spec_tls(lua_State *L);

int luaopen_spec_tls(lua_State *L)
{
    luaL_newmetatable(L, TYPE);
    lua_pushcfunction(L, close_server);
    lua_setfield(L, -2, "__gc");
    luaL_newlib(L, methods);
    lua_setfield(L, -2, "__index");
    luaL_newlib(L, functions);
    return 1;
}
