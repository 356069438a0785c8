"""Connectors of the LDAP family for the servers that tests start, with little patience."""

from datetime import timedelta
from typing import Any

from controller.connectors.ldap.active_directory import ActiveDirectoryOptions, ActiveDirectoryType
from controller.connectors.ldap.endpoint import Patience
from controller.connectors.ldap.openldap import LdapOptions, LdapType
from controller.model.options import SecretReference
from controller.model.secret import Secret
from controller.ports.connectors import Connector, ResolveSecret
from tests.servers.ds389 import Ds389Server
from tests.servers.samba import SambaServer
from tests.servers.slapd import SlapdServer

IMPATIENT = Patience(connect=timedelta(seconds=2), answer=timedelta(seconds=2))
SERVICE_PASSWORD_VARIABLE = "TEST_BIND_PASSWORD"


def ad_connector(samba: SambaServer, *, password: str | None = None, **options: Any) -> Connector:
    """A connector for the domain controller; *options* as in a manifest, replacing those that fit."""
    given = {
        "url": samba.ldaps_url,
        "caFile": str(samba.ca_file),
        "bind": {"user": samba.admin_user, "passwordFrom": {"env": SERVICE_PASSWORD_VARIABLE}},
        "baseDN": samba.base_dn,
        **options,
    }
    secret = Secret(samba.admin_password if password is None else password)
    return ActiveDirectoryType(IMPATIENT).connect(ActiveDirectoryOptions.model_validate(given), _always(secret))


def ldap_connector(slapd: SlapdServer | Ds389Server, *, password: str | None = None, **options: Any) -> Connector:
    """A connector for a server of this kind with a DN template, unless *options* (as in a manifest) say ``search``."""
    given = {
        "url": slapd.ldaps_url,
        "caFile": str(slapd.ca_file),
        "bind": {"user": slapd.service_dn, "passwordFrom": {"env": SERVICE_PASSWORD_VARIABLE}},
        **({} if "search" in options else {"accountDN": f"uid={{account}},{slapd.people_dn}"}),
        **options,
    }
    secret = Secret(slapd.service_password if password is None else password)
    return LdapType(IMPATIENT).connect(LdapOptions.model_validate(given), _always(secret))


def _always(secret: Secret) -> ResolveSecret:
    """Resolves every reference to one secret."""

    def resolve(_: SecretReference) -> Secret:
        return secret

    return resolve
