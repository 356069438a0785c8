"""Access lists of files (POSIX.1e draft 17): with one, the group bits of a mode are its mask and nobody's rights.

systemd hands over credentials in this way: mode 0440, owner root, and a list that lets the service's user read.
"""

import errno
import os
import stat
import struct

_ATTRIBUTE = "system.posix_acl_access"
_VERSION = struct.Struct("<I")
_ENTRY = struct.Struct("<HHI")  # linux/posix_acl_xattr.h: tag, rights, id
_USER, _GROUP_OBJECT, _GROUP, _OTHER = 0x02, 0x04, 0x08, 0x20
_NO_LIST = {errno.ENODATA, errno.ENOTSUP}


def rights_of_others(descriptor: int, status: os.stat_result) -> int:
    """What anyone but its owner and this process's user may do with a file: 4 read, 2 write, 1 execute, added up.

    Args:
        descriptor: Of the file.
        status: Of the same file.

    Raises:
        OSError: Its access list cannot be read.
    """
    try:
        content = os.getxattr(descriptor, _ATTRIBUTE)
    except OSError as error:
        if error.errno not in _NO_LIST:
            raise
        return (status.st_mode & stat.S_IRWXG) >> 3 | status.st_mode & stat.S_IRWXO
    return rights_in(content, os.geteuid())


def rights_in(content: bytes, user: int) -> int:
    """The rights that an access list gives to groups, to all others, and to users other than *user*.

    The mask, which can only take rights away, is left out of account.
    """
    rights = 0
    for tag, given, identity in _ENTRY.iter_unpack(content[_VERSION.size :]):
        if tag in {_GROUP_OBJECT, _GROUP, _OTHER} or (tag == _USER and identity != user):
            rights |= given
    return rights
