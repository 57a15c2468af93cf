/* Throughput of core/hex and core/crc beside memcpy, which is the limit of the machine. Prints for
 * each kind and size one line "kind size GB/s" (1e9 bytes of payload a second); each figure is
 * the best of a few repetitions, so that one interruption does not count. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/crc.h"
#include "core/hex.h"

enum { LARGEST = 1 << 20, WORK = 8 << 20, REPETITIONS = 5 };

struct bench {
    struct jig_crc crc;
    uint8_t *bytes, *copy;
    char *text;
    volatile uint32_t sink; /* results go here, so that nothing can be left out */
};

typedef void work_fn(struct bench *b, size_t n);

static void copy(struct bench *b, size_t n)
{
    memcpy(b->copy, b->bytes, n);
    __asm__ volatile("" : : "r"(b->copy) : "memory"); /* the copy is looked at */
}

static void encode(struct bench *b, size_t n)
{
    jig_hex_encode(b->text, b->bytes, n);
}

static void decode(struct bench *b, size_t n)
{
    b->sink = (uint32_t)jig_hex_decode(b->copy, b->text, 2 * n, NULL, NULL);
}

static void check(struct bench *b, size_t n)
{
    b->sink = jig_crc_sum(&b->crc, b->bytes, n);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double best_rate(struct bench *b, work_fn *work, size_t n)
{
    size_t times = WORK / n;
    double best = 0;
    for (int repetition = 0; repetition < REPETITIONS; repetition++) {
        double start = now();
        for (size_t i = 0; i < times; i++)
            work(b, n);
        double rate = (double)(times * n) / (now() - start) / 1e9;
        best = rate > best ? rate : best;
    }
    return best;
}

static int open_bench(struct bench *b)
{
    b->bytes = malloc(LARGEST);
    b->copy = malloc(LARGEST);
    b->text = malloc((size_t)2 * LARGEST);
    if (!b->bytes || !b->copy || !b->text)
        return -1;
    for (size_t i = 0; i < LARGEST; i++)
        b->bytes[i] = (uint8_t)(i * 2654435761U >> 13);
    jig_hex_encode(b->text, b->bytes, LARGEST);
    return jig_crc_init(&b->crc, jig_crc_find("CRC-16/IBM-3740"), NULL);
}

int main(void)
{
    static const struct {
        const char *name;
        work_fn *work;
    } kinds[] = {{"memcpy", copy}, {"encode", encode}, {"decode", decode}, {"crc", check}};
    static const size_t sizes[] = {24, 1984, LARGEST};
    static struct bench b;
    if (open_bench(&b) < 0)
        return 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            printf("%s %zu %.3f\n", kinds[k].name, sizes[i],
                   best_rate(&b, kinds[k].work, sizes[i]));
    return 0;
}
