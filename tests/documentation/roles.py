"""The page of roles: every endpoint and what each role may do there, made from the rules themselves."""

from collections.abc import Mapping
from types import MappingProxyType

from controller.pipeline.roles import ALLOWED, Action, Role

ANYONE = None
ENDPOINTS: Mapping[str, Action | None] = MappingProxyType(
    {
        "POST /v1/domains/{domain}/changes": Action.REPORT_WINDOWS_CHANGE,
        "POST /v1/adapters/{name}/changes": Action.REPORT_EXTERNAL_CHANGE,
        "POST /v1/adapters/{name}/expirations": Action.REPORT_EXPIRATION,
        "POST /v1/adapters/{name}/session": Action.BE_THE_ADAPTER,
        "DELETE /v1/adapters/{name}/session": Action.BE_THE_ADAPTER,
        "GET /v1/adapters/{name}/notifications": Action.BE_THE_ADAPTER,
        "POST /v1/adapters/{name}/notifications/{trackingId}/complete": Action.BE_THE_ADAPTER,
        "POST /v1/adapters/{name}/status": Action.BE_THE_ADAPTER,
        "GET /v1/changes": Action.READ_CHANGES,
        "GET /v1/changes/{trackingId}": Action.READ_CHANGES,
        "GET /v1/deliveries": Action.READ_DELIVERIES,
        "GET /v1/events": Action.READ_EVENTS,
        "GET /v1/status": Action.READ_STATUS,
        "GET /v1/objects/{kind}": Action.READ_OBJECTS,
        "GET /v1/objects/{kind}/{name}": Action.READ_OBJECTS,
        "POST /v1/deliveries/{delivery}/retry": Action.RETRY_DELIVERY,
        "POST /v1/deliveries/{delivery}/discard": Action.DISCARD_DELIVERY,
        "POST /v1/adapters/{name}/disable": Action.SWITCH_ADAPTER,
        "POST /v1/adapters/{name}/enable": Action.SWITCH_ADAPTER,
        "POST /v1/adapters/{name}/reset": Action.RESET_ADAPTER,
        "GET /v1/credentials/{application}/{account}": Action.LOOK_UP_CREDENTIAL,
        "GET /metrics": Action.READ_METRICS,
        "GET /healthz": ANYONE,
        "GET /openapi.json": ANYONE,
        "GET /readyz": ANYONE,
        "GET /": Action.LOG_IN,
        "GET /live": Action.LOG_IN,
        "GET /topology": Action.VIEW_PAGES,
        "GET /changes": Action.VIEW_PAGES,
        "GET /changes/{tracking_id}": Action.VIEW_PAGES,
        "GET /plan": Action.VIEW_PAGES,
        "GET /events": Action.VIEW_PAGES,
        "GET /parked": Action.LOG_IN,
        "POST /parked/retry": Action.RETRY_DELIVERY,
        "GET /parked/discard": Action.DISCARD_DELIVERY,
        "POST /parked/discard": Action.DISCARD_DELIVERY,
        "GET /login": ANYONE,
        "POST /login": ANYONE,
        "POST /logout": ANYONE,
        "GET /static/{name}": ANYONE,
    }
)
"""Every route of the application. A test fails when one is missing, or does not do as it says here."""
_TITLES = {
    Role.ADMINISTRATOR: "administrator",
    Role.AFFILIATE_ADMINISTRATOR: "affiliate administrator",
    Role.APPLICATION_ADMINISTRATOR: "application's administrator",
    Role.ADAPTER_ADMINISTRATOR: "adapter's administrator",
    Role.ADAPTER_USER: "adapter's user",
    Role.ADAPTER_RECEIVER: "adapter's receiver",
    Role.SOURCE: "source",
    Role.CREDENTIAL_READER: "credential reader",
}
_REACH = {
    "application": "that application, its mappings, and changes and deliveries of the accounts mapped in it",
    "adapter": "that adapter, its deliveries and events, and changes reported by it",
}
INTRODUCTION = """\
# Roles

{note}

Who may do what over the API and on the status page. A caller proves a principal, with a token or a client certificate;
manifests say what that principal is. One principal may have several roles. What no role allows is refused: least
privilege is the default, and nobody has a right because of a name.

| role | named in | of what |
|---|---|---|
| administrator | `spec.administrators` of the System | everything |
| affiliate administrator | `spec.affiliateAdministrators` of the System | all applications and mappings |
| application's administrator | `spec.access.administrators` of an Application | {application} |
| adapter's administrator | `spec.access.administrators` of an Adapter | {adapter} |
| adapter's user | `spec.access.users` of an Adapter | the changes that it reported |
| adapter's receiver | `spec.access.receivers` of an Adapter | the notifications of that adapter |
| source | `spec.sources` of a Domain | the changes that it reported |
| credential reader | `spec.access.lookups` of an Application | the stored credentials of that application, in clear |

`access.users` of an Application names Windows accounts and groups: they are synchronised, but are no callers and have
no role. While an adapter is disabled, in its manifest or by an operator, its users and receivers have no role; its
administrators keep theirs. Take a principal out of the manifests, and it has no role after the next apply, whatever
token or certificate it still has.

"yes" is everything, "own" what the table above says. In lists, "own" narrows what is shown; a single object or change
that is not one's own is refused, and a credential is answered as one that does not exist (404). Who reported a change
sees all of its deliveries; an application's or adapter's administrator those within its reach. Without a proof the
answer is 401, without a role 403 with a `reason`: `noRole`, `notAllowed`, or one of [those of the call](api.md#errors).
Each refusal is an event, of one caller and reason once a minute.

Of objects, an affiliate administrator reads applications and mappings, and an adapter's administrator its adapters.
The pages of the status page are for those who log in there, with a token. Everything else, such as applying,
credentials and tokens, is done at the command line, by whoever holds the key of the installation.

"""


def roles_page(note: str) -> str:
    """The table."""
    columns = list(_TITLES)
    lines = [
        "| call | " + " | ".join(_TITLES[role] for role in columns) + " |",
        "|---" * (len(columns) + 1) + "|",
    ]
    for endpoint, action in ENDPOINTS.items():
        if action is ANYONE:
            cells = ["anybody, without proof", *[""] * (len(columns) - 1)]
        else:
            cells = [_cell(role, action) for role in columns]
        lines.append(f"| `{endpoint}` | " + " | ".join(cells) + " |")
    return INTRODUCTION.format(note=note, **_REACH) + "\n".join(lines) + "\n"


def _cell(role: Role, action: Action) -> str:
    if action not in ALLOWED[role]:
        return ""
    return "yes" if role is Role.ADMINISTRATOR else "own"
