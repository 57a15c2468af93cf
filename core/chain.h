/* The chain of events: each one's hash covers the one before. See chain.c for the encoding. */
#ifndef JIG_CORE_CHAIN_H
#define JIG_CORE_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/digest.h"
#include "core/error.h"

/* Where a chain stands. A zeroed one is before the first event. */
struct jig_chain {
    int64_t id; /* of the latest event */
    uint8_t hash[JIG_SHA256_SIZE];
    struct jig_buf work;
};

/* What is hashed of an event; its id is the chain's plus 1. */
struct jig_link {
    int64_t time, attempt;
    const char *kind, *session, *facts;
    size_t kind_n, session_n, facts_n;
};

/* Moves the chain on by one event. JIG_OK; otherwise it stays where it is. */
int jig_chain_next(struct jig_chain *chain, const struct jig_link *link, struct jig_error *err);

void jig_chain_release(struct jig_chain *chain);

#endif
