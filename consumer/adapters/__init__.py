"""The outside world: each module wraps one library and translates its exceptions once."""
