"""pwsync: keeps passwords in sync between Active Directory and every other directory, declaratively."""
