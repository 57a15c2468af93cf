/* The factory's certificate authority: one P-256 key with a self-signed certificate, kept in
 * authority.pem. */
#ifndef SIM_AUTHORITY_H
#define SIM_AUTHORITY_H

#include <openssl/evp.h>

#include "bytes.h"

/*
 * Issues a certificate with the common name `name` (at most 64 characters) for the device's public
 * key. The authority is made at first use in the directory `dir`; of several processes that do so
 * at once one wins and the others use its authority. Appends both certificates as DER. Returns 0 or
 * -1.
 */
int authority_issue(int dir, EVP_PKEY *device, const char *name, struct sim_bytes *certificate,
                    struct sim_bytes *authority);

#endif
