#include "installing.h"

#include <stdio.h>
#include <string.h>

#include "journal.h"
#include "protection.h"
#include "service.h"

#define SHOWN_NAME L"pwsync forwarder"
#define COMMAND_ROOM (MAX_PATH + 16)
#define SOURCE_KEY L"SYSTEM\\CurrentControlSet\\Services\\EventLog\\Application\\" JOURNAL_SOURCE
#define STOP_TRIES 600 /* of a tenth of a second */

static bool write_command(WCHAR program[MAX_PATH], WCHAR command[COMMAND_ROOM]) {
    DWORD size = GetModuleFileNameW(NULL, program, MAX_PATH);
    swprintf(command, COMMAND_ROOM, L"\"%ls\" service", program);
    return size > 0 && size < MAX_PATH;
}

/* Opens the service with this command, made anew when there is none; NULL with an error of Windows. */
static SC_HANDLE open_service(SC_HANDLE manager, const WCHAR *command) {
    SC_HANDLE service =
        CreateServiceW(manager, SERVICE_NAME, SHOWN_NAME, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS,
                       SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, command, NULL, NULL, NULL, SERVICE_ACCOUNT, NULL);
    if (service != NULL || GetLastError() != ERROR_SERVICE_EXISTS) {
        return service;
    }
    service = OpenServiceW(manager, SERVICE_NAME, SERVICE_ALL_ACCESS);
    if (service == NULL ||
        ChangeServiceConfigW(service, SERVICE_WIN32_OWN_PROCESS, SERVICE_AUTO_START, SERVICE_ERROR_NORMAL, command,
                             NULL, NULL, NULL, SERVICE_ACCOUNT, NULL, SHOWN_NAME)) {
        return service;
    }
    DWORD error = GetLastError();
    CloseServiceHandle(service);
    SetLastError(error);
    return NULL;
}

/* Wine does not know all of these; every Windows that is served does. */
static bool set_option(SC_HANDLE service, DWORD level, void *value) {
    return ChangeServiceConfig2W(service, level, value) || GetLastError() == ERROR_INVALID_LEVEL;
}

/* Started anew when it ends by itself, and without the rights that it does not need. */
static bool configure(SC_HANDLE service) {
    WCHAR words[] = L"Hands password changes of this domain controller over to pwsync.";
    WCHAR privileges[] = L"SeChangeNotifyPrivilege\0";
    SC_ACTION actions[] = {{SC_ACTION_RESTART, 5000}, {SC_ACTION_RESTART, 30000}, {SC_ACTION_RESTART, 60000}};
    SERVICE_DESCRIPTIONW description = {words};
    SERVICE_FAILURE_ACTIONSW failures = {.dwResetPeriod = 3600, .cActions = 3, .lpsaActions = actions};
    SERVICE_FAILURE_ACTIONS_FLAG also_errors = {TRUE};
    SERVICE_REQUIRED_PRIVILEGES_INFOW required = {privileges};
    return set_option(service, SERVICE_CONFIG_DESCRIPTION, &description) &&
           set_option(service, SERVICE_CONFIG_FAILURE_ACTIONS, &failures) &&
           set_option(service, SERVICE_CONFIG_FAILURE_ACTIONS_FLAG, &also_errors) &&
           set_option(service, SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO, &required);
}

/* The event log shows words of this program. */
static bool register_source(const WCHAR *program) {
    DWORD types = EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE;
    DWORD size = (DWORD)((wcslen(program) + 1) * sizeof *program);
    return RegSetKeyValueW(HKEY_LOCAL_MACHINE, SOURCE_KEY, L"EventMessageFile", REG_SZ, program, size) ==
               ERROR_SUCCESS &&
           RegSetKeyValueW(HKEY_LOCAL_MACHINE, SOURCE_KEY, L"TypesSupported", REG_DWORD, &types, sizeof types) ==
               ERROR_SUCCESS;
}

static bool make_service(struct problem *problem) {
    WCHAR program[MAX_PATH], command[COMMAND_ROOM];
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT | SC_MANAGER_CREATE_SERVICE), service = NULL;
    bool is_made = manager != NULL && write_command(program, command) && register_source(program);
    if (is_made) {
        service = open_service(manager, command);
        is_made = service != NULL && configure(service);
    }
    if (!is_made) {
        problem_of_windows(problem, "the service cannot be made: run this as an administrator", GetLastError());
    }
    if (service != NULL) {
        CloseServiceHandle(service);
    }
    if (manager != NULL) {
        CloseServiceHandle(manager);
    }
    return is_made;
}

bool service_install(const struct options *options, struct problem *problem) {
    return protect_spool(options->capture.spool, problem) &&
           (options->has_certificate || protect_file(options->token_file, problem)) && make_service(problem);
}

/* Waits until it has stopped; returns an error of Windows. */
static DWORD stop_service(SC_HANDLE service) {
    SERVICE_STATUS status;
    if (!ControlService(service, SERVICE_CONTROL_STOP, &status)) {
        return GetLastError() == ERROR_SERVICE_NOT_ACTIVE ? ERROR_SUCCESS : GetLastError();
    }
    for (int i = 0; i < STOP_TRIES; i++) {
        if (!QueryServiceStatus(service, &status)) {
            return GetLastError();
        }
        if (status.dwCurrentState == SERVICE_STOPPED) {
            return ERROR_SUCCESS;
        }
        Sleep(100); /* Windows tells of the end of a service in no way that is simpler */
    }
    return ERROR_SERVICE_REQUEST_TIMEOUT;
}

bool service_uninstall(struct problem *problem) {
    SC_HANDLE manager = OpenSCManagerW(NULL, NULL, SC_MANAGER_CONNECT);
    SC_HANDLE service = manager == NULL ? NULL : OpenServiceW(manager, SERVICE_NAME, SERVICE_ALL_ACCESS);
    DWORD error = service == NULL ? GetLastError() : stop_service(service);
    if (error == ERROR_SUCCESS && !DeleteService(service)) {
        error = GetLastError();
    }
    if (error == ERROR_SUCCESS) {
        error = (DWORD)RegDeleteKeyW(HKEY_LOCAL_MACHINE, SOURCE_KEY);
    }
    if (error != ERROR_SUCCESS) {
        problem_of_windows(problem, "the service cannot be removed", error);
    }
    if (service != NULL) {
        CloseServiceHandle(service);
    }
    if (manager != NULL) {
        CloseServiceHandle(manager);
    }
    return error == ERROR_SUCCESS;
}
