/* A preloaded library in which each name takes its time to be found: what a resolver does that gets
 * no answer.
 *
 *     cc -shared -fPIC -o slowname.so slowname.c
 *     LD_PRELOAD=./slowname.so SLOWNAME_SECONDS=60 jig run ... --port tcp:device.example:7777
 */
#include <netdb.h>
#include <stdlib.h>
#include <unistd.h>

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    const char *seconds = getenv("SLOWNAME_SECONDS");
    (void)host;
    (void)service;
    (void)hints;
    *found = NULL;
    if (hints && hints->ai_flags & AI_NUMERICHOST)
        return EAI_NONAME;
    sleep(seconds ? (unsigned)atoi(seconds) : 0);
    return EAI_AGAIN;
}
