"""Long work: queued, driven in threads or child processes, recorded, followed, cancelled."""
