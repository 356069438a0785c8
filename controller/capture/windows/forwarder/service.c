#include "service.h"

#include "forwarding.h"
#include "journal.h"

#define STOPPING_MILLISECONDS 45000 /* an answer of a controller may take so long */

static SERVICE_STATUS_HANDLE handle;
static HANDLE stop;

static void report(DWORD state, DWORD error) {
    SERVICE_STATUS status = {
        .dwServiceType = SERVICE_WIN32_OWN_PROCESS,
        .dwCurrentState = state,
        .dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP | SERVICE_ACCEPT_SHUTDOWN : 0,
        .dwWin32ExitCode = error,
        .dwWaitHint = state == SERVICE_STOP_PENDING ? STOPPING_MILLISECONDS : 0,
    };
    SetServiceStatus(handle, &status);
}

static DWORD WINAPI control(DWORD code, DWORD event, void *data, void *context) {
    (void)event, (void)data, (void)context;
    switch (code) {
    case SERVICE_CONTROL_STOP:
    case SERVICE_CONTROL_SHUTDOWN:
        report(SERVICE_STOP_PENDING, NO_ERROR);
        SetEvent(stop);
        return NO_ERROR;
    case SERVICE_CONTROL_INTERROGATE:
        return NO_ERROR;
    default:
        return ERROR_CALL_NOT_IMPLEMENTED;
    }
}

/* Returns an error of Windows: ERROR_BAD_CONFIGURATION when it could not begin. */
static DWORD forward(void) {
    static struct options options;
    struct problem problem = {""};
    journal_serve(NULL);
    bool is_run = options_read(&options, &problem);
    if (is_run) {
        journal_serve(options.capture.spool);
        is_run = forwarding_run(&options, stop, &problem);
    }
    if (!is_run) {
        journal_say(ALARM, "The forwarder cannot start: problem=%s", problem.words);
    }
    return is_run ? NO_ERROR : ERROR_BAD_CONFIGURATION;
}

static void WINAPI serve(DWORD count, WCHAR **arguments) {
    (void)count, (void)arguments;
    handle = RegisterServiceCtrlHandlerExW(SERVICE_NAME, control, NULL);
    if (handle == NULL) {
        return;
    }
    report(SERVICE_RUNNING, NO_ERROR);
    report(SERVICE_STOPPED, forward());
}

DWORD service_run(void) {
    WCHAR name[] = SERVICE_NAME;
    const SERVICE_TABLE_ENTRYW table[] = {{name, serve}, {NULL, NULL}};
    stop = CreateEventW(NULL, TRUE, FALSE, NULL);
    if (stop == NULL || !StartServiceCtrlDispatcherW(table)) {
        return GetLastError();
    }
    return ERROR_SUCCESS;
}
