"""Manifests of apiVersion pwsync/v1, one kind per file: what may be written, and the model object it stands for."""
