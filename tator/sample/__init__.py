"""The sample project that a first start opens, drawn here."""
