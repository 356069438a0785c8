"""Reading manifests must not pay for ldap3."""

import subprocess
import sys


def test_connector_types_are_imported_without_ldap3() -> None:
    program = (
        "import sys, controller.connectors.ldap.active_directory, controller.connectors.ldap.openldap;"
        "sys.exit('ldap3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
