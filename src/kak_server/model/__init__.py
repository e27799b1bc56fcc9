"""Identifiers and value types that every room may use. Imports nothing of the project."""
