/* core/address: what is read holds whole strings, an inner address that can be read, too, and
 * numbers within their bounds; what is refused says why and leaves nothing. */
#include "spec/fuzz/fuzz.h"

#include "core/address.h"
#include "core/error.h"

#include <string.h>

static void look_at(const struct jig_address *a)
{
    struct jig_error err = {0};
    struct jig_endpoint endpoint;
    CLAIM(a->scheme && *a->scheme);
    CLAIM(a->n_words <= JIG_ADDRESS_WORDS && a->n_options <= JIG_ADDRESS_OPTIONS);
    CLAIM(a->words[a->n_words] == NULL);
    for (size_t i = 0; i < a->n_words; i++)
        CLAIM(strlen(a->words[i]) <= JIG_ADDRESS_CAP);
    for (size_t i = 0; i < a->n_options; i++) {
        int64_t number = 7;
        CLAIM(*a->options[i].key && jig_address_option(a, a->options[i].key));
        if (jig_address_number(a, a->options[i].key, -5, 99999, &number, &err) == 0)
            CLAIM(number >= -5 && number <= 99999);
        else
            CLAIM(number == 7);
    }
    if (jig_address_endpoint(a, &endpoint, &err) == 0)
        CLAIM(endpoint.port > 0 && strlen(endpoint.host) <= JIG_ADDRESS_HOST_CAP);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    struct jig_address a, inner;
    struct jig_error err = {0};
    char *text = malloc(n ? n : 1);
    CLAIM(text);
    memcpy(text, bytes, n);
    if (jig_address_parse(&a, text, n, &err) == 0) {
        look_at(&a);
        if (a.inner) {
            CLAIM(jig_address_parse(&inner, a.inner, strlen(a.inner), &err) == 0);
            jig_address_release(&inner);
        }
    } else {
        CLAIM(*err.text && !a.text);
    }
    jig_address_release(&a);
    free(text);
    return 0;
}
