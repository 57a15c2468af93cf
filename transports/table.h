/* The transports, one to a file. Only table.c and those files include this. */
#ifndef JIG_TRANSPORTS_TABLE_H
#define JIG_TRANSPORTS_TABLE_H

#include "core/port.h"

extern const struct jig_transport jig_transport_exec;
extern const struct jig_transport jig_transport_fault;
extern const struct jig_transport jig_transport_pair;
extern const struct jig_transport jig_transport_serial;
extern const struct jig_transport jig_transport_stage;
extern const struct jig_transport jig_transport_stdin;
extern const struct jig_transport jig_transport_tcp;
extern const struct jig_transport jig_transport_tls;
extern const struct jig_transport jig_transport_tty;
extern const struct jig_transport jig_transport_usb;

#endif
