"""Directories that speak LDAP: one narrow session over ldap3, and a connector type for each kind of directory.

Types of ldap3 stay in ``wire`` and ``requests``; importing a connector type does not import ldap3.
"""
