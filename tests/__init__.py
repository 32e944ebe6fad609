"""Tests, from the pure core to the process on a real broker; each folder says what it needs."""
