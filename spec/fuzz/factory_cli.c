/* core/factory_cli: what the CLI printed, and what it is handed. The first byte says the command.
 */
#include "spec/fuzz/fuzz.h"

#include "core/error.h"
#include "core/factory_cli.h"

#include <ctype.h>
#include <string.h>

static void parse(enum jig_factory_command command, const char *text, size_t n)
{
    struct jig_factory_answer answer;
    struct jig_error err = {0};
    if (jig_factory_cli_parse(command, text, n, &answer, &err) != 0) {
        CLAIM(*err.text && !answer.payload && !*answer.fingerprint);
        return;
    }
    if (command == JIG_NEW_DEVICE || command == JIG_GET_DEVICE_CONFIGURATION)
        CLAIM(answer.has_scp && answer.payload && answer.payload_len > 0);
    if (command == JIG_HANDLE_DEVICE_RESPONSE)
        CLAIM(*answer.fingerprint);
    for (const char *c = answer.fingerprint; *c; c++)
        CLAIM(isxdigit((unsigned char)*c));
    jig_factory_answer_release(&answer);
}

/* The reason is the text, the session its beginning, the response all of it. */
static void call(enum jig_factory_command command, const char *text, size_t n)
{
    const struct jig_factory_cli cli = {.program = "tool"};
    const struct jig_factory_call call = {.command = command,
                                          .session = text,
                                          .session_len = n < 8 ? n : 8,
                                          .response = text,
                                          .response_len = n,
                                          .code = -1,
                                          .reason = text,
                                          .reason_len = n};
    struct jig_factory_argv argv;
    struct jig_error err = {0};
    if (jig_factory_cli_argv(&argv, &cli, &call, &err) != 0) {
        CLAIM(*err.text);
        return;
    }
    CLAIM(strcmp(argv.words[0], "tool") == 0);
    CLAIM(strlen(argv.words[2]) == call.session_len && *argv.words[2] != '-');
    if (command == JIG_REPORT_ERROR) {
        const char *reason = argv.words[4];
        CLAIM(*reason && *reason != '-' && strlen(reason) <= JIG_CLI_REASON_CAP && !argv.words[5]);
        for (; *reason; reason++)
            CLAIM(!iscntrl((unsigned char)*reason));
    }
    jig_factory_argv_release(&argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    char *text = malloc(n - 1 ? n - 1 : 1);
    CLAIM(text);
    memcpy(text, bytes + 1, n - 1);
    parse(bytes[0] % 4, text, n - 1);
    call(bytes[0] % 4, text, n - 1);
    free(text);
    return 0;
}
