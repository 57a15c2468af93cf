/* core/emergency_file: a file that somebody else may have written. What is read as an event is
 * written again as the same bytes; the reader comes to an end, and tells what is no entry.
 *
 * The first byte says whether the rest are the file's bytes as they are, or bodies of entries: the
 * lengths and digests around them are made right, for no chance finds a digest. */
#include "spec/fuzz/fuzz.h"

#include <string.h>

#include "core/digest.h"
#include "core/emergency_file.h"

enum { HEAD = 8 + JIG_SHA256_SIZE, AT = JIG_EMERGENCY_MARK };

/* An entry around n bytes of body; how many bytes it has. */
static size_t seal(uint8_t *entry, const uint8_t *body, size_t n)
{
    static const uint8_t magic[4] = {'E', 'N', 'T', 'R'};
    memcpy(entry, magic, sizeof magic);
    for (int i = 0; i < 4; i++)
        entry[4 + i] = (uint8_t)(n >> 8 * i);
    memcpy(entry + HEAD, body, n);
    jig_digest_sum(JIG_SHA256, entry + 8, body, n);
    return HEAD + n;
}

/* Bodies, each behind its length in one byte. */
static void fill(struct jig_emergency_file *file, const uint8_t *bytes, size_t n)
{
    size_t at = AT;
    while (n > 1) {
        size_t body = bytes[0] < n - 1 ? bytes[0] : n - 1;
        if (at + HEAD + body > sizeof file->bytes)
            return;
        at += seal(file->bytes + at, bytes + 1, body);
        bytes += 1 + body;
        n -= 1 + body;
    }
}

static void check(const struct jig_event *event, const uint8_t *bytes, size_t n)
{
    struct jig_error err = {0};
    uint8_t *entry;
    size_t size;
    CLAIM((unsigned)event->kind < JIG_EVENT_KINDS && strlen(event->session) <= 128);
    CLAIM(jig_emergency_entry(event, &entry, &size, &err) == JIG_OK);
    CLAIM(size == n && memcmp(entry, bytes, n) == 0);
    free(entry);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct jig_emergency_file *file;
    if (!file)
        CLAIM((file = malloc(sizeof *file))); /* a look behind its bytes is seen */
    if (n == 0 || n > 4096)
        return 0;
    memset(file, 0, sizeof *file);
    file->size = sizeof file->bytes + (bytes[0] == 255);
    memcpy(file->bytes, "jig emergency 1\n", AT);
    if (bytes[0] & 1)
        memcpy(file->bytes + (bytes[0] & 2 ? 0 : AT), bytes + 1, n - 1);
    else
        fill(file, bytes + 1, n - 1);
    size_t at = AT, before = AT;
    struct jig_event event;
    int rc;
    while ((rc = jig_emergency_file_next(file, &at, &event)) != 0) {
        CLAIM(rc == 1 || rc == JIG_EINVALID);
        CLAIM(at > before && at <= sizeof file->bytes);
        if (rc == 1)
            check(&event, file->bytes + before, at - before);
        if (at == sizeof file->bytes)
            break;
        before = at;
    }
    CLAIM(!jig_emergency_file_empty(file) || at == sizeof file->bytes);
    return 0;
}
