"""Pure planning: states, their difference, the order of changes, what makes a plan unsafe, and how it is shown."""
