"""
Stage 1: source topics -> window topics.

`service` is the loop. Each batch of events becomes one transaction: a record per delivery on the window of its profile
(`routing` says which), a marker for each order that was placed, dead letters, outcomes of what is suppressed, and the
source offsets.
"""
