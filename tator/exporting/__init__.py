"""Writing a dataset out: planned, then as files, tiles, crops or conversations for Qwen."""
