"""RACF: reads the change log of the z/OS LDAP server, and opens the envelopes that RACF keeps new passwords in."""
