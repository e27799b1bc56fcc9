"""Simulated callers: people with a telephone, over real SIP and RTP."""
