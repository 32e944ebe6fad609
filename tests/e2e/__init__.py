"""The process from outside, on a real broker: what it promises, and that it keeps it when things break."""
