"""Level-triggered: observes actual state, plans, applies. Works on ports alone."""
