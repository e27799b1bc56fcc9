"""Fuzzers of every parser that reads what others wrote (see README.md). Not part of the installed package."""
