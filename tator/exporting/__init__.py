"""Write a dataset out: planned, then as files, tiles, crops or Qwen conversations."""
