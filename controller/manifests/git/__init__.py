"""Manifests in git repositories: reads them over the git command line, and never runs anything that comes with them."""
