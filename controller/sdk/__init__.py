"""The kit for remote adapters: what a process of its own needs to be one. Of the rest it imports ``Secret`` alone."""
