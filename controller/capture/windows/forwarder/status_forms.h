/* The forms of the status. The names are those of 'pwsync capture status' on other sources. */
#ifndef PWSYNC_STATUS_FORMS_H
#define PWSYNC_STATUS_FORMS_H

#include "status.h"

void status_print_text(const struct status *status);
void status_print_json(const struct status *status);

/* The text format of Prometheus. */
void status_format_metrics(const struct status *status, char *text, size_t room);

#endif
