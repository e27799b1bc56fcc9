"""The outside world that can be called: fire, police, a hospital, a busy number, one that never answers."""
