/*
 * What both simulator programs need of C and POSIX: growing bytes, hex, JSON text, time, files.
 * They share nothing with jig's core, so that they can bear witness against it.
 */
#ifndef SIM_BYTES_H
#define SIM_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Growing bytes; all zero is empty. Running out of memory ends the program. Free with
 * sim_bytes_free. */
struct sim_bytes {
    uint8_t *data;
    size_t len;
    size_t cap;
};

void sim_bytes_add(struct sim_bytes *b, const void *data, size_t len);
void sim_bytes_byte(struct sim_bytes *b, uint8_t byte);
void sim_bytes_text(struct sim_bytes *b, const char *text);
/* At most 511 characters per call. */
void sim_bytes_format(struct sim_bytes *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Lower case. */
void sim_bytes_hex(struct sim_bytes *b, const uint8_t *data, size_t len);
/* A quoted JSON string (RFC 8259). A byte that is not part of valid UTF-8 is written as the
 * character of that number. */
void sim_bytes_json(struct sim_bytes *b, const char *text);
/* Unsigned numbers of `width` bytes, 1 to 8. */
void sim_bytes_big(struct sim_bytes *b, uint64_t value, size_t width);
void sim_bytes_little(struct sim_bytes *b, uint64_t value, size_t width);
/* Removes n <= len bytes from the front. */
void sim_bytes_drop(struct sim_bytes *b, size_t n);
void sim_bytes_free(struct sim_bytes *b);

uint64_t sim_read_big(const uint8_t *data, size_t width);
uint64_t sim_read_little(const uint8_t *data, size_t width);

/* Appends the decoded bytes. Returns 0, or -1 for an odd length or a character that is no hex digit
 * (what was appended stays). */
int sim_hex_decode(const char *text, struct sim_bytes *out);

/* A decimal number of at most max, digits only. Returns 0 or -1. */
int sim_number(const char *text, unsigned long max, unsigned long *out);

/* 1 to 64 of A-Z a-z 0-9 . _ - and no leading dot: safe as the name of a file. */
bool sim_is_name(const char *text);

/* Writes all, through EINTR. Returns 0 or -1 with errno. */
int sim_write_all(int fd, const void *data, size_t len);
/* Replaces dir/name in one step (a temporary file, then rename); mode 0600. Returns 0 or -1 with
 * errno. */
int sim_replace_file(int dir, const char *name, const void *data, size_t len);
/* Appends the whole of dir/name. Returns 0 or -1 with errno. */
int sim_read_file(int dir, const char *name, struct sim_bytes *out);

/* CLOCK_MONOTONIC, nanoseconds. */
int64_t sim_now(void);
void sim_sleep_ms(unsigned long ms);

#endif
