"""
A seeded run of faults of every kind, and a checker that says which promise broke for which delivery.

`plan` says who receives and how badly, `ledger` what was produced, `traffic` and `faults` make it happen,
`checker` compares what was produced with what arrived, `run` joins them. `python -m tests.e2e.soak --help`.
"""
