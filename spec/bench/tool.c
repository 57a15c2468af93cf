/* The least factory_tool there can be: answers of the documented shape and size at once, no state,
 * no library. What a unit costs beside it is the engine's own. It checks what it is given, so that
 * a peer that skips work is found out. With TOOL_MS in the environment it takes so many
 * milliseconds, as one does that asks a service. */
#include "frame.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char fingerprint[] = "FINGERPRINT e603eb9d1cb55d2288cb639fccf30e1687f5bb90\n";

static int say(const char *text, size_t n)
{
    return write(STDOUT_FILENO, text, n) == (ssize_t)n ? 0 : 1;
}

static bool is_response(const char *hex, size_t bytes, const char *head)
{
    return strlen(hex) == 2 * bytes && strncmp(hex, head, strlen(head)) == 0 &&
           strspn(hex, "0123456789abcdefABCDEF") == 2 * bytes;
}

static int print_configuration(void)
{
    static const char head[] = "SCP 257\nPAYLOAD ";
    char out[sizeof head + (size_t)2 * REQUEST_2];
    size_t n = sizeof head - 1;
    uint32_t noise = 12345;
    memcpy(out, head, n);
    for (int i = 0; i < 2 * REQUEST_2; i++) {
        noise = noise * 1664525 + 1013904223;
        out[n++] = "0123456789abcdef"[noise >> 28];
    }
    out[n++] = '\n';
    return say(out, n);
}

static void take_time(void)
{
    const char *wish = getenv("TOOL_MS");
    long ms = wish ? strtol(wish, NULL, 10) : 0;
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    if (ms)
        nanosleep(&time, NULL);
}

int main(int argc, char **argv)
{
    take_time();
    if (argc == 3 && !strcmp(argv[1], "new_device"))
        return say("SCP 256\nPAYLOAD 01810000\n", 25);
    if (argc == 4 && !strcmp(argv[1], "get_device_configuration"))
        return is_response(argv[3], RESPONSE_1, "01") ? print_configuration() : 1;
    if (argc == 4 && !strcmp(argv[1], "handle_device_response"))
        return is_response(argv[3], RESPONSE_2, "0a") ? say(fingerprint, sizeof fingerprint - 1)
                                                      : 1;
    return argc == 5 && !strcmp(argv[1], "report_error") ? 0 : 2;
}
