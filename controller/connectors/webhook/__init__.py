"""Posts passwords to a receiver over HTTPS, signed and, if wanted, sealed. What it does with them is its own."""
