"""What must be done on a 389 Directory Server so that its change log tells new passwords, and only to the reader."""

from controller.capture.ds389.directory import LdapDirectory
from controller.capture.ds389.settings import Ds389Spec
from controller.capture.settings import CaptureSpec
from controller.connectors.ldap.endpoint import Endpoint
from controller.connectors.ldap.session import Session
from controller.model.errors import InvalidInput
from controller.ports.connectors import ResolveSecret


def ds389_of(spec: CaptureSpec) -> Ds389Spec:
    """The part of the settings about 389 Directory Server.

    Raises:
        InvalidInput: There is none.
    """
    if spec.ds389 is None:
        raise InvalidInput("the settings have no spec.ds389", hint="add ds389: {url: ..., bind: {...}, baseDN: ...}")
    return spec.ds389


def make_directory(spec: Ds389Spec, resolve: ResolveSecret) -> LdapDirectory:
    """Make a directory; it is connected on first use.

    Raises:
        SettingsError: The password of the service account cannot be used.
    """
    return LdapDirectory(Session(Endpoint.of(spec), spec.bind.user, resolve(spec.bind.password_from)))


def ds389_steps(spec: Ds389Spec) -> str:
    """LDIF for ldapmodify, as Directory Manager, in the order in which nothing is ever on the disk in clear."""
    return f"""\
# For ldapmodify as cn=Directory Manager, in three steps. Read the page on this capture first: it tells the dangers.
# The server's certificate must have an RSA key: with another one it does not start any more after step 2.
# 1. The change log. Then restart the server: it makes cn=changelog.
dn: cn=Retro Changelog Plugin,cn=plugins,cn=config
changetype: modify
replace: nsslapd-pluginEnabled
nsslapd-pluginEnabled: on
-
replace: nsslapd-changelogmaxage
nsslapd-changelogmaxage: 2d
-
replace: nsslapd-include-suffix
nsslapd-include-suffix: {spec.base_dn}

# 2. What the log says is encrypted in the database. Then restart the server once more.
dn: cn=changes,cn=encrypted attributes,cn=changelog,cn=ldbm database,cn=plugins,cn=config
changetype: add
objectClass: top
objectClass: nsAttributeEncryption
cn: changes
nsEncryptionAlgorithm: AES

# Where the suffix is replicated, the log of its replication needs the same (userroot: the database of the suffix):
#    dn: cn=changelog,cn=userroot,cn=ldbm database,cn=plugins,cn=config
#    changetype: modify
#    replace: nsslapd-encryptionalgorithm
#    nsslapd-encryptionalgorithm: AES

# 3. The reader alone reads the log, and takes passwords out of it; and the log tells new passwords.
dn: cn=changelog
changetype: modify
add: aci
aci: (targetattr="objectClass || changeNumber || targetDn || changeType || changeTime || changes")(version 3.0; \
acl "pwsync captures"; allow (read, search) userdn="ldap:///{spec.bind.user}";)
aci: (targetattr="changes")(version 3.0; acl "pwsync takes passwords out"; \
allow (write) userdn="ldap:///{spec.bind.user}";)

dn: {spec.base_dn}
changetype: modify
add: aci
aci: (targetattr="objectClass || {spec.account_attribute}")(version 3.0; acl "pwsync spells accounts"; \
allow (read, search) userdn="ldap:///{spec.bind.user}";)

dn: cn=config
changetype: modify
replace: nsslapd-unhashed-pw-switch
nsslapd-unhashed-pw-switch: on
# 4. As services, on this machine: 'pwsync capture ds389' and 'pwsync capture forward'
"""
