/* The token that proves who the agent is. It is read for each change, so it can be renewed. */
#ifndef PWSYNC_TOKEN_H
#define PWSYNC_TOKEN_H

#include <stdbool.h>
#include <windows.h>

#include "problem.h"

#define TOKEN_MAX 512

/* Reads a file that holds the token and nothing else. */
bool token_read(const WCHAR *file, WCHAR token[TOKEN_MAX + 1], struct problem *problem);

#endif
