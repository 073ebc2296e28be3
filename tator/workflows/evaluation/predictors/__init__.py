"""Predictors: what answers with boxes, a file each, behind one small protocol."""
