"""
Stage 2: window and retry topics -> receivers.

`service` is the loop. It reads partitions as their `shard` says (a run: the retry topic, then what is due in each
window; the other way round when much waits for retry), puts deliveries into the `lanes` of their endpoints, and writes
what became of them through `settling`.
"""
