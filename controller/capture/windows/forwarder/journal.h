/*
 * What the forwarder tells: lines on standard error, or, as a service, in 'forwarder.log' of the spool (two files of at
 * most 4 MiB). What a person should see goes to the event log as well.
 */
#ifndef PWSYNC_JOURNAL_H
#define PWSYNC_JOURNAL_H

#include <stdbool.h>
#include <windows.h>

#define JOURNAL_SOURCE L"pwsync-forwarder"

enum level { INFO, WARNING, ALARM };

/* From now on it is a service, with this spool; NULL before the settings are known. */
void journal_serve(const WCHAR *spool);

/* Tells something: UTF-8, one line, no secret. */
void journal_say(enum level level, const char *format, ...) __attribute__((format(gnu_printf, 2, 3)));

/* Tells an event of a service's life also to the event log, though nobody need act. */
void journal_event(const char *words);

#endif
