/* The command line of the device program. */
#ifndef SIM_OPTIONS_H
#define SIM_OPTIONS_H

#include "trouble.h"
#include "wire.h"

enum options_limits { OPTIONS_SERIAL_MAX = 64 };

/* All text is borrowed from the argument vector. */
struct options {
    enum wire_kind wire;
    bool big_endian;
    const char *listen;
    const char *serial; /* a '#' stands for the number of the unit */
    const char *store;
    const char *log;
    const char *faults[TROUBLE_MAX];
    size_t fault_count;
    unsigned long units; /* 0: no end */
    unsigned long latency_ms;
    unsigned long factory_id;
    unsigned long rx_chunk; /* 0: no limit */
    unsigned long rx_gap_ms;
    bool has_wire;
    bool has_boot;
    bool boot_at_open;
    bool parent_death;
};

/* Returns 0, or -1 after it has said on stderr what is wrong. */
int options_parse(struct options *o, int argc, char **argv);

#endif
