/* pwsync-forwarder: hands over what the password filter of this domain controller has captured. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#include "../version.h"
#include "forwarding.h"
#include "installing.h"
#include "missed.h"
#include "queue.h"
#include "service.h"
#include "status.h"

#define FAILURE 1
#define MISUSE 2

static HANDLE stop;
static struct options options;
static struct problem problem;

static int fail(void) {
    fprintf(stderr, "error: %s\n", problem.words);
    return FAILURE;
}

static BOOL WINAPI stop_on_signal(DWORD signal) {
    (void)signal;
    SetEvent(stop);
    return TRUE;
}

/* In the foreground, until Ctrl+C or Ctrl+Break. */
static int run(void) {
    stop = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (stop == NULL || !SetConsoleCtrlHandler(stop_on_signal, TRUE)) {
        problem_of_windows(&problem, "the forwarder cannot wait for its end", GetLastError());
    } else if (forwarding_run(&options, stop, &problem)) {
        return 0;
    }
    return fail();
}

static int install(void) {
    if (!service_install(&options, &problem)) {
        return fail();
    }
    puts("The service is there. Start it: sc start pwsync-forwarder");
    return 0;
}

static int uninstall(void) {
    if (!service_uninstall(&problem)) {
        return fail();
    }
    puts("The service is removed. Spool, settings and token are left as they are.");
    return 0;
}

/* Ends with 1 when a person must look. */
static int show_status(enum form form) {
    static struct status status;
    DWORD error = status_look(&status, &options);
    if (error != ERROR_SUCCESS) {
        problem_of_windows(&problem, "the spool cannot be read", error);
        return fail();
    }
    status_show(&status, form);
    return status.alarm_count > 0 ? FAILURE : 0;
}

static int show_text(void) {
    return show_status(TEXT);
}
static int show_json(void) {
    return show_status(JSON);
}
static int show_metrics(void) {
    return show_status(METRICS);
}

static int retry(void) {
    size_t count;
    DWORD error = queue_put_back(options.capture.spool, &count);
    if (error != ERROR_SUCCESS) {
        problem_of_windows(&problem, "not all could be put back", error);
        return fail();
    }
    printf("%zu put back\n", count);
    return 0;
}

static int acknowledge(void) {
    DWORD error = missed_acknowledge();
    if (error == ERROR_SUCCESS) {
        return 0;
    }
    problem_of_windows(&problem, "this cannot be noted: run it as an administrator", error);
    return fail();
}

static int serve(void) {
    DWORD error = service_run();
    if (error == ERROR_SUCCESS) {
        return 0;
    }
    problem_of_windows(&problem, "only Windows starts the service: 'sc start pwsync-forwarder'", error);
    return fail();
}

static int show_version(void) {
    puts("pwsync-forwarder " PWSYNC_VERSION);
    return 0;
}

struct command {
    const WCHAR *name;
    const WCHAR *option; /* or NULL */
    bool needs_options;
    int (*carry_out)(void);
    const char *meaning;
};

static const struct command commands[] = {
    {L"run", NULL, true, run, "hand over what the spool holds, in the foreground, until Ctrl+C"},
    {L"install", NULL, true, install, "make the service, the folder of the spool, and their rights"},
    {L"uninstall", NULL, false, uninstall, "stop and remove the service"},
    {L"status", NULL, true, show_text, "what waits, and what a person must look at; ends with 1 when there is such"},
    {L"status", L"json", true, show_json, "the same, for scripts"},
    {L"status", L"metrics", true, show_metrics, "the same, for Prometheus"},
    {L"retry", NULL, true, retry, "let what the controller has refused be sent again, in its old place"},
    {L"acknowledge", NULL, false, acknowledge, "the changes that were not captured are known: no alarm any more"},
    {L"service", NULL, false, serve, "what Windows starts"},
    {L"version", NULL, false, show_version, "which version this is"},
};

#define COMMANDS (sizeof commands / sizeof *commands)

static int show_usage(void) {
    fputs("usage: pwsync-forwarder COMMAND\n\n", stderr);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(stderr, "  %ls%s%-*ls  %s\n", commands[i].name, commands[i].option == NULL ? "" : " ",
                (int)(commands[i].option == NULL ? 15 - wcslen(commands[i].name) : 14 - wcslen(commands[i].name)),
                commands[i].option == NULL ? L"" : commands[i].option, commands[i].meaning);
    }
    return MISUSE;
}

int wmain(int count, WCHAR **arguments); /* which no header declares */

int wmain(int count, WCHAR **arguments) {
    for (size_t i = 0; i < COMMANDS; i++) {
        const struct command *command = &commands[i];
        if (count != (command->option == NULL ? 2 : 3) || wcscmp(arguments[1], command->name) != 0 ||
            (command->option != NULL && wcscmp(arguments[2], command->option) != 0)) {
            continue;
        }
        if (command->needs_options && !options_read(&options, &problem)) {
            return fail();
        }
        return command->carry_out();
    }
    return show_usage();
}
