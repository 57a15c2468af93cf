/* Reads the command line of the device program. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agreement.h"
#include "bytes.h"

static const char USAGE[] =
    "device --wire length|ftcd|slip|hdlc|line|raw --listen pty:LINKPATH|tcp:PORT|stdio\n"
    "       [--endian little|big] [--boot open|pulse] [--serial SN] [--store DIR] [--log FILE] "
    "[--units N]\n"
    "       [--latency MS] [--factory-id N] [--rx-chunk N --rx-gap MS] [--fault "
    "NAME[=VALUE][@STAGE][#COUNT]]...\n"
    "       [--parent-death]\n";

enum option_code {
    OPTION_WIRE = 1,
    OPTION_LISTEN,
    OPTION_ENDIAN,
    OPTION_BOOT,
    OPTION_SERIAL,
    OPTION_STORE,
    OPTION_LOG,
    OPTION_UNITS,
    OPTION_LATENCY,
    OPTION_FACTORY_ID,
    OPTION_RX_CHUNK,
    OPTION_RX_GAP,
    OPTION_FAULT,
    OPTION_PARENT_DEATH,
};

static const struct option OPTIONS[] = {
    {"wire", required_argument, NULL, OPTION_WIRE},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"endian", required_argument, NULL, OPTION_ENDIAN},
    {"boot", required_argument, NULL, OPTION_BOOT},
    {"serial", required_argument, NULL, OPTION_SERIAL},
    {"store", required_argument, NULL, OPTION_STORE},
    {"log", required_argument, NULL, OPTION_LOG},
    {"units", required_argument, NULL, OPTION_UNITS},
    {"latency", required_argument, NULL, OPTION_LATENCY},
    {"factory-id", required_argument, NULL, OPTION_FACTORY_ID},
    {"rx-chunk", required_argument, NULL, OPTION_RX_CHUNK},
    {"rx-gap", required_argument, NULL, OPTION_RX_GAP},
    {"fault", required_argument, NULL, OPTION_FAULT},
    {"parent-death", no_argument, NULL, OPTION_PARENT_DEATH},
    {NULL, 0, NULL, 0},
};

/* One of two words; sets *is_first. */
static int either(const char *text, const char *first, const char *second, bool *is_first)
{
    *is_first = strcmp(text, first) == 0;
    return *is_first || strcmp(text, second) == 0 ? 0 : -1;
}

static int add_fault(struct options *o, const char *text)
{
    if (o->fault_count == TROUBLE_MAX) {
        return -1;
    }
    o->faults[o->fault_count++] = text;
    return 0;
}

static int set_option(struct options *o, int option, const char *value)
{
    static const unsigned long most = 1000 * 1000 * 1000;
    switch (option) {
    case OPTION_WIRE:
        o->has_wire = true;
        return wire_kind_from_name(value, &o->wire);
    case OPTION_LISTEN:
        o->listen = value;
        return 0;
    case OPTION_ENDIAN:
        return either(value, "big", "little", &o->big_endian);
    case OPTION_BOOT:
        o->has_boot = true;
        return either(value, "open", "pulse", &o->boot_at_open);
    case OPTION_SERIAL:
        o->serial = value;
        return 0;
    case OPTION_STORE:
        o->store = value;
        return 0;
    case OPTION_LOG:
        o->log = value;
        return 0;
    case OPTION_UNITS:
        return sim_number(value, most, &o->units);
    case OPTION_LATENCY:
        return sim_number(value, most, &o->latency_ms);
    case OPTION_FACTORY_ID:
        return sim_number(value, 0xFFFFFF, &o->factory_id);
    case OPTION_RX_CHUNK:
        return sim_number(value, most, &o->rx_chunk);
    case OPTION_RX_GAP:
        return sim_number(value, most, &o->rx_gap_ms);
    case OPTION_FAULT:
        return add_fault(o, value);
    case OPTION_PARENT_DEATH:
        o->parent_death = true;
        return 0;
    default:
        return -1;
    }
}

/* The serial number is the name of a file; one '#' in it is not. */
static bool is_serial(const char *text)
{
    char plain[OPTIONS_SERIAL_MAX + 1];
    if (strlen(text) > OPTIONS_SERIAL_MAX) {
        return false;
    }
    (void)strcpy(plain, text);
    char *mark = strchr(plain, '#');
    if (mark != NULL) {
        *mark = '0';
    }
    return sim_is_name(plain);
}

int options_parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.serial = "SIM0001", .factory_id = SIM_FACTORY_ID};
    for (int c = getopt_long(argc, argv, "", OPTIONS, NULL); c != -1;
         c = getopt_long(argc, argv, "", OPTIONS, NULL)) {
        if (c == '?' || set_option(o, c, optarg) < 0) {
            (void)fprintf(stderr, "device: bad option or value: %s\n%s", c == '?' ? "" : optarg,
                          USAGE);
            return -1;
        }
    }
    if (optind != argc || !o->has_wire || o->listen == NULL ||
        (o->rx_chunk > 0) != (o->rx_gap_ms > 0) || !is_serial(o->serial)) {
        (void)fprintf(stderr, "device: something is missing, or too much, or no serial number\n%s",
                      USAGE);
        return -1;
    }
    if (!o->has_boot) { /* the thermostat waits for its reset line, where there is one */
        o->boot_at_open = o->wire != WIRE_LENGTH || strncmp(o->listen, "pty:", 4) != 0;
    }
    return 0;
}
