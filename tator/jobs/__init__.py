"""Jobs: long work that is queued, run, recorded, followed and cancelled.

A job runs in a thread of this process or in a child process.
"""
