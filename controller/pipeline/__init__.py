"""Event-triggered: intake, routing and dispatch of single password changes. Works on ports alone."""
