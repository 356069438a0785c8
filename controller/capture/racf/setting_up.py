"""Making a reader from the settings, and what must be done on z/OS for it."""

from pathlib import Path

from controller.capture.racf.directory import LdapDirectory
from controller.capture.racf.envelope import EnvelopeOpener
from controller.capture.racf.settings import RacfSpec
from controller.capture.settings import CaptureSpec
from controller.connectors.ldap.endpoint import Endpoint
from controller.connectors.ldap.racf import service_password
from controller.connectors.ldap.session import Session
from controller.model.errors import InvalidInput, SettingsError
from controller.ports.connectors import ResolveSecret


def racf_of(spec: CaptureSpec) -> RacfSpec:
    """The part of the settings about RACF.

    Raises:
        InvalidInput: There is none.
    """
    if spec.racf is None:
        raise InvalidInput("the settings have no spec.racf", hint="add racf: {url: ..., suffix: ..., ...}")
    return spec.racf


def make_opener(spec: RacfSpec, resolve: ResolveSecret) -> EnvelopeOpener:
    """Read key and certificates.

    Raises:
        SettingsError: One of them cannot be used.
    """
    key = resolve(spec.private_key_from)
    certificate, signers = (_read(Path(file)) for file in (spec.certificate_file, spec.signer_file))
    return EnvelopeOpener.load(key, certificate, signers, accepts_md5=spec.accept_md5)


def make_directory(spec: RacfSpec, resolve: ResolveSecret) -> LdapDirectory:
    """Make a directory; it is connected on first use.

    Raises:
        SettingsError: The password of the service account cannot be used.
    """
    return LdapDirectory(Session(Endpoint.of(spec), spec.bind.user, service_password(spec.bind, resolve)))


def racf_steps(spec: RacfSpec) -> str:
    """What to do on z/OS, as IBM documents it."""
    return f"""\
# On z/OS, in TSO; names in lower case are yours. Nobody has run these against a mainframe for pwsync: read IBM's
# RACF Security Administrator's Guide, "Password and password phrase enveloping" and "LDAP change log notification".
# 1. The LDAP server: back ends SDBM (suffix {spec.suffix}) and GDBM, "changeLogging on", and "listen ldap://:pc".
#    Let changeLogMaxAge and changeLogMaxEntries outlast the longest time for which this reader is away.
# 2. RACF tells the LDAP server of its changes:
RDEFINE RACFEVNT NOTIFY.LDAP.USER
# 3. RACF keeps envelopes, encrypted for our certificate and signed with its own. rasp: the user ID of the RACF
#    subsystem. Of the service account no envelope is needed: leave it out of the PERMIT.
RDEFINE RACFEVNT PASSWORD.ENVELOPE UACC(NONE) APPLDATA('SHA1/STRONG')
RDEFINE RACFEVNT PASSPHRASE.ENVELOPE UACC(NONE) APPLDATA('SHA1/STRONG')
PERMIT PASSWORD.ENVELOPE CLASS(RACFEVNT) ID(users) ACCESS(READ)
PERMIT PASSPHRASE.ENVELOPE CLASS(RACFEVNT) ID(users) ACCESS(READ)
SETROPTS CLASSACT(RACFEVNT) RACLIST(RACFEVNT) REFRESH
RACDCERT ID(rasp) ADDRING(IRR.PWENV.KEYRING)
RACDCERT ID(rasp) GENCERT SUBJECTSDN(CN('RACF envelopes')) WITHLABEL('racf-envelopes') SIZE(2048)
RACDCERT ID(rasp) CONNECT(ID(rasp) LABEL('racf-envelopes') RING(IRR.PWENV.KEYRING) DEFAULT USAGE(PERSONAL))
RACDCERT ID(pwsync) ADD('our.certificate') TRUST WITHLABEL('pwsync')
RACDCERT ID(rasp) CONNECT(ID(pwsync) LABEL('pwsync') RING(IRR.PWENV.KEYRING) USAGE(PERSONAL))
# 4. The certificate with which RACF signs, for racf.signerFile ({Path(spec.signer_file).name}):
RACDCERT ID(rasp) EXPORT(LABEL('racf-envelopes')) DSN('racf.signer') FORMAT(CERTB64)
# 5. Who may read envelopes: the user ID in racf.bind.user, and nobody else. It must be able to read cn=changelog too.
RDEFINE FACILITY IRR.RADMIN.EXTRACT.PWENV UACC(NONE)
RDEFINE FACILITY IRR.RADMIN.EXTRACT.PPENV UACC(NONE)
PERMIT IRR.RADMIN.EXTRACT.PWENV CLASS(FACILITY) ID(pwsync) ACCESS(READ)
PERMIT IRR.RADMIN.EXTRACT.PPENV CLASS(FACILITY) ID(pwsync) ACCESS(READ)
SETROPTS RACLIST(FACILITY) REFRESH
# 6. As services, on this machine: 'pwsync capture racf' and 'pwsync capture forward'
"""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", hint="see spec.racf of the settings") from error
