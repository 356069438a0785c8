"""Asks a controller on this machine whether it is ready: exit code 0 or 1. The argument is the address to ask.

The certificate is not verified: it is that of another name than 127.0.0.1, and nothing is sent that is worth stealing.
"""

import ssl
import sys
import urllib.request

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
try:
    with urllib.request.urlopen(sys.argv[1], timeout=4, context=context) as answer:  # noqa: S310  # an address of our own
        sys.exit(0 if answer.status == 200 else 1)  # noqa: PLR2004  # HTTP's OK
except OSError:
    sys.exit(1)
