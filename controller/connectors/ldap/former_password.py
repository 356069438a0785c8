"""Domain controllers let the former password in for a while after a change: a bind alone does not tell them apart.

Windows: ``OldPasswordAllowedPeriod``, 60 minutes by default (Microsoft KB 906305); Samba: ``old password allowed
period``, the same. Whoever has to know whether a password is the one in force must look again within that time.
"""

from datetime import timedelta

from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.times import filetime, generalized_time

ACCEPTED_FOR = timedelta(minutes=61)


def may_still_be_accepted(user: Entry, root: Entry | None) -> bool:
    """Whether the user's password changed so recently that its predecessor may still open the account.

    Args:
        user: With ``pwdLastSet`` (FILETIME: 100 ns since 1601, MS-DTYP 2.3.3).
        root: The root DSE with ``currentTime``: the controller's own clock decides.
    """
    set_at = filetime(user.text("pwdLastSet"))
    now = generalized_time(root.text("currentTime")) if root is not None else None
    if set_at is None or now is None:
        return True
    return now - set_at <= ACCEPTED_FOR
