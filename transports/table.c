/* Which transports there are. `jig ports` and messages list them in this order. */
#include "transports/table.h"

const struct jig_transport *const jig_transports[] = {
    &jig_transport_serial,
    &jig_transport_usb,
    &jig_transport_tty,
    &jig_transport_tcp,
    &jig_transport_tls,
    &jig_transport_exec,
    &jig_transport_pair,
    &jig_transport_stage,
    &jig_transport_stdin,
    &jig_transport_fault,
    NULL,
};
