"""Helpers of the tests: the lab as real processes, a browser, the position API, sipp."""
