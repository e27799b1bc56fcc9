"""Days of control rooms on a virtual clock: callers, operators and failures around the real routing core."""
