/* What an answer of the controller says: an object of JSON, of which a few strings matter (RFC 9457). */
#ifndef PWSYNC_ANSWER_H
#define PWSYNC_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#define ANSWER_TEXT 200

/*
 * Reads the string of this name in a JSON object, as UTF-8; what does not fit is cut off. Returns whether the text is
 * one whole object of JSON; 'found' is empty when it has no such string.
 */
bool answer_text(const char *json, size_t size, const char *name, char found[ANSWER_TEXT]);

#endif
