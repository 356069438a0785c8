"""What must be done on a source so that it tells its changes: a small program to write, and lines to add by hand."""

import shlex
import sys
from pathlib import Path

from controller.capture.samba import ATTRIBUTES
from controller.capture.settings import CaptureSettings, CaptureSpec, OpenLdapSpec
from controller.model.errors import InvalidInput, SettingsError

_MODE = 0o700


def write_program(program: Path, source: str, settings: CaptureSettings) -> None:
    """Write the program that the source calls; one that exists is replaced in one step.

    Raises:
        SettingsError: It cannot be written.
    """
    words = [sys.executable, "-I", "-m", "controller", "capture", source, "--config", str(settings.file.absolute())]
    if not program.name or program.is_dir():
        raise SettingsError(f"the program cannot be written: {program} is a folder", hint="name a file with --program")
    beside = program.with_name(f"{program.name}.new")
    try:
        beside.write_text(f"#!/bin/sh\nexec {shlex.join(words)}\n")
        beside.chmod(_MODE)
        beside.replace(program)
    except OSError as error:
        raise SettingsError(
            f"the program {program} cannot be written: {error.strerror}", hint="name another with --program"
        ) from error


def samba_steps(program: Path) -> str:
    """What to do on a domain controller of Samba."""
    return f"""\
# 1. Let the domain controller keep new passwords for this program, encrypted: in [global] of smb.conf, then restart it.
#    The key (gpg --quick-generate-key) stands in the GNUPGHOME of samba and of samba-tool.
#       password hash gpg key ids = FINGERPRINT
# 2. Once:
samba-tool user syncpasswords --cache-ldb-initialize --decrypt-samba-gpg \\
  --attributes={ATTRIBUTES} \\
  --script={shlex.quote(str(program.absolute()))}
# 3. As a service, beside 'pwsync capture forward':
samba-tool user syncpasswords --daemon
"""


def pam_steps(program: Path) -> str:
    """What to do on a Unix host."""
    return f"""\
# Needs Linux-PAM 1.6.0 or newer: an older pam_exec hands over no new password, and this program then refuses.
# In the stack 'password', where only a change that succeeded comes to. Debian: at the end of
# /etc/pam.d/common-password. Red Hat: in an authselect profile, after pam_unix.so, which must not be 'sufficient' then.
# seteuid: when users run passwd, the program needs its rights to write the spool.
password required pam_exec.so seteuid expose_authtok quiet {program.absolute()}
"""


def openldap_of(spec: CaptureSpec) -> OpenLdapSpec:
    """The part of the settings about OpenLDAP.

    Raises:
        InvalidInput: There is none.
    """
    if spec.openldap is None:
        hint = "add openldap: {socket: ..., loginSocket: ..., baseDN: ...}"
        raise InvalidInput("the settings have no spec.openldap", hint=hint)
    return spec.openldap


def openldap_steps(spec: OpenLdapSpec) -> str:
    """What to do in a slapd.conf."""
    return f"""\
# Let slapd listen for ldapi:/// too (-h; Debian's does), with the file {spec.login_socket}.
# Start 'pwsync capture openldap' as the user of slapd first: while it is away, slapd refuses these operations.
# Then in slapd.conf, with the other modules:
moduleload back_sock
# and in the database, after all other overlays (the last one is asked first):
overlay sock
extensions connid
socketpath {spec.socket}
sockops modify extended add
sockresps result
# and before its other access rules: whoever may write userPassword must write the pseudo-attribute entry as well
# (slapd-sock(5)); that alone creates, renames or deletes nothing. Name your service accounts too.
access to attrs=entry by self write by * read
"""
