"""Elements of Enterprise SSO as documents of manifests, each with comments on what has no counterpart."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from controller.manifests.esso.elements import Element
from controller.manifests.esso.fields import Fields, Names, property_of
from controller.manifests.problems import Place, Problem
from controller.manifests.v1.document import API_VERSION
from controller.model.accounts import WindowsAccount
from controller.model.errors import InvalidInput

PRINCIPALS: Final = "principals are names of API tokens or client certificates here: pwsync token create NAME"


@dataclass(slots=True)
class Draft:
    """A document, and what a person should know about it."""

    kind: str
    name: str
    spec: dict[str, Any] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """The document."""
        document: dict[str, Any] = {"apiVersion": API_VERSION, "kind": self.kind, "metadata": {"name": self.name}}
        return {**document, "spec": self.spec} if self.spec else document


def renamed(written: str, name: str) -> list[str]:
    """A comment on a name that had to change."""
    return [] if written == name else [f"its name was {written!r}"]


def leftovers(fields: Fields) -> Iterator[str]:
    """A comment on each value that has no counterpart."""
    return (f"no counterpart: {rest}" for rest in fields.rest())


def adapter_of(element: Element, adapters: Names, groups: Names) -> tuple[Draft, list[str], list[Problem]]:
    """The adapter, the applications that are said to belong to it, and problems."""
    fields = Fields(element)
    written = fields.text("name")
    if not written:
        return Draft("Adapter", ""), [], [Problem(element.place, "an adapter has no name", "write name=")]
    draft = Draft("Adapter", adapters.of(written), comments=renamed(written, adapters.of(written)))
    draft.comments.append("its own process pulls its notifications, as before; or choose a connector: see connectors")
    users = fields.names("appUserAccount", "userAccount")
    spec: dict[str, Any] = {
        "description": fields.text("description"),
        "enabled": fields.flag("enableApp", "enabled"),
        "syncToAdapter": fields.flag("syncToAdapter"),
        "syncFromAdapter": fields.flag("syncFromAdapter"),
        "verifyOldPassword": fields.flag("verifyOldPassword", otherwise=True),
        "changeWindowsPassword": fields.flag("changeWindowsPassword"),
        "sendOldPassword": fields.flag("sendOldPassword"),
        "allowMappingConflicts": fields.flag("allowMappingConflicts"),
        "group": _group(fields.text("adapterGroup", "group"), groups),
        "access": _without_empty(
            {"administrators": fields.names("appAdminAccount", "adminAccount"), "users": users, "receivers": users}
        ),
        "notifications": {
            "retryCount": fields.number("notificationRetryCount", "retryCount", otherwise=5),
            "retryDelay": f"{fields.number('notificationRetryDelay', 'retryDelay', otherwise=1)}m",
            "maxPending": max(fields.number("maximumPendingNotifications", "maxPending", otherwise=8), 1),
            "storeWhenOffline": fields.flag(
                "storeNotificationsWhenOffline", "storeNotifications", "storeWhenOffline", otherwise=True
            ),
        },
        "connector": {"type": "remote"},
    }
    draft.spec = _without_empty(spec)
    if "access" in draft.spec:
        draft.comments.append(PRINCIPALS)
    applications = [text for text, _ in fields.texts("application")]
    applications += [child.attributes["name"] for child in element.children if _names_an_application(child)]
    draft.comments += [*leftovers(fields), *_properties(element)]
    return draft, applications, fields.problems


def group_of(element: Element, groups: Names) -> tuple[Draft, list[Problem]]:
    """A group of adapters."""
    fields = Fields(element)
    written = fields.text("name")
    if not written:
        return Draft("AdapterGroup", ""), [Problem(element.place, "an adapter group has no name", "write name=")]
    spec = _without_empty({"description": fields.text("description"), "computer": fields.text("computer")})
    comments = [*renamed(written, groups.of(written)), *leftovers(fields)]
    return Draft("AdapterGroup", groups.of(written), spec, comments), fields.problems


def application_of(element: Element, applications: Names) -> tuple[Draft | None, str, list[Problem]]:
    """The application, None for a store of configuration; the name of its adapter; and problems."""
    fields = Fields(element)
    written = fields.text("name")
    if not written:
        return None, "", [Problem(element.place, "an application has no name", "write name=")]
    name = applications.of(written)
    comments = renamed(written, name)
    is_store = fields.flag("configStoreApp")
    users, problems = _windows_names(fields)
    host, group = fields.flag("hostGroupApp", "hostInitiatedSSO", "hostApp"), fields.flag("groupApp")
    administrators = fields.names("appAdminAccount")
    spec = {
        "type": "hostGroup" if host else "group" if group else "individual",
        "enabled": fields.flag("enableApp", "enabled"),
        "directPasswordSync": fields.flag("directPasswordSync", "directPwdSync"),
        "contact": fields.text("contact"),
        "access": _without_empty({"administrators": administrators, "users": users}),
        "fields": list(_credential_fields(element, fields)),
    }
    adapter = fields.text("adapter")
    description = fields.text("description")
    comments += [f"description: {description}"] if description else []
    comments += [PRINCIPALS] if administrators else []
    comments += leftovers(fields)
    draft = Draft("Application", name, _without_empty(spec), comments)
    return (None if is_store else draft), adapter, [*problems, *fields.problems]


def system_of(element: Element) -> tuple[Draft, list[Problem]]:
    """The System, of what ``ssomanage -displaydb`` and ``ssoconfig`` show."""
    fields = Fields(element)
    administrators = fields.names("ssoAdminAccount", "administrators")
    affiliates = fields.names("ssoAffiliateAdminAccount", "affiliateAdministrators")
    spec: dict[str, Any] = {
        "fromWindowsToAdapters": fields.flag("syncFromWindows", "fromWindowsToAdapters", "windowsToAdapters"),
        "fromAdaptersToDatabase": fields.flag("syncFromAdapters", "fromAdaptersToDatabase", "adaptersToDatabase"),
        "fromAdaptersToWindows": fields.flag("changeWindowsPasswords", "fromAdaptersToWindows", "adaptersToWindows"),
        "maxSyncAge": f"{max(fields.number('syncAge', 'maxSyncAge', 'passwordSyncAge', otherwise=24), 1)}h",
        "administrators": administrators,
        "affiliateAdministrators": affiliates,
        "sources": {
            "domainControllers": fields.flag("allowPS", "allowDomainControllers", otherwise=True),
            "identityManagers": fields.flag("allowMIIS", "allowIdentityManagers", otherwise=True),
        },
        "audit": {
            "successes": min(fields.number("auditLevelPositive", "auditSuccesses", otherwise=3), 3),
            "failures": min(fields.number("auditLevelNegative", "auditFailures", otherwise=3), 3),
            "deletedApplications": fields.number("auditDeletedApps", "auditAppDeleteMax", otherwise=1000),
            "deletedMappings": fields.number("auditDeletedMappings", "auditMappingDeleteMax", otherwise=1000),
            "credentialLookups": fields.number("auditCredentialLookups", "auditXpLookupMax", otherwise=1000),
        },
    }
    comments = [PRINCIPALS] if administrators or affiliates else []
    if replay := fields.text("replayFiles", "replayDirectory"):
        comments.append(f"replay files stood in {replay}: see --replay-dir")
    if fields.text("secretServer"):
        comments.append("there is no server of the master secret: see pwsync secret")
    return Draft("System", "default", _without_empty(spec), [*comments, *leftovers(fields)]), fields.problems


def domain_of(name: str) -> Draft:
    """A domain that other objects name: the files of Enterprise SSO tell no more of it."""
    comments = [
        "the files do not tell the DNS name of the domain: correct it",
        "name in sources the principals that may report its changes",
        "name its directory, which full sync and the groups in access.users need",
    ]
    return Draft("Domain", name, {"dnsName": name.lower()}, comments)


def _group(written: str, groups: Names) -> str:
    return groups.of(written) if written else ""


def _without_empty(spec: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in spec.items() if value not in ("", [], {}, None)}


def _names_an_application(child: Element) -> bool:
    return child.name == "application" and "name" in child.attributes


def _properties(element: Element) -> Iterator[str]:
    """A comment on each free property: what it means to a connector, nobody but its author knows."""
    for child in element.children:
        if child.name == "property" and child.attributes:
            yield f"property: {property_of(child)}"
        elif child.children and child.name in {"properties", "adapterproperties"}:
            yield from (f"property: {property_of(each)}" for each in child.children)


def _windows_names(fields: Fields) -> tuple[list[str], list[Problem]]:
    """The accounts and groups whose members may be mapped."""
    found, problems = [], []
    for text, place in fields.texts("appUserAccount"):
        for part in filter(None, (part.strip() for part in text.split(";"))):
            try:
                found.append(str(WindowsAccount.parse(part)))
            except InvalidInput as error:
                problems.append(_problem(place, "appUserAccount", error))
    return list(dict.fromkeys(found)), problems


def _problem(place: Place, name: str, error: InvalidInput) -> Problem:
    return Problem(place, f"{name}: {error.message}", error.hint)


def _credential_fields(element: Element, fields: Fields) -> Iterator[dict[str, Any]]:
    found: list[tuple[int, dict[str, Any]]] = []
    for child in element.children:
        if child.name == "field":
            field_ = Fields(child)
            spec: dict[str, Any] = {"label": field_.text("label") or "Field"}
            ordinal = field_.number("ordinal", otherwise=len(found))
            spec |= {name: True for name in ("masked", "sync") if field_.flag(name, *_ALSO[name])}
            found.append((ordinal, spec))
            fields.problems += field_.problems
    return (spec for _, spec in sorted(found, key=lambda pair: pair[0]))


_ALSO: Final = {"masked": (), "sync": ("synchronized", "synchronised")}
