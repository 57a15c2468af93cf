/*
 * The PIN of the simulated token: wanted when SIM_DIR/pin is there, whose line it is.
 *
 * SIM_PIN says how the tool gets it: "fd:N", "env:NAME", or "tty": it asks at its controlling
 * terminal, and asks again as long as the token allows it, as tools for people do. Three wrong ones
 * in a row block the token, by SIM_DIR/pin.wrong, which grows by a byte each; a right one takes
 * that away.
 */
#ifndef SIM_PIN_H
#define SIM_PIN_H

enum pin_result { PIN_RIGHT, PIN_WRONG, PIN_BLOCKED, PIN_MISSING };

/* Checks it; *why is a static string when it is not PIN_RIGHT. */
enum pin_result pin_check(int dir, const char **why);

#endif
