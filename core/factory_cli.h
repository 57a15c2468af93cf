/* The vendor's Secure Factory CLI, as far as it can be had without starting a process: which
 * arguments a command takes, and what its standard output says.
 *
 *     PROGRAM [fixed arguments] new_device SID
 *     PROGRAM [fixed arguments] get_device_configuration SID RESPONSE
 *     PROGRAM [fixed arguments] handle_device_response SID RESPONSE
 *     PROGRAM [fixed arguments] report_error SID ERROR_CODE ERROR_REASON
 *
 * Both directions carry secrets: releasing clears the memory, and no error text shows them.
 */
#ifndef JIG_CORE_FACTORY_CLI_H
#define JIG_CORE_FACTORY_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

struct jig_pinned;

enum jig_factory_command {
    JIG_NEW_DEVICE,
    JIG_GET_DEVICE_CONFIGURATION,
    JIG_HANDLE_DEVICE_RESPONSE,
    JIG_REPORT_ERROR,
};

enum {
    JIG_CLI_SESSION_CAP = 128, /* bytes of a session id */
    /* Linux passes at most 131,072 bytes in one argument (MAX_ARG_STRLEN), its NUL among them; a
     * response takes two characters a byte. */
    JIG_CLI_RESPONSE_CAP = 65535,
    JIG_CLI_REASON_CAP = 200,         /* bytes of a reason; the rest is cut off */
    JIG_CLI_OUTPUT_CAP = 1024 * 1024, /* bytes of standard output */
    JIG_CLI_FINGERPRINT_CAP = 512,    /* hex digits */
};

/* "new_device", ...: the word on the command line. */
const char *jig_factory_command_name(enum jig_factory_command command);

/* What to start; strings belong to the caller. */
struct jig_factory_cli {
    const char *program;
    const char *const *arguments; /* between program and command, ended by NULL; may be NULL */
    struct jig_pinned *pinned;    /* what is run as `program`; it outlives all calls. NULL = what
                                   * has that name at each call */
};

/* One call. `response` is for get_device_configuration and handle_device_response; `code` and
 * `reason` are for report_error; what a command does not take is not looked at. */
struct jig_factory_call {
    enum jig_factory_command command;
    const char *session;
    size_t session_len;
    const void *response;
    size_t response_len;
    int32_t code;
    const char *reason;
    size_t reason_len;
};

struct jig_factory_argv {
    char **words; /* ended by NULL; words[0] is the program */
    size_t size;  /* bytes of the one block that holds pointers and strings */
};

/* Builds the argument vector; to be released.
 * - The session id is 1 to 128 printable ASCII characters without a space, the first no "-".
 * - The response is 1 to 65,535 bytes; over that JIG_ELIMIT, before anything was started.
 * - The reason never fails, for a report must not: control characters and bytes that are not UTF-8
 *   become "?", so does a "-" in front, which would read as a flag; over 200 bytes it is cut
 * between characters; an empty one becomes "unspecified". Code is decimal, negative ones with "-".
 * Returns 0; JIG_EINVALID, JIG_ELIMIT or JIG_ENOMEM, with nothing to release. */
int jig_factory_cli_argv(struct jig_factory_argv *argv, const struct jig_factory_cli *cli,
                         const struct jig_factory_call *call, struct jig_error *err);

/* Clears and frees. A zeroed one is harmless. */
void jig_factory_argv_release(struct jig_factory_argv *argv);

/* What a command printed; absent parts are zero. */
struct jig_factory_answer {
    bool has_scp;
    uint32_t scp;
    uint8_t *payload; /* NULL when absent, never empty */
    size_t payload_len;
    char fingerprint[JIG_CLI_FINGERPRINT_CAP + 1]; /* hex digits as printed; "" when absent */
};

/* Reads the n bytes of standard output of a call that was accepted; the grammar stands in
 * factory_cli.c. new_device and get_device_configuration must have printed SCP and PAYLOAD,
 * handle_device_response FINGERPRINT; whatever report_error printed is accepted and not read.
 * Returns 0 and fills *answer, to be released. JIG_EINVALID with the line and what is wrong there,
 * JIG_ELIMIT over the cap, JIG_ENOMEM: *answer is empty. */
int jig_factory_cli_parse(enum jig_factory_command command, const void *bytes, size_t n,
                          struct jig_factory_answer *answer, struct jig_error *err);

/* Clears and frees. A zeroed one is harmless. */
void jig_factory_answer_release(struct jig_factory_answer *answer);

#endif
