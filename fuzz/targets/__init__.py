"""One module a parser: `check(data)` holds the invariant, `GROWING` are inputs of any size to measure the work by."""
