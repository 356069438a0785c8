"""Sets passwords of accounts of a Unix host, over SSH. Only ``session`` knows the library that speaks it."""
