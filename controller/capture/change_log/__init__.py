"""Change logs of directories: read from entry to entry, gaps noticed. What an entry says is a matter of its source."""
