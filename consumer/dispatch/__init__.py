"""
Stage 2: window and retry topics -> receivers.

`service` is the loop. It reads partitions as their `shard` says: when something is due, a `run` reads the retry topic,
then what is due in each window (the other way round when much waits for retry). `admission` puts deliveries into the
`lanes` of their endpoints, `sending` sends them, what became of them is kept by `settling` and written by `commits`.
When a receiver takes nothing now, or memory is full (`pace`), `deferral` says what comes later.
"""
