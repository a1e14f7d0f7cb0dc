"""The journal: the outcome of every part, in one SQLite file that survives a kill at any moment.

Each part is one transaction: its row, the counters and its heat map are written together or not
at all. Results and deliveries are made from the rows. SQLite's write-ahead log lets the operator's
page read while a part is being written. The SQL works in SQLite 3.22, which older boards have.
"""
