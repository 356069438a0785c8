"""Commands, one file each. Translates arguments to use cases and results to text or JSON; decides nothing."""
