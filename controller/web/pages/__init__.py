"""The status page: who may see it, what it shows, what can be done there. Decides nothing about passwords."""
