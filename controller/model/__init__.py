"""Pure, frozen values of the domain: no clock, no log, no input or output, nothing of a higher layer."""
