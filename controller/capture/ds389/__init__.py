"""389 Directory Server: new passwords are read from its Retro Changelog, and taken out of it again."""
