/* The client certificate that proves who the agent is. */
#ifndef PWSYNC_CERTIFICATE_H
#define PWSYNC_CERTIFICATE_H

#include <stdbool.h>
#include <windows.h>
#include <wincrypt.h>

#include "options.h"
#include "problem.h"

/* Finds it in the machine's store 'Personal'. */
bool certificate_find(const BYTE thumbprint[THUMBPRINT_SIZE], PCCERT_CONTEXT *certificate, struct problem *problem);

#endif
